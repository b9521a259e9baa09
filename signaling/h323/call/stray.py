"""Messages for a call that is not, on a connection that stands (Q.931 5.8.3.2)."""

from __future__ import annotations

from signaling.h323 import q931
from signaling.h323.call import message
from signaling.h323.call.causes import Cause, reason_of
from signaling.h323.call.message import CallIdentity
from signaling.h323.errors import MalformedPduError
from signaling.h323.q931 import Id, MessageType
from signaling.h323.q931_elements import CallState, call_state, cause, read_call_state

_UNKNOWN = bytes(16)
_SILENT = (MessageType.SETUP, MessageType.RELEASE_COMPLETE)
"""A Setup for no call comes from the wrong side (5.8.3.2 d), a ReleaseComplete asks for nothing (c)."""


def answer(octets: bytes) -> bytes | None:
    """What to say to a message whose call reference no call has; None for nothing."""
    try:
        found = message.parse(octets)
        if found.type in _SILENT or _knows_of_no_call(found.q931):
            return None
    except MalformedPduError:
        return None
    guid = found.body.get("callIdentifier", {}).get("guid", _UNKNOWN)
    identity = CallIdentity(found.q931.call_reference, guid, _UNKNOWN)
    if found.type == MessageType.STATUS_ENQUIRY:
        kind, body = MessageType.STATUS, {}
        elements = [cause(Cause.RESPONSE_TO_STATUS_ENQUIRY), call_state(CallState.NULL)]
    else:
        said = Cause.WRONG_STATE if found.type == MessageType.STATUS else Cause.INVALID_CALL_REFERENCE
        kind, body, elements = MessageType.RELEASE_COMPLETE, {"reason": (reason_of(said), 0)}, [cause(said)]
    return message.serialize(
        kind,
        identity,
        body,
        is_from_destination=not found.q931.is_from_destination,
        is_tunnelling=False,
        elements=elements,
    )


def _knows_of_no_call(found: q931.Message) -> bool:
    """Status of the null state: both agree (5.8.11)."""
    return found.type == MessageType.STATUS and read_call_state(found.find(Id.CALL_STATE) or b"") == CallState.NULL
