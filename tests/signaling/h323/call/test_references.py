from __future__ import annotations

from dataclasses import replace

import pytest

from signaling.h323.call import message
from signaling.h323.call.references import MOST_CALLS, NewCall, References, Reply, refusal
from signaling.h323.q931 import Id, MessageType
from signaling.h323.q931_elements import read_cause
from tests.signaling.h323.call.peer import DESTINATION, IDENTITY, SETUP, octets

SETUP_OCTETS = octets(MessageType.SETUP, SETUP, is_caller=True)
RELEASE = octets(MessageType.RELEASE_COMPLETE, {"reason": ("undefinedReason", 0)}, is_caller=True)


def referring(reference: int, **others) -> bytes:
    return octets(MessageType.INFORMATION, {}, identity=replace(IDENTITY, reference=reference), **others)


def test_messages_find_their_call_by_reference_and_by_who_chose_it():
    calls: References[str] = References()
    assert calls.add(1, "theirs", is_ours=False)
    assert calls.add(1, "ours", is_ours=True)
    assert not calls.add(1, "another", is_ours=True)
    assert calls.route(referring(1, is_caller=True)) == "theirs"
    assert calls.route(referring(1, is_caller=False)) == "ours"
    assert list(calls) == ["theirs", "ours"]
    calls.discard("theirs")
    assert isinstance(calls.route(referring(1, is_caller=True)), Reply)
    assert len(calls) == 1


def test_a_setup_with_a_free_reference_is_a_new_call():
    calls: References[str] = References()
    assert calls.route(SETUP_OCTETS) == NewCall(IDENTITY.reference)
    calls.add(IDENTITY.reference, "it", is_ours=False)
    assert calls.route(SETUP_OCTETS) == "it"
    assert calls.route(octets(MessageType.SETUP, SETUP, is_caller=False)) is None


@pytest.mark.parametrize("kind", [MessageType.FACILITY, MessageType.INFORMATION, MessageType.STATUS_ENQUIRY])
def test_nobody_answers_for_all_calls_at_once(kind):
    """A ReleaseComplete of the global call reference would end them all; gatekeepers keep connections alive so."""
    calls: References[str] = References()
    body = None if kind is MessageType.FACILITY else {}
    assert calls.route(octets(kind, body, is_caller=True, identity=replace(IDENTITY, reference=0))) is None


def test_messages_for_no_call_are_answered():
    calls: References[str] = References()
    found = calls.route(octets(MessageType.ALERTING, DESTINATION, is_caller=False))
    assert isinstance(found, Reply)
    said = message.parse(found.octets)
    assert (said.type, read_cause(said.q931.find(Id.CAUSE))) == (MessageType.RELEASE_COMPLETE, 81)
    assert calls.route(RELEASE) is None


def test_rubbish_is_counted():
    calls: References[str] = References()
    assert [calls.route(rubbish) for rubbish in (b"", b"\x08", b"\x09\x02\x00\x01\x05")] == [None] * 3
    assert calls.malformed == 3


def test_a_connection_has_only_so_many_calls():
    calls: References[int] = References()
    for number in range(MOST_CALLS):
        calls.add(number, number, is_ours=False)
    found = calls.route(SETUP_OCTETS)
    assert isinstance(found, Reply)
    assert message.parse(found.octets).body["reason"] == ("newConnectionNeeded", 0)


@pytest.mark.parametrize(("reason", "cause"), [("gatewayResources", 42), ("adaptiveBusy", 41), ("securityDenied", 31)])
def test_a_call_is_refused_by_its_reference(reason, cause):
    said = message.parse(refusal(0x1234, reason))
    assert (said.type, said.q931.call_reference) == (MessageType.RELEASE_COMPLETE, 0x1234)
    assert said.q931.is_from_destination
    assert said.body["reason"] == (reason, 0)
    assert read_cause(said.q931.find(Id.CAUSE)) == cause
