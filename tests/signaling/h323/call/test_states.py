"""One row an arrow of call.states."""

from __future__ import annotations

import pytest

from signaling.h323.call import events
from signaling.h323.call.states import TRANSITIONS
from signaling.h323.q931 import MessageType
from signaling.h323.q931_elements import CallState
from tests.signaling.h323.call.peer import ADDRESS, DESTINATION, ROOM, TRANSPORT, called, calling, octets, told

BODIES = {
    MessageType.SETUP_ACKNOWLEDGE: {},
    MessageType.CALL_PROCEEDING: DESTINATION,
    MessageType.PROGRESS: DESTINATION,
    MessageType.ALERTING: DESTINATION,
    MessageType.CONNECT: DESTINATION | {"conferenceID": ROOM},
}
ACK, PROCEEDING, PROGRESS, ALERTING, CONNECT = BODIES
S = CallState
ROWS = [
    ([], S.CALL_INITIATED),
    ([ACK], S.OVERLAP_SENDING),
    ([PROCEEDING], S.OUTGOING_CALL_PROCEEDING),
    ([ACK, PROCEEDING], S.OUTGOING_CALL_PROCEEDING),
    ([PROCEEDING, PROCEEDING], S.OUTGOING_CALL_PROCEEDING),
    ([ALERTING, PROCEEDING], S.CALL_DELIVERED),
    ([PROGRESS], S.OUTGOING_CALL_PROCEEDING),
    ([ACK, PROGRESS], S.OUTGOING_CALL_PROCEEDING),
    ([PROCEEDING, PROGRESS], S.OUTGOING_CALL_PROCEEDING),
    ([ALERTING, PROGRESS], S.CALL_DELIVERED),
    ([ALERTING], S.CALL_DELIVERED),
    ([ACK, ALERTING], S.CALL_DELIVERED),
    ([PROCEEDING, ALERTING], S.CALL_DELIVERED),
    ([ALERTING, ALERTING], S.CALL_DELIVERED),
    ([CONNECT], S.ACTIVE),
    ([ACK, CONNECT], S.ACTIVE),
    ([PROCEEDING, CONNECT], S.ACTIVE),
    ([ALERTING, CONNECT], S.ACTIVE),
]
REFUSED = [
    ([ACK, ACK], S.OVERLAP_SENDING),
    ([PROCEEDING, ACK], S.OUTGOING_CALL_PROCEEDING),
    ([ALERTING, ACK], S.CALL_DELIVERED),
    *(([CONNECT, late], S.ACTIVE) for late in BODIES),
]


def after(messages):
    call, _, _ = calling()
    for kind in messages:
        call.receive(octets(kind, BODIES[kind], is_caller=False), 1)
    return call


@pytest.mark.parametrize(("messages", "state"), ROWS)
def test_each_arrow_of_a_call_out(messages, state):
    call = after(messages)
    assert (call.state, call.ignored) == (state, 0)


@pytest.mark.parametrize(("messages", "state"), REFUSED)
def test_what_is_no_arrow_is_ignored(messages, state):
    call = after(messages)
    assert (call.state, call.ignored) == (state, 1)


@pytest.mark.parametrize(
    ("verbs", "state"),
    [
        ([], S.INCOMING_CALL_PROCEEDING),
        (["alert"], S.CALL_RECEIVED),
        (["accept"], S.ACTIVE),
        (["alert", "accept"], S.ACTIVE),
        (["alert", "alert"], S.CALL_RECEIVED),
        (["accept", "alert"], S.ACTIVE),
        (["accept", "accept"], S.ACTIVE),
        (["accept", "release"], S.NULL),
        (["release", "accept"], S.NULL),
    ],
)
def test_each_arrow_of_a_call_in(verbs, state):
    call, _, _ = called()
    for verb in verbs:
        getattr(call, verb)(1, **({"conference_id": ROOM} if verb == "accept" else {}))
    assert call.state is state


def test_the_table_has_no_other_arrows():
    assert len(ROWS) + 5 == len(TRANSITIONS)  # PLACE is in the first row; SETUP, PROCEED, ALERT, twice ACCEPT


def test_a_second_call_proceeding_may_bring_the_address():
    call = after([ALERTING])
    late = octets(PROCEEDING, DESTINATION | {"h245Address": TRANSPORT}, is_caller=False, tunnels=False)
    assert told(call.receive(late, 2)) == [events.Proceeding(), events.OpenControl(ADDRESS)]
