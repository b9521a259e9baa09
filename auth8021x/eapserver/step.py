"""What an EAP method answers to each response of the peer, and what it is told. Pure."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Ask(msgspec.Struct, frozen=True, gc=False):
    """Send another request with this data."""

    data: bytes

    def __repr__(self) -> str:
        return f"Ask({len(self.data)} octets)"


class Passed(msgspec.Struct, frozen=True, gc=False):
    """The peer has proved to be this account."""

    identity: str


class Failed(msgspec.Struct, frozen=True, gc=False):
    """It has not; `reason` names a counter, `detail` is for the audit."""

    reason: str
    detail: str = ""
    identity: str = ""
    """Whom it tried to be, where that is known better than from its first words."""


Step = Ask | Passed | Failed


class Moment(msgspec.Struct, frozen=True, gc=False):
    """When a request came, and from where."""

    now: float
    """Monotonic."""
    now_utc: float
    station: str
    """The device and the switch that it is at; guesses are counted by it."""


class Method(Protocol):
    """One run of an EAP method, on our side."""

    kind: int

    def begin(self, identifier: int) -> bytes:
        """The data of the first request, which will carry this identifier."""

    def respond(self, data: bytes, identifier: int, moment: Moment) -> Step:
        """What follows on the data of a response; the next request would carry `identifier`."""
