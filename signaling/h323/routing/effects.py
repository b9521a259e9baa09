"""What a routed call hands to its shell."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto


class Side(Enum):
    """The two terminals of a call, each on a connection of its own."""

    CALLER = auto()
    CALLED = auto()

    @property
    def other(self) -> Side:
        """The one that it talks with."""
        return Side.CALLED if self is Side.CALLER else Side.CALLER


@dataclass(frozen=True, slots=True)
class Send:
    """A Q.931 message for the connection of this side, to be framed by TPKT."""

    side: Side
    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """The called terminal has taken the call."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of both legs, told once and last: close both connections. `reason` is ReleaseCompleteReason's name."""

    cause: int
    reason: str
    by: Side | None = None
    """Who hung up; None for us."""


Effect = Send | Answered | Ended
