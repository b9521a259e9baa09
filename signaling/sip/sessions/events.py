"""What a session tells its owner."""

from __future__ import annotations

from dataclasses import dataclass, field

from signaling.sip.wire.message import Response


@dataclass(frozen=True, slots=True)
class Progressed:
    """A provisional response to our INVITE; `body` may be early media's SDP."""

    status: int
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """A 2xx to our INVITE or re-INVITE; `body` is the answer."""

    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Our INVITE or re-INVITE was refused, or nobody answered (408) or could be reached (503)."""

    status: int
    reason: str
    retry_after_s: int = 0
    warning: str = ""
    contacts: tuple[str, ...] = ()
    """3xx: where to try instead, as the peer wrote it."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The peer gave up before we answered."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The ACK of our 2xx; `body` is the answer where the offer was ours."""

    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Offered:
    """A re-INVITE, or an offer in an UPDATE or PRACK: answer with accept() or reject().

    An empty `body` of a re-INVITE asks for our offer. While the first INVITE still waits, accept() and reject() mean
    that; UPDATE and PRACK, which come so early only after ring() gave an answer, have Session.updates.
    """

    body: bytes = field(default=b"", repr=False)
    method: str = "INVITE"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The PRACK of an early offer of ours (ring() with a body to an INVITE without one); `body` is the answer."""

    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class InfoReceived:
    """An INFO of a known content type (RFC 6086 legacy use); it was answered with 200."""

    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over."""

    reason: str
    """"bye", "no-ack", "no-prack", "gone" (481 or no answer within the dialog), "expired" (RFC 4028 10), "local"."""


SessionEvent = Progressed | Answered | Refused | Cancelled | Confirmed | Acknowledged | Offered | InfoReceived | Ended


def refused_by(response: Response) -> Refused:
    """What a final response of 300 and above says."""
    headers = response.headers
    retry = headers.get("Retry-After").partition("(")[0].partition(";")[0].strip()  # `7 (busy);duration=3`
    retry_after_s = int(retry) if retry.isascii() and retry.isdigit() and len(retry) < 9 else 0
    contacts = tuple(headers.values("Contact")) if response.status < 400 else ()
    return Refused(response.status, response.reason, retry_after_s, headers.get("Warning"), contacts)
