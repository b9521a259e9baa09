"""The states of a call (RFC 3261 13 to 15)."""

from __future__ import annotations

from enum import Enum, auto


class SessionState(Enum):
    """Where a call stands."""

    INCOMING = auto()
    ACCEPTED = auto()
    """Our 2xx is out, its ACK is not here."""
    CALLING = auto()
    CANCELLING = auto()
    ESTABLISHED = auto()
    LEAVING = auto()
    """The owner hung up; a BYE waits for an ACK."""
    ENDED = auto()
