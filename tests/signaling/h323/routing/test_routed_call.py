"""A routed call between two scripted terminals: every message both ways, every end, every timer (H.323 8.1.3)."""

from __future__ import annotations

import pytest

from crypto.h235.password_key import PasswordKey
from signaling.h323.call import message
from signaling.h323.h2351 import Fault
from signaling.h323.q931 import Element, Id, Message, MessageType, user_user
from signaling.h323.q931_elements import CallState, cause, read_cause
from signaling.h323.ras.admission import Account
from signaling.h323.routing.effects import Answered, Ended, Side
from signaling.h323.routing.routed_call import MOST_MALFORMED, MOST_WAITING
from signaling.h323.signatures import Signer
from tests.signaling.h323.call.peer import CONFERENCE, DESTINATION, GUID, IDENTITY, ROOM, SETUP, TOKEN, octets
from tests.signaling.h323.routing.ends import REFERENCE, Talk

CALLER, CALLED = Side.CALLER, Side.CALLED
CONNECT = DESTINATION | {"conferenceID": ROOM}
SOMEBODY = Signer(Account("or1", PasswordKey(b"")), "or1")


def answered() -> Talk:
    talk = Talk()
    talk.says(CALLED, MessageType.CONNECT, CONNECT)
    for side in Side:
        talk.heard(side)
    return talk


def test_a_call_from_setup_to_its_end():
    talk = Talk()
    (setup,) = talk.heard(CALLED)
    assert setup.type == MessageType.SETUP
    assert (setup.q931.call_reference, setup.q931.is_from_destination) == (REFERENCE, False)
    assert setup.body["callIdentifier"]["guid"] == GUID
    assert setup.body["conferenceID"] == CONFERENCE
    for kind, body in (
        (MessageType.CALL_PROCEEDING, DESTINATION),
        (MessageType.PROGRESS, DESTINATION),
        (MessageType.ALERTING, DESTINATION),
        (MessageType.CONNECT, CONNECT),
    ):
        talk.says(CALLED, kind, body, carries=(4,))
        (heard,) = talk.heard(CALLER)
        assert (heard.type, heard.q931.call_reference, heard.q931.is_from_destination) == (
            kind, IDENTITY.reference, True,
        )  # fmt: skip
        assert heard.control == message.parse(octets(kind, body, is_caller=False, carries=(4,))).control
    assert talk.told == [Answered()]
    assert talk.call.next_timeout() is None
    talk.says(CALLER, MessageType.RELEASE_COMPLETE, {"reason": ("undefinedReason", 0)}, elements=(cause(16),))
    (released,) = talk.heard(CALLED)
    assert released.type == MessageType.RELEASE_COMPLETE
    assert read_cause(released.q931.find(Id.CAUSE)) == 16
    assert talk.heard(CALLER) == []
    assert talk.ended() == Ended(16, "undefinedReason", CALLER)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MessageType.FACILITY, None),
        (MessageType.FACILITY, {"reason": ("callForwarded", 0)}),
        (MessageType.INFORMATION, {}),
        (MessageType.NOTIFY, {}),
        (MessageType.STATUS_ENQUIRY, {}),
        (MessageType.STATUS, {}),
    ],
)
def test_either_terminal_says_this_at_any_time(side, kind, body):
    for talk in (Talk(), answered()):
        talk.heard(CALLED)
        talk.says(side, kind, body, elements=(Element(Id.KEYPAD, b"2468#"),), carries=(9,))
        (heard,) = talk.heard(side.other)
        assert (heard.type, heard.q931.find(Id.KEYPAD), len(heard.control)) == (kind, b"2468#", 1)
        assert talk.heard(side) == []


@pytest.mark.parametrize(
    ("side", "kind", "body"),
    [
        (CALLER, MessageType.CALL_PROCEEDING, DESTINATION),
        (CALLER, MessageType.ALERTING, DESTINATION),
        (CALLER, MessageType.CONNECT, CONNECT),
        (CALLER, MessageType.SETUP_ACKNOWLEDGE, {}),
        (CALLER, MessageType.SETUP, SETUP),
        (CALLED, MessageType.SETUP, SETUP),
    ],
)
def test_what_the_wrong_side_says_is_not_passed_on(side, kind, body):
    talk = Talk()
    talk.heard(CALLED)
    talk.says(side, kind, body)
    assert talk.heard(side.other) == talk.heard(side) == []
    assert talk.call.ignored == 1
    assert not talk.call.is_over


def test_a_call_is_answered_once():
    talk = answered()
    talk.says(CALLED, MessageType.CONNECT, CONNECT)
    talk.says(CALLED, MessageType.ALERTING, DESTINATION)
    assert talk.heard(CALLER) == []
    assert (talk.told, talk.call.ignored) == ([Answered()], 2)


@pytest.mark.parametrize("side", Side)
def test_the_release_of_either_reaches_the_other_in_its_words(side):
    talk = Talk()
    talk.heard(CALLED)
    talk.says(side, MessageType.RELEASE_COMPLETE, {"reason": ("inConf", 0)}, elements=(cause(17),), carries=(8,))
    (released,) = talk.heard(side.other)
    assert (released.body["reason"][0], read_cause(released.q931.find(Id.CAUSE)), len(released.control)) == (
        "inConf", 17, 1,
    )  # fmt: skip
    assert talk.ended() == Ended(17, "inConf", side)
    talk.says(side.other, MessageType.RELEASE_COMPLETE, {"reason": ("inConf", 0)})
    assert talk.heard(side) == []
    assert len(talk.told) == 1


def test_a_release_without_a_body_is_one():
    talk = answered()
    unit = Message(MessageType.RELEASE_COMPLETE, REFERENCE, True, (cause(17),)).serialize()
    talk.take(talk.call.receive(CALLED, unit, 0))
    (released,) = talk.heard(CALLER)
    assert (released.body["reason"][0], read_cause(released.q931.find(Id.CAUSE))) == ("inConf", 17)
    assert talk.ended() == Ended(17, "inConf", CALLED)


@pytest.mark.parametrize("side", Side)
def test_a_lost_connection_ends_both_legs(side):
    talk = answered()
    talk.take(talk.call.lost(side))
    (released,) = talk.heard(side.other)
    assert read_cause(released.q931.find(Id.CAUSE)) == 41
    assert talk.heard(side) == []
    assert talk.ended() == Ended(41, "adaptiveBusy", side)
    talk.take(talk.call.lost(side.other))
    assert len(talk.told) == 2


def test_who_cannot_be_reached():
    talk = Talk(is_open=False)
    talk.take(talk.call.unreachable())
    (released,) = talk.heard(CALLER)
    assert (released.body["reason"][0], read_cause(released.q931.find(Id.CAUSE))) == ("unreachableDestination", 3)
    assert talk.heard(CALLED) == []


def test_we_end_both_legs():
    talk = answered()
    talk.take(talk.call.release())
    assert talk.kinds(CALLER) == talk.kinds(CALLED) == [MessageType.RELEASE_COMPLETE]
    assert talk.ended() == Ended(16, "undefinedReason", None)


def test_a_caller_that_hangs_up_before_there_is_a_connection():
    talk = Talk(is_open=False)
    talk.says(CALLER, MessageType.RELEASE_COMPLETE, {"reason": ("undefinedReason", 0)}, elements=(cause(16),))
    assert talk.ended() == Ended(16, "undefinedReason", CALLER)
    talk.open()
    assert talk.heard(CALLED) == talk.heard(CALLER) == []


def test_what_comes_before_the_connection_waits_behind_setup():
    talk = Talk(is_open=False)
    talk.says(CALLER, MessageType.INFORMATION, {}, elements=(Element(Id.KEYPAD, b"1"),))
    talk.says(CALLER, MessageType.STATUS_ENQUIRY, {})
    talk.open()
    assert talk.kinds(CALLED) == [MessageType.SETUP, MessageType.INFORMATION, MessageType.STATUS_ENQUIRY]


def test_only_so_much_waits():
    talk = Talk(is_open=False)
    for _ in range(MOST_WAITING):
        talk.says(CALLER, MessageType.INFORMATION, {})
    assert talk.ended() is None
    talk.says(CALLER, MessageType.INFORMATION, {})
    assert talk.ended() == Ended(47, "gatekeeperResources", None)


def test_a_call_that_passed_too_many_gatekeepers():
    talk = Talk(is_open=False, setup=octets(MessageType.SETUP, SETUP | {"hopCount": 1}, is_caller=True))
    (released,) = talk.heard(CALLER)
    assert (released.body["reason"][0], read_cause(released.q931.find(Id.CAUSE))) == ("hopCountExceeded", 25)
    talk.open()
    assert talk.heard(CALLED) == []


@pytest.mark.parametrize(
    ("last", "body", "seconds", "ended"),
    [
        (None, {}, 4, Ended(18, "unreachableDestination")),  # T303
        (MessageType.SETUP_ACKNOWLEDGE, {}, 30, Ended(102, "undefinedReason")),  # T304
        (MessageType.CALL_PROCEEDING, DESTINATION, 60, Ended(102, "undefinedReason")),  # T310
        (MessageType.PROGRESS, DESTINATION, 180, Ended(19, "undefinedReason")),  # T301
        (MessageType.ALERTING, DESTINATION, 180, Ended(19, "undefinedReason")),
    ],
)
def test_no_answer_in_time(last, body, seconds, ended):
    talk = Talk()
    if last is not None:
        talk.says(CALLED, last, body)
    talk.waits(seconds - 0.1)
    assert talk.ended() is None
    talk.waits(0.2)
    assert talk.ended() == ended
    for side in Side:
        assert talk.kinds(side)[-1] == MessageType.RELEASE_COMPLETE
    assert talk.call.next_timeout() is None


def test_a_second_call_proceeding_does_not_begin_the_wait_anew():
    talk = Talk()
    talk.says(CALLED, MessageType.CALL_PROCEEDING, DESTINATION)
    talk.waits(59)
    talk.says(CALLED, MessageType.CALL_PROCEEDING, DESTINATION)
    talk.waits(2)
    assert talk.ended() == Ended(102, "undefinedReason")


def test_a_call_proceeding_behind_alerting_does_not_shorten_the_wait():
    """Of a gateway, say, that hears from its network late."""
    talk = Talk()
    talk.says(CALLED, MessageType.ALERTING, DESTINATION)
    talk.says(CALLED, MessageType.CALL_PROCEEDING, DESTINATION)
    talk.waits(179)
    assert talk.ended() is None
    talk.waits(2)
    assert talk.ended() == Ended(19, "undefinedReason")


def test_more_digits_begin_the_wait_anew():
    talk = Talk()
    talk.says(CALLED, MessageType.SETUP_ACKNOWLEDGE, {})
    talk.waits(29)
    talk.says(CALLER, MessageType.INFORMATION, {})
    talk.waits(29)
    assert talk.ended() is None


def test_a_caller_is_told_in_time_that_we_work_on_it():
    """Its T303 is 4 s, and the connection may take longer."""
    talk = Talk(is_open=False)
    talk.waits(2.4)
    assert talk.heard(CALLER) == []
    talk.waits(0.2)
    (heard,) = talk.heard(CALLER)
    assert (heard.type, heard.is_tunnelling, heard.is_provisional) == (MessageType.CALL_PROCEEDING, True, True)
    assert heard.body["destinationInfo"]["gatekeeper"] == {}
    talk.open()
    assert talk.kinds(CALLED) == [MessageType.SETUP]
    talk.says(CALLED, MessageType.CALL_PROCEEDING, DESTINATION)
    assert talk.heard(CALLER) == []
    talk.says(CALLED, MessageType.CALL_PROCEEDING, DESTINATION | {"tokens": [TOKEN]})
    (heard,) = talk.heard(CALLER)
    assert (heard.type, heard.body["reason"][0]) == (MessageType.FACILITY, "forwardedElements")
    talk.says(CALLED, MessageType.ALERTING, DESTINATION)
    assert talk.kinds(CALLER) == [MessageType.ALERTING]


@pytest.mark.parametrize(("kind", "body"), [(MessageType.ALERTING, DESTINATION), (MessageType.CONNECT, CONNECT)])
def test_who_is_answered_in_time_is_told_nothing_by_us(kind, body):
    talk = Talk()
    talk.says(CALLED, kind, body)
    talk.waits(5)
    assert talk.kinds(CALLER) == [kind]


def test_what_cannot_be_read_is_not_passed_on():
    talk = answered()
    unit = octets(MessageType.FACILITY, {"reason": ("noH245", 0)}, is_caller=True)
    for number in range(MOST_MALFORMED):
        assert talk.ended() is None
        assert talk.heard(CALLED) == []
        talk.take(talk.call.receive(CALLER, unit[: -3 - number], 0))
    assert talk.ended() == Ended(111, "undefinedReason", None)


@pytest.mark.parametrize("side", Side)
def test_contents_that_cannot_be_read_are_not_passed_on(side):
    """A whole message of Q.931, with no H323-UserInformation in its User-user element."""
    talk = answered()
    reference, is_called = (REFERENCE, True) if side is CALLED else (IDENTITY.reference, False)
    unit = Message(MessageType.FACILITY, reference, is_called, (user_user(b"\xff" * 20),)).serialize()
    talk.take(talk.call.receive(side, unit, 0))
    assert (talk.heard(side.other), talk.ended()) == ([], None)


# ---- H.235.1


def marked(encode):
    """A signature that can be seen."""
    return encode([("cryptoGKPwdHash", {"gatekeeperId": "sealed", "timeStamp": 1,
                                        "token": {"algorithmOID": (1, 2), "paramS": {}, "hash": (1, 8)}})])  # fmt: skip


def is_sealed(signal) -> bool:
    return [kind for kind, _ in signal.crypto_tokens] == ["cryptoGKPwdHash"]


def test_each_terminal_that_has_a_password_gets_signatures_of_ours():
    talk = Talk(called={"seal": marked})
    assert [is_sealed(signal) for signal in talk.heard(CALLED)] == [True]
    talk.says(CALLED, MessageType.ALERTING, DESTINATION)
    assert [is_sealed(signal) for signal in talk.heard(CALLER)] == [False]
    talk.says(CALLER, MessageType.FACILITY, None, carries=(1,))
    (heard,) = talk.heard(CALLED)
    # The empty message has no place for a token.
    assert (heard.body["reason"][0], len(heard.control), is_sealed(heard)) == ("transportedInformation", 1, True)
    talk.take(talk.call.release())
    assert [is_sealed(signal) for signal in talk.heard(CALLED)] == [True]


@pytest.mark.parametrize("is_signed", [True, False])
def test_we_vouch_for_no_half_keys_that_nobody_has_signed(is_signed):
    setup = octets(MessageType.SETUP, SETUP | {"tokens": [TOKEN]}, is_caller=True)
    check = {"check": lambda _: SOMEBODY if is_signed else Fault.ABSENT}
    talk = Talk(setup=setup, is_signed=is_signed, caller={"seal": marked}, called={"seal": marked, **check})
    (setup,) = talk.heard(CALLED)
    talk.says(CALLED, MessageType.CONNECT, CONNECT | {"tokens": [TOKEN]})
    (connect,) = talk.heard(CALLER)
    for signal in (setup, connect):
        assert (signal.tokens, is_sealed(signal)) == ((TOKEN,), is_signed)


@pytest.mark.parametrize("fault", [Fault.INTEGRITY, Fault.REPLAY, Fault.TIME])
def test_a_wrong_signature_ends_the_call(fault):
    talk = Talk(caller={"check": lambda _: fault})
    talk.heard(CALLED)
    talk.says(CALLER, MessageType.INFORMATION, {})
    assert talk.kinds(CALLER) == talk.kinds(CALLED) == [MessageType.RELEASE_COMPLETE]
    assert talk.ended() == Ended(31, "securityDenied", None)


def test_the_state_is_that_of_the_leg_that_we_make():
    talk = Talk(is_open=False)
    assert talk.call.state is CallState.NULL
    talk.open()
    assert talk.call.state is CallState.CALL_INITIATED


@pytest.mark.parametrize(
    ("kind", "body", "is_over"),
    [
        (MessageType.CONNECT, CONNECT, True),
        (MessageType.ALERTING, DESTINATION | {"tokens": [TOKEN]}, True),
        (MessageType.ALERTING, DESTINATION, False),
        (MessageType.INFORMATION, {}, False),
    ],
)
def test_who_signs_its_calls_is_held_to_it(kind, body, is_over):
    """An unsigned answer ends the call; other messages in its name are dropped."""
    talk = Talk(called={"check": lambda _: None})
    talk.says(CALLED, kind, body)
    assert talk.kinds(CALLER) == ([MessageType.RELEASE_COMPLETE] if is_over else [])
    assert talk.ended() == (Ended(31, "securityDenied", None) if is_over else None)


def test_an_unsigned_message_of_a_caller_who_signs_is_dropped():
    talk = Talk(caller={"check": lambda _: None})
    talk.heard(CALLED)
    talk.says(CALLER, MessageType.FACILITY, {"reason": ("newTokens", 0), "tokens": [TOKEN]})
    assert (talk.heard(CALLED), talk.call.ignored, talk.call.is_over) == ([], 1, False)
