"""What refusals of the gate are in H.323: reason of ReleaseComplete (H.225.0 7.3.9) and cause (Q.850)."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.admission import Refusal, Refused
from signaling.attendant.reception import SaidGoodbye
from signaling.h323.call.causes import Cause


@dataclass(frozen=True, slots=True)
class Release:
    """For CallHandle.release()."""

    cause: Cause
    reason: str


_ANSWERS: dict[Refusal, Release] = {
    Refusal.UNKNOWN_ROOM: Release(Cause.UNALLOCATED_NUMBER, "unreachableDestination"),
    Refusal.PASSCODE_REQUIRED: Release(Cause.CALL_REJECTED, "securityDenied"),
    Refusal.PASSCODE_WRONG: Release(Cause.CALL_REJECTED, "securityDenied"),
    Refusal.TOO_MANY_TRIES: Release(Cause.CALL_REJECTED, "securityDenied"),
    Refusal.SLOW_DOWN: Release(Cause.TEMPORARY_FAILURE, "adaptiveBusy"),
    Refusal.LOCKED: Release(Cause.CALL_REJECTED, "destinationRejection"),
    Refusal.FULL: Release(Cause.USER_BUSY, "inConf"),
    Refusal.ENCRYPTION_REQUIRED: Release(Cause.INCOMPATIBLE_DESTINATION, "securityDenied"),
    Refusal.CAPACITY: Release(Cause.RESOURCE_UNAVAILABLE, "gatewayResources"),
    Refusal.HOST_ABSENT: Release(Cause.NO_ANSWER, "destinationRejection"),
    Refusal.NOT_LET_IN: Release(Cause.CALL_REJECTED, "destinationRejection"),
    Refusal.NETWORK: Release(Cause.CALL_REJECTED, "securityDenied"),
}
_NORMAL = Release(Cause.NORMAL_CLEARING, "undefinedReason")
"""Nobody refused: the caller was with the attendant, and it is over."""


def release_for(error: Exception) -> Release:
    """How a call ends that the gate does not let in, or that the server cannot take."""
    if isinstance(error, SaidGoodbye):
        return _NORMAL if error.reason is None else _ANSWERS[error.reason]
    return _ANSWERS[error.reason if isinstance(error, Refused) else Refusal.CAPACITY]
