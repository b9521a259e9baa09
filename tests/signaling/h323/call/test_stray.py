from __future__ import annotations

import pytest

from signaling.h323 import q931
from signaling.h323.call import message, stray
from signaling.h323.q931 import Id, MessageType
from signaling.h323.q931_elements import CallState, call_state, keypad, read_call_state, read_cause
from tests.signaling.h323.call.peer import DESTINATION, GUID, SETUP, octets

RELEASE, STATUS = MessageType.RELEASE_COMPLETE, MessageType.STATUS


@pytest.mark.parametrize(
    ("kind", "body", "elements", "answer", "cause"),
    [
        (MessageType.INFORMATION, {}, (keypad("1"),), RELEASE, 81),
        (MessageType.FACILITY, None, (), RELEASE, 81),
        (MessageType.ALERTING, DESTINATION, (), RELEASE, 81),
        (MessageType.STATUS_ENQUIRY, {}, (), STATUS, 30),
        (STATUS, {}, (call_state(CallState.ACTIVE),), RELEASE, 101),
        (STATUS, {}, (call_state(CallState.NULL),), None, None),
        (STATUS, {}, (), None, None),
        (RELEASE, {}, (), None, None),
        (MessageType.SETUP, SETUP, (), None, None),
    ],
)
@pytest.mark.parametrize("is_caller", [True, False])
def test_each_message_for_no_call_has_its_answer(is_caller, kind, body, elements, answer, cause):
    said = stray.answer(octets(kind, body, is_caller=is_caller, elements=elements))
    if answer is None:
        assert said is None
        return
    found = message.parse(said)
    assert (found.type, found.q931.call_reference) == (answer, 0x1234)
    assert found.q931.is_from_destination == is_caller
    assert read_cause(found.q931.find(Id.CAUSE)) == cause
    if kind == MessageType.STATUS_ENQUIRY:
        assert read_call_state(found.q931.find(Id.CALL_STATE)) == 0
        assert found.body["callIdentifier"] == {"guid": GUID}


@pytest.mark.parametrize("rubbish", [b"", b"\x08", q931.Message(MessageType.CONNECT, 1, False).serialize()])
def test_rubbish_has_none(rubbish):
    assert stray.answer(rubbish) is None
