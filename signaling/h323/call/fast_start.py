"""Fast connect (H.323 8.1.7): channels proposed in Setup, and taken or refused at the latest by Connect."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

from signaling.h323.call.events import FastStartAnswered, FastStartRefused
from signaling.h323.call.message import Signal, encode_fast_start


class FastStartState(Enum):
    """Where it stands."""

    NONE = auto()
    PENDING = auto()
    """Proposed by one side; the other has not said."""
    TAKEN = auto()
    REFUSED = auto()


class FastStart:
    """Of one call."""

    def __init__(self) -> None:
        self.state = FastStartState.NONE

    @property
    def is_pending(self) -> bool:
        """Whether H.245 of ours would spoil it: to begin H.245 is to give fast start up (8.1.7.1)."""
        return self.state is FastStartState.PENDING

    @property
    def is_taken(self) -> bool:
        """Whether there is media without H.245."""
        return self.state is FastStartState.TAKEN

    def propose(self, channels: Sequence[Any]) -> None:
        """Setup has these, or none."""
        if channels:
            self.state = FastStartState.PENDING

    def answer(self, channels: Sequence[Any], *, is_last: bool) -> dict[str, Any]:
        """The fields of a message of ours; the last, Connect, refuses what was not taken."""
        if not self.is_pending:
            return {}
        if channels:
            self.state = FastStartState.TAKEN
            return {"fastStart": encode_fast_start(channels)}
        if is_last:
            self.state = FastStartState.REFUSED
            return {"fastConnectRefused": 0}
        return {}

    def hear(self, signal: Signal, *, is_last: bool) -> list[FastStartAnswered | FastStartRefused]:
        """What a message of the called side says of our proposals."""
        if not self.is_pending:
            return []
        if channels := signal.fast_start:
            self.state = FastStartState.TAKEN
            return [FastStartAnswered(channels)]
        if is_last or "fastConnectRefused" in signal.body:
            self.state = FastStartState.REFUSED
            return [FastStartRefused()]
        return []
