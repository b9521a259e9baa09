"""Which messages of a call are read by who signed them; octets are signed by hand (test_signatures.py)."""

from __future__ import annotations

from collections import Counter

import pytest

from config.h323 import H323Settings
from signaling.h323.call import message
from signaling.h323.call.setup import parse
from signaling.h323.q931 import MessageType
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.signatures import Signatures
from signaling.h323.vouching import Verdict, Vouching
from tests.signaling.h323.call.peer import DESTINATION, IDENTITY, ROOM, SETUP, TOKEN
from tests.signaling.h323.ras.terminal import T0, Book
from tests.signaling.h323.test_signatures import signed

BOOK = Book(or1="theatre", ward="3")
CALLED = (Alias(AliasKind.H323_ID, "or1"),)
ANSWER = DESTINATION | {"conferenceID": ROOM}
KEYS = {"tokens": [TOKEN]}
READ, DROP, REFUSE = Verdict.READ, Verdict.DROP, Verdict.REFUSE


class Call:
    """With or1, of ours or of theirs."""

    def __init__(self, *, is_ours: bool = True, has_signed_before: bool = False, **settings) -> None:
        self.signatures = Signatures(H323Settings(**settings), BOOK)
        self.counters: Counter[str] = Counter()
        self._random = 100
        if has_signed_before:
            assert self.signatures.check(signed(random=1), T0) is not None
        self.vouching = Vouching(self.signatures, self.counters, "" if is_ours else "or1")
        if is_ours:
            self.vouching.called(CALLED)

    def hear(self, kind=MessageType.CONNECT, body=ANSWER, *, is_answered=False, is_signed=True, **others) -> Verdict:
        self._random += 1
        octets = (
            signed(kind, body, is_from_destination=True, random=self._random, **others)
            if is_signed
            else message.serialize(kind, IDENTITY, body, is_from_destination=True, is_tunnelling=True)
        )
        return self.vouching.check(octets, T0, is_answered=is_answered)


def test_a_signed_answer_vouches_for_its_keys():
    call = Call()
    assert call.hear(body=ANSWER | KEYS) is READ
    assert call.vouching.account == "or1"


def test_a_signed_answer_without_keys_vouches_for_none():
    call = Call()
    assert call.hear() is READ
    assert call.vouching.account == ""


def test_unsigned_keys_never_raise_the_grade():
    """Nor do signed ones behind them: the first are those of the call."""
    call = Call(authentication="known")
    assert call.hear(MessageType.ALERTING, DESTINATION | KEYS, is_signed=False) is READ
    assert call.hear(body=ANSWER | KEYS) is READ
    assert call.vouching.account == ""
    assert not call.counters


def test_terminals_that_sign_no_calls_can_be_called():
    """Those of the direct model share a password with their gatekeeper, and use it for registrations alone."""
    call = Call()
    assert call.hear(body=ANSWER | KEYS, is_signed=False) is READ
    assert call.vouching.account == ""


@pytest.mark.parametrize("call", [Call(has_signed_before=True), Call(must_sign_all=True)], ids=["proven", "strict"])
@pytest.mark.parametrize(
    ("kind", "body", "is_answered", "verdict"),
    [
        (MessageType.CONNECT, ANSWER, False, REFUSE),
        (MessageType.CONNECT, ANSWER | KEYS, False, REFUSE),
        (MessageType.ALERTING, DESTINATION | KEYS, False, REFUSE),
        (MessageType.ALERTING, DESTINATION, False, DROP),
        (MessageType.FACILITY, {"reason": ("undefinedReason", 0)}, True, DROP),
        (MessageType.FACILITY, {"reason": ("undefinedReason", 0)} | KEYS, True, DROP),
    ],
)
def test_who_signs_calls_is_held_to_it(call, kind, body, is_answered, verdict):
    before = call.counters["not-signed"]
    assert call.hear(kind, body, is_answered=is_answered, is_signed=False) is verdict
    assert call.counters["not-signed"] == before + 1
    assert call.vouching.account == ""


def test_one_signed_message_is_proof():
    """Of the same call as well."""
    call = Call()
    assert call.hear(body=ANSWER | KEYS) is READ
    assert (
        call.hear(MessageType.FACILITY, {"reason": ("undefinedReason", 0)}, is_answered=True, is_signed=False) is DROP
    )
    assert call.vouching.account == "or1"


def test_the_setup_is_proof():
    call = Call(is_ours=False, has_signed_before=True)
    assert call.hear(MessageType.INFORMATION, {}, is_answered=True) is READ
    assert call.hear(MessageType.INFORMATION, {}, is_answered=True, is_signed=False) is DROP
    assert call.hear(MessageType.INFORMATION, {}, is_signed=False) is DROP


def test_where_signing_is_left_to_terminals_unsigned_messages_are_read():
    call = Call(is_ours=False, has_signed_before=True, authentication="known")
    assert call.hear(MessageType.INFORMATION, {}, is_answered=True, is_signed=False) is READ
    assert not call.counters


def test_a_release_needs_no_signature():
    call = Call(has_signed_before=True)
    body = {"reason": ("destinationRejection", 0)}
    assert call.hear(MessageType.RELEASE_COMPLETE, body, is_signed=False) is READ
    assert not call.counters


@pytest.mark.parametrize(
    "wrong", [{"password": "guess"}, {"to": "another"}, {"password": "3", "sender": "ward"}, {"time_s": T0 - 301}]
)
@pytest.mark.parametrize(("is_answered", "verdict"), [(False, REFUSE), (True, DROP)])
def test_a_wrong_signature_is_worse_than_none(wrong, is_answered, verdict):
    call = Call(has_signed_before=True)
    assert call.hear(body=ANSWER | KEYS, is_answered=is_answered, **wrong) is verdict
    assert call.counters == {"signature-refused": 1}
    assert call.vouching.account == ""


@pytest.mark.parametrize(("body", "verdict"), [(DESTINATION, READ), (DESTINATION | KEYS, REFUSE)])
def test_of_who_need_not_sign_only_keys_are_looked_at(body, verdict):
    """Some terminals have peculiar ideas of what they sign, and can be talked to all the same."""
    call = Call(authentication="known")
    assert call.hear(MessageType.ALERTING, body, password="guess") is verdict
    assert call.vouching.account == ""


def test_a_message_that_comes_again_is_not_read():
    call = Call(has_signed_before=True)
    octets = signed(MessageType.INFORMATION, {}, is_from_destination=True, random=7)
    found = [call.vouching.check(octets, T0, is_answered=True) for _ in range(2)]
    assert found == [READ, DROP]


def test_callers_may_name_whom_they_called():
    """And not us, as whom their messages are for."""
    call = Call(is_ours=False, has_signed_before=True)
    assert call.hear(MessageType.INFORMATION, {}, is_answered=True, to="1001") is DROP
    body = SETUP | {"destinationAddress": [("dialledDigits", "1001")]}
    call.vouching.came(parse(message.parse(signed(body=body))))
    assert call.hear(MessageType.INFORMATION, {}, is_answered=True, to="1001") is READ
    assert call.hear(MessageType.INFORMATION, {}, is_answered=True, to="1002") is DROP


def test_calls_with_strangers_are_read():
    """They have no password that anybody could ask for."""
    call = Call(must_sign_all=True)
    call.vouching.called((Alias(AliasKind.DIALLED_DIGITS, "701"),))
    assert call.hear(body=ANSWER | KEYS, is_signed=False) is READ
    assert Vouching(None, Counter(), "or1").check(b"", T0, is_answered=True) is READ


def test_what_cannot_be_read_is_for_the_call():
    assert Call(has_signed_before=True).vouching.check(b"rubbish", T0, is_answered=True) is READ
