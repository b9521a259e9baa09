"""The states of a call (Q.931 2.1, as H.225.0 7.2.2 keeps them) and what leads from one to the next."""

from __future__ import annotations

from enum import Enum, auto

from signaling.h323.q931 import MessageType
from signaling.h323.q931_elements import CallState


class Input(Enum):
    """What moves a call. The end, by either side, leads to NULL from everywhere and is in no table."""

    PLACE = auto()
    """The owner calls out."""
    SETUP_ACKNOWLEDGE = auto()
    CALL_PROCEEDING = auto()
    PROGRESS = auto()
    ALERTING = auto()
    CONNECT = auto()
    SETUP = auto()
    PROCEED = auto()
    """CallProceeding of ours, which goes out at once: a Setup is answered within 4 s (H.323 8.1.1)."""
    ALERT = auto()
    ACCEPT = auto()


FROM_PEER: dict[int, Input] = {
    MessageType.SETUP: Input.SETUP,
    MessageType.SETUP_ACKNOWLEDGE: Input.SETUP_ACKNOWLEDGE,
    MessageType.CALL_PROCEEDING: Input.CALL_PROCEEDING,
    MessageType.PROGRESS: Input.PROGRESS,
    MessageType.ALERTING: Input.ALERTING,
    MessageType.CONNECT: Input.CONNECT,
}

_S, _I = CallState, Input

# A pair that is missing is ignored: a message that comes late, twice, or to the wrong side. Call proceeding may come
# twice, from a gatekeeper and from the terminal behind it, and alerting again in a call that a gatekeeper forks.
# Connect needs no acknowledgement in H.225.0 (7.3.4), so CONNECT_REQUEST is left out: ACCEPT leads to ACTIVE.
TRANSITIONS: dict[tuple[CallState, Input], CallState] = {
    (_S.NULL, _I.PLACE): _S.CALL_INITIATED,
    (_S.CALL_INITIATED, _I.SETUP_ACKNOWLEDGE): _S.OVERLAP_SENDING,
    (_S.CALL_INITIATED, _I.CALL_PROCEEDING): _S.OUTGOING_CALL_PROCEEDING,
    (_S.OVERLAP_SENDING, _I.CALL_PROCEEDING): _S.OUTGOING_CALL_PROCEEDING,
    (_S.OUTGOING_CALL_PROCEEDING, _I.CALL_PROCEEDING): _S.OUTGOING_CALL_PROCEEDING,
    (_S.CALL_DELIVERED, _I.CALL_PROCEEDING): _S.CALL_DELIVERED,
    (_S.CALL_INITIATED, _I.PROGRESS): _S.OUTGOING_CALL_PROCEEDING,
    (_S.OVERLAP_SENDING, _I.PROGRESS): _S.OUTGOING_CALL_PROCEEDING,
    (_S.OUTGOING_CALL_PROCEEDING, _I.PROGRESS): _S.OUTGOING_CALL_PROCEEDING,
    (_S.CALL_DELIVERED, _I.PROGRESS): _S.CALL_DELIVERED,
    (_S.CALL_INITIATED, _I.ALERTING): _S.CALL_DELIVERED,
    (_S.OVERLAP_SENDING, _I.ALERTING): _S.CALL_DELIVERED,
    (_S.OUTGOING_CALL_PROCEEDING, _I.ALERTING): _S.CALL_DELIVERED,
    (_S.CALL_DELIVERED, _I.ALERTING): _S.CALL_DELIVERED,
    (_S.CALL_INITIATED, _I.CONNECT): _S.ACTIVE,
    (_S.OVERLAP_SENDING, _I.CONNECT): _S.ACTIVE,
    (_S.OUTGOING_CALL_PROCEEDING, _I.CONNECT): _S.ACTIVE,
    (_S.CALL_DELIVERED, _I.CONNECT): _S.ACTIVE,
    (_S.NULL, _I.SETUP): _S.CALL_PRESENT,
    (_S.CALL_PRESENT, _I.PROCEED): _S.INCOMING_CALL_PROCEEDING,
    (_S.INCOMING_CALL_PROCEEDING, _I.ALERT): _S.CALL_RECEIVED,
    (_S.INCOMING_CALL_PROCEEDING, _I.ACCEPT): _S.ACTIVE,
    (_S.CALL_RECEIVED, _I.ACCEPT): _S.ACTIVE,
}
