from __future__ import annotations

import random

import pytest

from signaling.h323 import per, q931
from signaling.h323.call import events
from signaling.h323.call.call import MOST_MALFORMED, Call
from signaling.h323.call.causes import Cause
from signaling.h323.h245 import events as h245
from signaling.h323.q931 import Id, MessageType
from signaling.h323.q931_elements import (
    CallState,
    PartyNumber,
    bearer_capability,
    called_party_number,
    calling_party_number,
    cause,
    display,
    keypad,
    read_call_state,
    read_cause,
)
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.ras.registration import Vendor
from tests.signaling.h323.call.peer import (
    ADDRESS,
    CHANNEL,
    CONFERENCE,
    GUID,
    IDENTITY,
    OWN,
    ROOM,
    SETUP,
    TOKEN,
    TRANSPORT,
    FakeControl,
    called,
    in_tunnel,
    kinds,
    octets,
    on_connection,
    sent,
    told,
    units,
)

FACILITY, CONNECT, RELEASE = MessageType.FACILITY, MessageType.CONNECT, MessageType.RELEASE_COMPLETE


def facility(reason, **where):
    return octets(FACILITY, {"reason": (reason, 0)} | where, is_caller=True, tunnels=False)


def test_a_setup_is_answered_at_once_and_says_who_calls_whom():
    source = {
        "vendor": {
            "vendor": {"t35CountryCode": 181, "t35Extension": 0, "manufacturerCode": 1},
            "productId": b"HDX 8000",
        },
        "terminal": {},
        "mc": False,
        "undefinedNode": False,
    }
    call, _, effects = called(
        body={
            "sourceInfo": source,
            "sourceAddress": [("h323-ID", "Ward")],
            "destinationAddress": [("h323-ID", "room**1234"), ("dialledDigits", "5")],
            "sourceCallSignalAddress": TRANSPORT,
            "tokens": [TOKEN],
            "fastStart": [per.encode(per.Type.OPEN_LOGICAL_CHANNEL, CHANNEL), b"\xff"],
        },
        elements=(
            bearer_capability(6),
            display("Ward 7"),
            called_party_number(PartyNumber("5")),
            calling_party_number(PartyNumber("021", is_restricted=True)),
        ),
    )
    (proceeding,) = sent(effects)
    assert proceeding.type == MessageType.CALL_PROCEEDING
    assert (proceeding.q931.call_reference, proceeding.q931.is_from_destination) == (0x1234, True)
    assert proceeding.body["callIdentifier"] == {"guid": GUID}
    assert proceeding.is_tunnelling
    assert call.state is CallState.INCOMING_CALL_PROCEEDING
    (incoming,) = told(effects)
    setup = incoming.setup
    assert setup.identity == IDENTITY
    assert setup.goal == "create"
    assert setup.called == (Alias(AliasKind.H323_ID, "room**1234"), Alias(AliasKind.DIALLED_DIGITS, "5"))
    assert setup.calling == (Alias(AliasKind.H323_ID, "Ward"), Alias(AliasKind.DIALLED_DIGITS, "021"))
    assert setup.is_restricted
    assert (setup.display, setup.multiplier, setup.version) == ("Ward 7", 6, 7)
    assert setup.vendor == Vendor("HDX 8000", "", (181, 0, 1))
    assert (setup.calling_address, setup.called_address, setup.control_address) == (ADDRESS, None, None)
    assert setup.tokens == (TOKEN,)
    assert setup.fast_start == (CHANNEL,)


def test_accepted_it_says_the_rooms_conference_and_begins_h245_in_the_same_message():
    call, _, _ = called()
    effects = call.accept(1, conference_id=ROOM, tokens=[TOKEN])
    assert in_tunnel(effects) == [(CONNECT, [1])]
    (connect,) = sent(effects)
    assert connect.body["conferenceID"] == ROOM != CONFERENCE
    assert connect.body["tokens"] == [TOKEN]
    assert connect.body["destinationInfo"]["mc"] is True
    assert connect.q931.find(Id.DISPLAY) == b"Ward 3"
    assert (call.state, call.is_tunnelling) == (CallState.ACTIVE, True)


def test_h245_that_comes_early_waits_until_the_caller_is_accepted():
    call, fake, effects = called(carries=(5, 6))
    assert in_tunnel(effects) == [(MessageType.CALL_PROCEEDING, [])]
    assert call.receive(octets(FACILITY, None, is_caller=True, carries=(7,)), 1) == []
    assert in_tunnel(call.alert(1)) == [(MessageType.ALERTING, [])]
    assert fake.received == []
    effects = call.accept(2, conference_id=ROOM)
    assert fake.received == [5, 6, 7]
    assert in_tunnel(effects) == [(CONNECT, [1, 105, 106, 107])]
    assert next(event for event in told(effects) if isinstance(event, h245.UserInput)).digits == "5"


def test_h245_may_begin_before_connect_when_the_owner_wants_it():
    call, _, _ = called(carries=(5,))
    assert in_tunnel(call.begin_control(1)) == [(FACILITY, [1, 105])]


def test_answers_of_h245_travel_in_an_empty_facility():
    call, _, _ = called()
    call.accept(1, conference_id=ROOM)
    effects = call.receive(octets(FACILITY, None, is_caller=True, carries=(5,)), 2)
    (carrier,) = sent(effects)
    assert in_tunnel(effects) == [(FACILITY, [105])]
    assert (carrier.body, carrier.q931.find(Id.FACILITY)) == ({}, b"")
    assert in_tunnel(call.carry([h245.Send(("request", ("roundTripDelayRequest", {"sequenceNumber": 9})))], 3)) == [
        (FACILITY, [9])
    ]


def test_a_peer_without_tunnelling_connects_to_where_we_listen():
    call, fake, effects = called(tunnels=False, carries=(5,))
    assert [signal.is_tunnelling for signal in sent(effects)] == [False]  # once a side has said no, it is no
    assert isinstance(told(effects)[-1], events.ListenControl)
    assert call.control_listening(ADDRESS, 1) == []
    effects = call.accept(2, conference_id=ROOM)
    assert in_tunnel(effects) == [(CONNECT, [])]
    assert sent(effects)[0].body["h245Address"] == TRANSPORT
    assert sent(effects)[0].is_tunnelling is False
    assert on_connection(call.control_opened(3)) == [1]
    effects = call.receive_control(units(7)[0], 4)
    assert (on_connection(effects), fake.received) == ([107], [7])  # 5 came by a tunnel that the peer denied


def test_a_listener_that_is_late_is_told_in_a_facility():
    call, _, _ = called(tunnels=False)
    call.accept(1, conference_id=ROOM)
    (start,) = sent(call.control_listening(ADDRESS, 2))
    assert (start.type, start.body["reason"], start.body["h245Address"]) == (FACILITY, ("startH245", 0), TRANSPORT)


def test_the_callers_own_address_is_opened_after_it_was_accepted_only():
    call, _, effects = called(tunnels=False, body={"h245Address": TRANSPORT})
    assert kinds(effects) == ["SendSignalling", "Incoming"]
    effects = call.accept(1, conference_id=ROOM)
    assert kinds(effects) == ["SendSignalling", "OpenControl"]
    assert told(effects) == [events.OpenControl(ADDRESS)]
    assert "h245Address" not in sent(effects)[0].body
    assert on_connection(call.control_opened(2)) == [1]


def test_a_connection_that_fails_is_listened_for_instead_once():
    call, _, _ = called(tunnels=False, body={"h245Address": TRANSPORT})
    call.accept(1, conference_id=ROOM)
    assert call.control_lost(2) == [events.ListenControl()]
    assert sent(call.control_listening(ADDRESS, 3))[0].body["reason"][0] == "startH245"
    effects = call.control_lost(4)
    assert kinds(effects) == ["SendSignalling", "CloseSignalling", "Released"]
    assert effects[-1] == events.Released(Cause.TEMPORARY_FAILURE, "adaptiveBusy")


@pytest.mark.parametrize(("ours", "who"), [(1500, "we"), (1503, "they"), (1600, "they")])
def test_where_both_listen_the_smaller_address_opens(ours, who):
    call, _, _ = called(tunnels=False)
    call.accept(1, conference_id=ROOM)
    call.control_listening((ADDRESS[0], ours), 1)
    effects = call.receive(facility("startH245", h245Address=TRANSPORT), 2)
    assert effects == ([events.OpenControl(ADDRESS)] if who == "we" else [])
    assert on_connection(call.control_opened(3)) == [1]


def test_start_h245_ends_tunnelling():
    call, _, _ = called(carries=(5,))
    call.accept(1, conference_id=ROOM)
    assert call.receive(facility("startH245", h245Address=TRANSPORT), 2) == [events.OpenControl(ADDRESS)]
    assert not call.is_tunnelling
    assert call.carry([h245.Send(("request", ("roundTripDelayRequest", {"sequenceNumber": 9})))], 3) == []
    assert on_connection(call.control_opened(4)) == [9]
    assert sent(call.ask_status(5))[0].is_tunnelling is False


def test_a_flag_that_is_forgotten_later_does_not_end_a_tunnel_in_use():
    call, _, _ = called(carries=(5,))
    call.accept(1, conference_id=ROOM)
    digits = octets(MessageType.INFORMATION, {}, is_caller=True, tunnels=False, elements=(keypad("1"),))
    assert told(call.receive(digits, 2)) == [events.KeypadDigits("1")]
    assert call.is_tunnelling


def test_fast_start_is_answered_and_h245_follows_behind_it():
    call, _, _ = called(body={"fastStart": [per.encode(per.Type.OPEN_LOGICAL_CHANNEL, CHANNEL)]}, carries=(5,))
    effects = call.accept(1, conference_id=ROOM, fast_start=[CHANNEL])
    assert in_tunnel(effects) == [(CONNECT, []), (FACILITY, [1, 105])]
    assert sent(effects)[0].fast_start == (CHANNEL,)


def test_fast_start_that_is_not_taken_is_refused_by_connect():
    call, _, _ = called(body={"fastStart": [per.encode(per.Type.OPEN_LOGICAL_CHANNEL, CHANNEL)]})
    assert "fastConnectRefused" not in sent(call.alert(1))[0].body
    effects = call.accept(1, conference_id=ROOM)
    assert "fastConnectRefused" in sent(effects)[0].body
    assert in_tunnel(effects) == [(CONNECT, [1])]


def test_fast_start_may_be_answered_by_alerting():
    call, _, _ = called(body={"fastStart": [per.encode(per.Type.OPEN_LOGICAL_CHANNEL, CHANNEL)]})
    assert sent(call.alert(1, fast_start=[CHANNEL], tokens=[TOKEN]))[0].fast_start == (CHANNEL,)
    assert "fastStart" not in sent(call.accept(2, conference_id=ROOM, fast_start=[CHANNEL]))[0].body


def test_without_h245_a_call_lives_by_fast_start_alone():
    fast = {"fastStart": [per.encode(per.Type.OPEN_LOGICAL_CHANNEL, CHANNEL)]}
    for body, alive in ((fast, True), ({}, False)):
        call, _, _ = called(tunnels=False, body=body)
        call.accept(1, conference_id=ROOM, fast_start=[CHANNEL] if alive else [])
        assert call.next_timeout() == 31
        effects = call.on_timeout(31)
        assert (events.ControlMissing() in effects, call.is_over) == (alive, not alive)
        assert call.next_timeout() is None
    call, _, _ = called(tunnels=False, body=fast)
    call.accept(1, conference_id=ROOM, fast_start=[CHANNEL])
    assert call.receive(facility("noH245"), 2) == [events.CloseControl(), events.ControlMissing()]


def test_hanging_up_says_the_end_of_h245_and_of_the_call():
    call, _, _ = called()
    call.accept(1, conference_id=ROOM)
    effects = call.release(2)
    assert in_tunnel(effects) == [(RELEASE, [255])]
    assert told(effects) == [events.CloseSignalling(), events.Released(16, "undefinedReason")]
    assert told(effects)[-1].is_normal
    assert call.release(3) == call.signalling_lost(3) == call.on_timeout(99) == []


def test_on_a_connection_of_its_own_the_end_of_h245_goes_first():
    call, _, _ = called(tunnels=False)
    call.accept(1, conference_id=ROOM)
    call.control_opened(2)
    effects = call.release(3, reason="inConf")
    assert kinds(effects) == ["SendControl", "SendSignalling", "CloseControl", "CloseSignalling", "Released"]
    assert effects[-1] == events.Released(17, "inConf")


def test_a_refused_caller_hears_why_and_no_h245():
    call, _, _ = called(carries=(5,))
    effects = call.release(1, reason="securityDenied")
    (release,) = sent(effects)
    assert (release.body["reason"], read_cause(release.q931.find(Id.CAUSE))) == (("securityDenied", 0), 31)
    assert release.control == ()
    assert effects[-1] == events.Released(31, "securityDenied")


@pytest.mark.parametrize(
    ("body", "elements", "found"),
    [
        ({"reason": ("calledPartyNotRegistered", 0)}, (), (20, "calledPartyNotRegistered")),
        ({}, (cause(17),), (17, "inConf")),
        ({"reason": ("undefinedReason", 0)}, (cause(16),), (16, "undefinedReason")),
        ({}, (), (31, "undefinedReason")),
        ({}, (q931.Element(Id.CAUSE, b"\x80"),), (31, "undefinedReason")),
    ],
)
def test_a_peers_release_says_why_in_either_way(body, elements, found):
    call, _, _ = called(tunnels=False)
    call.accept(1, conference_id=ROOM)
    call.control_opened(1)
    effects = call.receive(octets(RELEASE, body, is_caller=True, elements=elements), 2)
    assert effects == [events.CloseControl(), events.CloseSignalling(), events.Released(*found, True)]


def test_a_release_that_crosses_ours_is_not_told_again():
    call, _, _ = called()
    call.release(1)
    assert call.receive(octets(RELEASE, {}, is_caller=True), 1) == []
    assert (call.ignored, call.state) == (1, CallState.NULL)
    call, _, _ = called()
    assert kinds(call.receive(octets(RELEASE, {}, is_caller=True), 1)) == ["CloseSignalling", "Released"]
    assert call.release(1) == []
    assert call.accept(1, conference_id=ROOM) == []


def test_a_release_without_user_information_releases():
    call, _, _ = called()
    bare = q931.Message(RELEASE, 0x1234, False, (cause(18),)).serialize()
    assert call.receive(bare, 1)[-1] == events.Released(18, "undefinedReason", True)


def test_the_end_of_h245_ends_the_call():
    call, _, _ = called()
    call.accept(1, conference_id=ROOM)
    effects = call.receive(octets(FACILITY, None, is_caller=True, carries=(99, 5)), 2)
    assert kinds(effects) == ["EndSession", "SendSignalling"]
    assert in_tunnel(effects) == [(FACILITY, [199])]
    effects = call.on_timeout(4)
    assert in_tunnel(effects) == [(RELEASE, [])]
    assert effects[-1] == events.Released(16, "undefinedReason", True)


def test_the_reason_that_comes_behind_the_end_of_h245_is_told():
    call, _, _ = called(tunnels=False)
    call.accept(1, conference_id=ROOM)
    call.control_opened(1)
    assert on_connection(call.receive_control(units(99)[0], 2)) == [199]
    assert call.control_lost(2) == []
    busy = octets(RELEASE, {"reason": ("inConf", 0)}, is_caller=True, tunnels=False)
    assert call.receive(busy, 2) == [events.CloseSignalling(), events.Released(17, "inConf", True)]


def test_a_failed_h245_ends_the_call():
    call, _, _ = called()
    call.accept(1, conference_id=ROOM)
    assert call.receive(octets(FACILITY, None, is_caller=True, carries=(98,)), 2)[-1] == events.Released(
        111, "undefinedReason"
    )


def test_lost_connections_end_the_call():
    call, _, _ = called()
    call.accept(1, conference_id=ROOM)
    assert call.signalling_lost(2) == [events.CloseSignalling(), events.Released(41, "adaptiveBusy", True)]
    call, _, _ = called(tunnels=False)
    call.accept(1, conference_id=ROOM)
    call.control_opened(2)
    assert kinds(call.control_lost(3))[-1] == "Released"


def test_a_status_enquiry_is_answered_in_every_state():
    call, _, _ = called()
    enquiry = octets(MessageType.STATUS_ENQUIRY, {}, is_caller=True)
    for state, verb in ((9, None), (7, "alert"), (10, "accept")):
        if verb:
            getattr(call, verb)(1, **({"conference_id": ROOM} if verb == "accept" else {}))
        (status,) = sent(call.receive(enquiry, 2))
        assert status.type == MessageType.STATUS
        assert read_call_state(status.q931.find(Id.CALL_STATE)) == state
        assert read_cause(status.q931.find(Id.CAUSE)) == 30
        assert status.body["callIdentifier"] == {"guid": GUID}


def test_we_may_ask_for_the_status():
    call, _, _ = called()
    call.accept(0, conference_id=ROOM)
    assert sent(call.ask_status(1))[0].type == MessageType.STATUS_ENQUIRY
    assert call.on_timeout(5) == [events.StatusMissing()]
    call.ask_status(6)
    state = q931.Element(Id.CALL_STATE, b"\x0a")
    said = octets(MessageType.STATUS, {}, is_caller=True, elements=(cause(30), state))
    assert call.receive(said, 7) == [events.StatusReceived(10, 30)]
    null = octets(MessageType.STATUS, {}, is_caller=True, elements=(q931.Element(Id.CALL_STATE, b"\x00"),))
    assert kinds(call.receive(null, 8)) == ["StatusReceived", "CloseSignalling", "Released"]


def test_keys_come_in_information():
    call, _, _ = called()
    digits = octets(MessageType.INFORMATION, {}, is_caller=True, elements=(keypad("24#"),))
    assert call.receive(digits, 1) == [events.KeypadDigits("24#")]
    assert sent(call.keypad("1*", 2))[0].q931.find(Id.KEYPAD) == b"1*"


def test_tokens_of_later_messages_are_told():
    call, _, _ = called()
    info = octets(MessageType.INFORMATION, {"tokens": [TOKEN]}, is_caller=True)
    assert call.receive(info, 1) == [events.TokensReceived(MessageType.INFORMATION, (TOKEN,))]


def test_the_caller_is_sent_elsewhere():
    call, _, _ = called()
    alias = Alias(AliasKind.DIALLED_DIGITS, "9")
    (signal,) = sent(call.redirect("routeCallToMC", 1, address=ADDRESS, aliases=[alias], conference_id=ROOM))
    assert signal.body["reason"] == ("routeCallToMC", 0)
    assert signal.body["alternativeAddress"] == TRANSPORT
    assert signal.body["alternativeAliasAddress"] == [("dialledDigits", "9")]
    assert signal.body["conferenceID"] == ROOM
    assert call.on_timeout(11)[-1] == events.Released(16, "facilityCallDeflection")


def test_an_empty_facility_keeps_the_way_open_and_asks_for_nothing():
    call, _, _ = called()
    (signal,) = sent(call.keep_alive(1))
    assert (signal.type, signal.body, signal.control) == (FACILITY, {}, ())
    assert call.receive(octets(FACILITY, None, is_caller=True), 2) == []
    assert call.ignored == 0


@pytest.mark.parametrize("goal", ["capability-negotiation", "callIndependentSupplementaryService"])
def test_what_is_no_call_is_refused(goal):
    call, _, effects = called(body={"conferenceGoal": (goal, 0)})
    assert kinds(effects) == ["SendSignalling", "CloseSignalling", "Released"]
    assert call.is_over


@pytest.mark.parametrize("goal", ["join", "invite"])
def test_goals_of_calls_are_told(goal):
    _, _, effects = called(body={"conferenceGoal": (goal, 0)})
    assert told(effects)[0].setup.goal == goal


def test_messages_of_another_call_and_of_the_wrong_side_are_counted():
    call, _, _ = called()
    other = IDENTITY.__class__(7, GUID, CONFERENCE)
    assert call.receive(octets(RELEASE, {}, is_caller=True, identity=other), 1) == []
    assert call.receive(octets(RELEASE, {}, is_caller=False), 1) == []
    assert call.receive(octets(MessageType.SETUP, SETUP, is_caller=True), 1) == []
    alerting = {"destinationInfo": SETUP["sourceInfo"], "multipleCalls": False, "maintainConnection": False}
    assert call.receive(octets(MessageType.ALERTING, alerting, is_caller=True), 1) == []
    assert (call.ignored, call.state) == (4, CallState.INCOMING_CALL_PROCEEDING)
    fresh = Call(OWN, FakeControl())
    assert fresh.receive(octets(RELEASE, {}, is_caller=True), 1) == []
    assert fresh.ignored == 1


def test_a_setup_that_cannot_be_read_is_answered():
    call = Call(OWN, FakeControl())
    effects = call.receive(q931.Message(MessageType.SETUP, 5, False, (q931.user_user(b"\xff\xff"),)).serialize(), 0)
    (release,) = sent(effects)
    assert (release.type, release.q931.call_reference) == (RELEASE, 5)
    assert read_cause(release.q931.find(Id.CAUSE)) == 100
    assert kinds(effects) == ["SendSignalling", "CloseSignalling", "Released"]


def test_too_much_that_cannot_be_read_ends_the_call():
    call, _, _ = called()
    for _ in range(MOST_MALFORMED - 1):
        assert call.receive(b"\x08", 1) == []
    assert call.receive(b"\x08", 1)[-1] == events.Released(111, "undefinedReason")


def test_a_flood_of_early_h245_is_bounded():
    call, fake, _ = called(carries=tuple(range(2, 66)))
    call.receive(octets(FACILITY, None, is_caller=True, carries=(70,)), 1)
    call.accept(2, conference_id=ROOM)
    assert 70 not in fake.received
    assert len(fake.received) <= 64


@pytest.mark.exhaustive
def test_truncated_and_mutated_setups_raise_nothing_and_the_next_is_taken():
    body = SETUP | {
        "sourceAddress": [("h323-ID", "Ward")],
        "destinationAddress": [("dialledDigits", "5")],
        "h245Address": TRANSPORT,
        "tokens": [TOKEN],
        "fastStart": [per.encode(per.Type.OPEN_LOGICAL_CHANNEL, CHANNEL)],
    }
    numbers = (display("Ward 7"), calling_party_number(PartyNumber("021")), called_party_number(PartyNumber("5")))
    setup = octets(MessageType.SETUP, body, is_caller=True, elements=numbers, carries=(5,))
    dice = random.Random(3)
    for place in range(1200):
        mutated = bytearray(setup[: place + 1] if place < len(setup) else setup)
        for _ in range(dice.randint(0, 3) if place < len(setup) else dice.randint(1, 5)):
            mutated[dice.randrange(len(mutated))] = dice.randrange(256)
        call = Call(OWN, FakeControl())
        call.receive(bytes(mutated), 0)
        assert len(call.accept(1, conference_id=ROOM)) < 10
        call.release(2)
        assert call.is_over
    assert kinds(Call(OWN, FakeControl()).receive(setup, 0)) == ["SendSignalling", "Incoming"]
