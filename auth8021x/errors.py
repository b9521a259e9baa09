"""What can go wrong in 802.1X and RADIUS, as callers tell it apart."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class Dot1xError(Exception):
    """Base of all; the text is fit to be logged."""


class MalformedPacketError(Dot1xError, ValueError):
    """Bytes of a peer that are no EAPOL, EAP or RADIUS packet, or an attribute that is none; the text says why."""


class NoAnswerError(Dot1xError):
    """No server answered, or there was no room to ask one; the text says which."""


class QueueFullError(Dot1xError):
    """A record of accounting was not taken: as many as may be kept wait already."""


class DirectoryUnavailableError(Dot1xError):
    """The directory of sessions cannot be asked: it has not been read yet, or is not running."""


class EnforcementError(Dot1xError):
    """A driver could not do what it was told; the text says what the kernel or its program said."""

    def __init__(self, text: str, kept_out: Mapping[tuple[str, bytes], str] = MappingProxyType({})) -> None:
        super().__init__(text)
        self.kept_out = kept_out
        """Who is not in although it was to be, by port and MAC, with a word for the reason."""


class PortError(Dot1xError):
    """Our own ports cannot be served; the text says what to do."""
