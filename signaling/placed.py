"""A call that the server makes into a room, from the order to call until it is answered or has failed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mcu.participant import Role
from signaling.errors import SignalingError
from signaling.refusal import Refusal, Refused

MAX_TARGET_CHARACTERS = 256


class CallState(StrEnum):
    """Where the called party is."""

    CALLING = "calling"
    RINGING = "ringing"
    ENDED = "ended"
    """It did not come; the outcome says why."""


class Outcome(StrEnum):
    """Why a called party did not come in; pages have words for each."""

    BUSY = "busy"
    DECLINED = "declined"
    NO_ANSWER = "no-answer"
    UNREACHABLE = "unreachable"
    UNKNOWN_TARGET = "unknown-target"
    NOT_REGISTERED = "not-registered"
    NOT_ALLOWED = "not-allowed"
    TOO_MANY_CALLS = "too-many-calls"
    NOT_ACCEPTABLE = "not-acceptable"
    """No codec, or no encryption, in common."""
    ENCRYPTION_REQUIRED = "encryption-required"
    FULL = "full"
    UNKNOWN_ROOM = "unknown-room"
    CANCELLED = "cancelled"
    FAILED = "failed"


class DialRefused(SignalingError):
    """The call is not made, or was not answered."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


_OF_GATE: dict[Refusal, Outcome] = {
    Refusal.UNKNOWN_ROOM: Outcome.UNKNOWN_ROOM,
    Refusal.FULL: Outcome.FULL,
    Refusal.ENCRYPTION_REQUIRED: Outcome.ENCRYPTION_REQUIRED,
    Refusal.CAPACITY: Outcome.TOO_MANY_CALLS,
    Refusal.NETWORK: Outcome.NOT_ALLOWED,
}


def outcome_of(error: Exception) -> Outcome:
    """What keeps a called party out, to those who called it; other errors of signalling are about its media."""
    if isinstance(error, DialRefused):
        return error.outcome
    if isinstance(error, Refused):
        return _OF_GATE.get(error.reason, Outcome.NOT_ALLOWED)
    return Outcome.NOT_ACCEPTABLE if isinstance(error, SignalingError) else Outcome.FAILED


@dataclass(slots=True)
class PlacedCall:
    """One order to call, as hosts see it in their room."""

    leg: int
    """The leg that it has from the answer on; until then the number to cancel it by."""
    room: str
    target: str
    """What was dialled, without a passcode."""
    role: Role
    by: str
    """Who ordered it: the name of a user or participant."""
    state: CallState = CallState.CALLING
    outcome: Outcome | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has failed."""
        return self.state is CallState.ENDED

    def snapshot(self) -> dict[str, object]:
        """JSON-ready row."""
        return {
            "id": self.leg,
            "target": self.target,
            "role": str(self.role),
            "by": self.by,
            "state": str(self.state),
            "outcome": str(self.outcome) if self.outcome else "",
        }
