"""What the gate's refusals are in SIP (RFC 3261 21)."""

from __future__ import annotations

import math

from mcu.fleet.worker import WorkerError
from signaling.admission import Refusal, Refused
from signaling.errors import SipError

_ANSWERS: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_ROOM: (404, "Not Found"),
    Refusal.PASSCODE_REQUIRED: (403, "Passcode required: dial room**passcode"),
    Refusal.PASSCODE_WRONG: (403, "Wrong passcode"),
    Refusal.TOO_MANY_TRIES: (403, "Too many wrong passcodes"),
    Refusal.SLOW_DOWN: (480, "Temporarily Unavailable"),
    Refusal.LOCKED: (403, "Room is locked"),
    Refusal.FULL: (486, "Room is full"),
    Refusal.ENCRYPTION_REQUIRED: (488, "Not Acceptable Here"),
    Refusal.CAPACITY: (503, "Service Unavailable"),
    Refusal.HOST_ABSENT: (480, "The host is not in the room"),
    Refusal.NOT_LET_IN: (403, "The host did not let you in"),
    Refusal.NETWORK: (403, "Not authenticated on the network"),
}
WARN_ENCRYPTION = '399 drumtower "this room requires encryption; offer SRTP (SDES or DTLS-SRTP)"'
DEFAULT_RETRY_AFTER_S = 10


def answer_to(error: Exception) -> SipError:
    """Status, reason and headers for what keeps a call out. A worker that cannot take it may be able to later."""
    if isinstance(error, SipError):
        return error
    if isinstance(error, Refused):
        return _answer_of_gate(error)
    if isinstance(error, WorkerError):
        return SipError(503, "Service Unavailable", (("Retry-After", str(DEFAULT_RETRY_AFTER_S)),))
    return SipError(500, "Server Internal Error")


def _answer_of_gate(refused: Refused) -> SipError:
    status, reason = _ANSWERS[refused.reason]
    headers: list[tuple[str, str]] = []
    if refused.reason is Refusal.ENCRYPTION_REQUIRED:
        headers.append(("Warning", WARN_ENCRYPTION))
    if refused.reason in (Refusal.SLOW_DOWN, Refusal.CAPACITY):
        headers.append(("Retry-After", str(math.ceil(refused.retry_after_s) or DEFAULT_RETRY_AFTER_S)))
    return SipError(status, reason, tuple(headers))
