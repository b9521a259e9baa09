from __future__ import annotations

import random

import pytest

from signaling.h323 import per, q931
from signaling.h323.call import events
from signaling.h323.call.call import Call
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.setup import SetupRequest
from signaling.h323.q931 import Id, MessageType
from signaling.h323.q931_elements import CallState, PartyNumber, cause, display, read_party_number
from signaling.h323.ras.alias import Alias, AliasKind
from tests.signaling.h323.call.peer import (
    ADDRESS,
    CHANNEL,
    CONFERENCE,
    DESTINATION,
    GUID,
    IDENTITY,
    ROOM,
    TERMINAL,
    TOKEN,
    TRANSPORT,
    FakeControl,
    calling,
    in_tunnel,
    kinds,
    octets,
    on_connection,
    sent,
    told,
    units,
)

FAST = {"fastStart": [per.encode(per.Type.OPEN_LOGICAL_CHANNEL, CHANNEL)]}
CONNECTED = {"conferenceID": ROOM} | DESTINATION
FACILITY = MessageType.FACILITY


def answer(kind, body=None, **others):
    return octets(kind, body, is_caller=False, **others)


def proceeding(**others):
    return answer(MessageType.CALL_PROCEEDING, DESTINATION | others.pop("body", {}), **others)


def alerting(**others):
    return answer(MessageType.ALERTING, DESTINATION | others.pop("body", {}), **others)


def connect(**others):
    return answer(MessageType.CONNECT, CONNECTED | others.pop("body", {}), **others)


def test_setup_says_who_calls_whom_and_how():
    call, _, effects = calling(
        goal="invite",
        called=(Alias(AliasKind.H323_ID, "Ward 7"), Alias(AliasKind.DIALLED_DIGITS, "777")),
        called_address=ADDRESS,
        fast_start=(CHANNEL,),
        tokens=(TOKEN,),
        endpoint_identifier="EP1",
        multiplier=6,
    )
    (setup,) = sent(effects)
    body, elements = setup.body, setup.q931
    assert (setup.type, elements.call_reference, elements.is_from_destination) == (MessageType.SETUP, 0x1234, False)
    assert body["sourceAddress"] == [("h323-ID", "mcu"), ("dialledDigits", "88")]
    assert body["destinationAddress"] == [("h323-ID", "Ward 7"), ("dialledDigits", "777")]
    assert body["destCallSignalAddress"] == TRANSPORT
    assert body["conferenceGoal"] == ("invite", 0)
    assert (body["conferenceID"], body["callIdentifier"]) == (CONFERENCE, {"guid": GUID})
    assert (body["tokens"], body["endpointIdentifier"], body["activeMC"]) == ([TOKEN], "EP1", True)
    assert setup.fast_start == (CHANNEL,)
    assert (setup.is_tunnelling, setup.control) == (True, ())
    assert elements.find(Id.BEARER_CAPABILITY).hex() == "8893a5"
    assert elements.find(Id.DISPLAY) == b"Ward 3"
    assert read_party_number(elements.find(Id.CALLED_PARTY_NUMBER)) == PartyNumber("777")
    assert read_party_number(elements.find(Id.CALLING_PARTY_NUMBER)) == PartyNumber("88")
    identifiers = [element.identifier for element in elements.elements]
    assert identifiers == sorted(identifiers)
    assert call.state is CallState.CALL_INITIATED


def test_from_setup_to_connect_in_the_tunnel():
    call, fake, _ = calling()
    assert call.receive(proceeding(), 1) == [events.Proceeding()]
    assert call.receive(alerting(elements=(display("Dr Li"),)), 2) == [events.Alerting("Dr Li")]
    effects = call.receive(connect(elements=(display("Dr Li"),), body={"tokens": [TOKEN]}), 3)
    assert told(effects) == [
        events.TokensReceived(MessageType.CONNECT, (TOKEN,)),
        events.Connected(ROOM, "Dr Li", TERMINAL),
    ]
    assert in_tunnel(effects) == [(FACILITY, [1])]
    assert call.state is CallState.ACTIVE
    call.receive(answer(FACILITY, None, carries=(5,)), 4)
    assert fake.received == [5]


def test_a_peer_that_begins_h245_early_is_answered():
    call, _, _ = calling()
    assert in_tunnel(call.receive(proceeding(carries=(5,)), 1)) == [(FACILITY, [1, 105])]


@pytest.mark.parametrize("kind", ["proceeding", "alerting", "connect"])
def test_a_peer_without_tunnelling_is_connected_to_where_it_says(kind):
    call, _, _ = calling()
    make = {"proceeding": proceeding, "alerting": alerting, "connect": connect}[kind]
    effects = call.receive(make(tunnels=False, body={"h245Address": TRANSPORT}), 1)
    assert told(effects)[-1] == events.OpenControl(ADDRESS)
    assert on_connection(call.control_opened(2)) == [1]
    again = call.receive(connect(tunnels=False, body={"h245Address": TRANSPORT}), 3)
    assert events.OpenControl(ADDRESS) not in again


def test_a_provisional_word_of_a_gatekeeper_does_not_end_tunnelling():
    call, _, _ = calling()
    signal = q931.parse(proceeding(tunnels=False))
    value = per.decode(per.Type.USER_INFORMATION, signal.user_information)
    value["h323-uu-pdu"]["provisionalRespToH245Tunnelling"] = 0
    carrier = q931.user_user(per.encode(per.Type.USER_INFORMATION, value))
    call.receive(q931.Message(signal.type, 0x1234, True, (carrier,)).serialize(), 1)
    assert not call.is_tunnelling
    call.receive(alerting(tunnels=True), 2)
    assert call.is_tunnelling


def test_once_denied_tunnelling_does_not_come_back():
    call, _, _ = calling()
    call.receive(proceeding(tunnels=False), 1)
    assert kinds(call.receive(connect(tunnels=True), 2)) == ["Connected", "ListenControl"]
    (start,) = sent(call.control_listening(ADDRESS, 3))
    assert (start.body["reason"], start.body["h245Address"], start.is_tunnelling) == (
        ("startH245", 0),
        TRANSPORT,
        False,
    )


def test_we_may_not_tunnel_at_all():
    call = Call(LocalEndpoint(offers_tunnelling=False), FakeControl())
    assert sent(call.place(SetupRequest(), IDENTITY, 0))[0].is_tunnelling is False
    effects = call.receive(connect(tunnels=True, carries=(5,)), 1)
    assert kinds(effects) == ["Connected", "ListenControl"]


def test_fast_start_keeps_h245_back_until_it_is_answered():
    call, _, _ = calling(fast_start=(CHANNEL,))
    assert told(call.receive(proceeding(body=FAST), 1)) == [events.FastStartAnswered((CHANNEL,)), events.Proceeding()]
    assert told(call.receive(alerting(body=FAST), 2)) == [events.Alerting()]
    assert in_tunnel(call.receive(connect(body=FAST), 3)) == [(FACILITY, [1])]


def test_fast_start_is_refused_at_the_latest_by_connect():
    call, _, _ = calling(fast_start=(CHANNEL,))
    assert told(call.receive(alerting(), 1)) == [events.Alerting()]
    assert kinds(call.receive(connect(), 2)) == ["FastStartRefused", "Connected", "SendSignalling"]
    call, _, _ = calling(fast_start=(CHANNEL,))
    assert kinds(call.receive(alerting(body={"fastConnectRefused": 0}), 1)) == ["FastStartRefused", "Alerting"]


def test_fast_start_may_be_forwarded_in_a_facility():
    call, _, _ = calling(fast_start=(CHANNEL,))
    body = {"reason": ("forwardedElements", 0)} | FAST
    assert call.receive(answer(FACILITY, body), 1) == [events.FastStartAnswered((CHANNEL,))]


@pytest.mark.parametrize(
    ("messages", "timer_s", "cause_value", "reason"),
    [
        ([], 4, 18, "unreachableDestination"),  # T303
        ([proceeding()], 61, 102, "undefinedReason"),  # T310
        ([proceeding(), proceeding()], 61, 102, "undefinedReason"),
        ([answer(MessageType.SETUP_ACKNOWLEDGE, {})], 31, 102, "undefinedReason"),  # T304
        ([alerting()], 181, 19, "undefinedReason"),  # T301
        ([proceeding(), alerting(), alerting()], 181, 19, "undefinedReason"),
        ([answer(MessageType.PROGRESS, DESTINATION)], 181, 19, "undefinedReason"),
    ],
)
def test_each_wait_has_its_timer(messages, timer_s, cause_value, reason):
    call, _, _ = calling()
    for signal in messages:
        call.receive(signal, 1)
    assert call.next_timeout() == timer_s
    assert call.on_timeout(timer_s - 0.1) == []
    effects = call.on_timeout(timer_s)
    assert kinds(effects) == ["SendSignalling", "CloseSignalling", "Released"]
    assert effects[-1] == events.Released(cause_value, reason)
    assert sent(effects)[0].type == MessageType.RELEASE_COMPLETE


def test_with_h245_the_timers_of_control_run_only():
    call, _, _ = calling()
    call.receive(connect(), 1)
    assert call.next_timeout() == 11
    assert kinds(call.on_timeout(11)) == ["RoundTrip"]
    assert call.next_timeout() is None


def test_more_digits_go_out_as_a_called_number():
    call, _, _ = calling()
    assert call.receive(answer(MessageType.SETUP_ACKNOWLEDGE, {}), 1) == [events.MoreDigits()]
    (info,) = sent(call.keypad("42", 10))
    assert read_party_number(info.q931.find(Id.CALLED_PARTY_NUMBER)) == PartyNumber("42")
    assert call.next_timeout() == 40


@pytest.mark.parametrize("reason", ["callForwarded", "routeCallToGatekeeper", "routeCallToMC"])
def test_a_call_that_is_sent_elsewhere_is_released(reason):
    call, _, _ = calling()
    body = {
        "reason": (reason, 0),
        "alternativeAddress": TRANSPORT,
        "alternativeAliasAddress": [("dialledDigits", "9")],
        "conferenceID": ROOM,
    }
    effects = call.receive(answer(FACILITY, body), 1)
    assert effects[0] == events.Redirected(reason, ADDRESS, (Alias(AliasKind.DIALLED_DIGITS, "9"),), ROOM)
    assert effects[-1] == events.Released(16, "facilityCallDeflection")


def test_a_call_that_stands_is_not_released_by_a_wish():
    call, _, _ = calling()
    call.receive(connect(), 1)
    assert call.receive(answer(FACILITY, {"reason": ("routeCallToMC", 0)}), 2) == [events.Redirected("routeCallToMC")]


def test_late_progress_is_ignored():
    call, _, _ = calling()
    call.receive(connect(), 1)
    for late in (alerting(), proceeding(), connect()):
        assert call.receive(late, 2) == []
    assert call.ignored == 3


def test_busy_is_told():
    call, _, _ = calling()
    busy = answer(MessageType.RELEASE_COMPLETE, {"reason": ("inConf", 0)}, elements=(cause(17),))
    assert call.receive(busy, 1) == [events.CloseSignalling(), events.Released(17, "inConf", True)]


def test_connect_without_a_body_is_malformed():
    call, _, _ = calling()
    assert call.receive(q931.Message(MessageType.CONNECT, 0x1234, True).serialize(), 1) == []
    assert (call.malformed, call.state) == (1, CallState.CALL_INITIATED)


def test_malformed_h245_is_dropped_and_much_of_it_ends_the_call():
    call, _, _ = calling()
    call.receive(connect(tunnels=False, body={"h245Address": TRANSPORT}), 1)
    call.control_opened(2)
    for _ in range(15):
        assert call.receive_control(b"\xff" * 5, 3) == []
    assert on_connection(call.receive_control(units(7)[0], 4)) == [107]
    assert kinds(call.receive_control(b"\xff" * 5, 5))[0] == "Failed"
    assert call.is_over


def test_a_connection_that_nobody_wants_is_closed():
    call, _, _ = calling()
    call.receive(connect(), 1)
    assert call.control_opened(2) == [events.CloseControl()]


def test_before_setup_there_is_nothing_to_say():
    call = Call(LocalEndpoint(), FakeControl())
    assert call.release(0) == [events.CloseSignalling(), events.Released(16, "undefinedReason")]
    assert call.place(SetupRequest(), IDENTITY, 1) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "message",
    [proceeding(body=FAST | {"h245Address": TRANSPORT}), connect(body=FAST, carries=(5,))],
    ids=["CallProceeding", "Connect"],
)
def test_truncated_and_mutated_messages_raise_nothing(message):
    dice = random.Random(len(message))
    for length in range(len(message)):
        call, _, _ = calling(fast_start=(CHANNEL,))
        call.receive(message[:length], 1)
    for _ in range(100):
        call, _, _ = calling(fast_start=(CHANNEL,))
        mutated = bytearray(message)
        for _ in range(dice.randint(1, 4)):
            mutated[dice.randrange(len(mutated))] = dice.randrange(256)
        call.receive(bytes(mutated), 1)
        call.release(2)
        assert call.is_over
