"""Errors of signalling, each with the status that goes on the wire."""

from __future__ import annotations


class SignalingError(Exception):
    """Base of everything that ends or refuses a call."""


class SipError(SignalingError):
    """A SIP message or call that is answered with `status` (RFC 3261 21)."""

    def __init__(self, status: int, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.headers = headers


class MalformedMessage(SipError):
    """Bytes that are no SIP message; 400 where enough is readable to answer."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(status, reason)


class SdpError(SipError):
    """A session description that cannot be read (400) or agreed to (488)."""

    def __init__(self, reason: str, status: int = 400, warning: str = "") -> None:
        super().__init__(status, reason, (("Warning", warning),) if warning else ())


class TransportError(SignalingError):
    """A message could not be sent: no route, refused, or connection limit reached."""
