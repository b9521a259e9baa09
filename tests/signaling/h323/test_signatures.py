"""Who signed a Setup, and an answer to ours; octets are signed by hand, with hmac of the standard library."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from config.gate import GateSettings
from config.h323 import H323Settings
from signaling.h323 import h2351
from signaling.h323.call import message
from signaling.h323.call.message import Signal
from signaling.h323.h2351 import Fault
from signaling.h323.q931 import MessageType
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.signatures import Signatures
from signaling.tries import SourceTries
from tests.signaling.h323.call.peer import DESTINATION, IDENTITY, ROOM, SETUP, TOKEN
from tests.signaling.h323.ras.terminal import T0, Book

BOOK = Book(or1="theatre", ward="3")
CALLED = (Alias(AliasKind.H323_ID, "or1"),)


def signed(
    kind: MessageType = MessageType.SETUP,
    body: dict | None = None,
    *,
    password: str = "theatre",
    to: str = "drumtower",
    sender: str = "or1",
    time_s: float = T0,
    random: int = 1,
    is_from_destination: bool = False,
) -> bytes:
    key = hashlib.sha1(password.encode()).digest()

    def seal(encode):
        zeroed = encode([h2351.token(int(time_s), random, to, sender)])
        return encode([h2351.token(int(time_s), random, to, sender, hmac.digest(key, zeroed, "sha1")[:12])])

    return message.serialize(
        kind, IDENTITY, SETUP if body is None else body, is_from_destination=is_from_destination, is_tunnelling=True,
        seal=seal,
    )  # fmt: skip


def plain(kind: MessageType = MessageType.SETUP, body: dict | None = None) -> bytes:
    return message.serialize(
        kind, IDENTITY, SETUP if body is None else body, is_from_destination=False, is_tunnelling=True
    )


def answer(**others) -> bytes:
    body = DESTINATION | {"conferenceID": ROOM, "tokens": [TOKEN]}
    return signed(MessageType.CONNECT, body, is_from_destination=True, **others)


@pytest.fixture
def signatures():
    return Signatures(H323Settings(), BOOK)


def test_a_setup_names_who_signed_it(signatures):
    found = signatures.check(signed(), T0)
    assert (found.account.name, found.senders_id) == ("or1", "or1")


def test_who_says_nothing_of_itself_is_known_by_its_alias(signatures):
    body = SETUP | {"sourceAddress": [("h323-ID", "nobody"), ("h323-ID", "or1")]}
    assert signatures.check(signed(body=body, to="", sender=""), T0).account.name == "or1"


def test_nobody_has_to_sign(signatures):
    assert signatures.check(plain(), T0) is None
    assert signatures.check(b"rubbish", T0) is None


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"password": "guess"}, Fault.INTEGRITY),
        ({"sender": "ward"}, Fault.INTEGRITY),
        ({"sender": "nobody"}, Fault.INTEGRITY),
        ({"to": "another"}, Fault.GENERAL_ID),
        ({"time_s": T0 - 301}, Fault.TIME),
        ({"time_s": T0 + 301}, Fault.TIME),
    ],
)
def test_a_wrong_signature_is_worse_than_none(signatures, wrong, fault):
    assert signatures.check(signed(**wrong), T0) is fault


def test_a_changed_setup_is_not_genuine(signatures):
    octets = bytearray(signed(body=SETUP | {"tokens": [TOKEN]}))
    place = octets.index(IDENTITY.conference_id)
    octets[place] ^= 1
    assert signatures.check(bytes(octets), T0) is Fault.INTEGRITY


def test_a_setup_is_taken_once(signatures):
    assert not isinstance(signatures.check(signed(), T0), Fault)
    assert signatures.check(signed(), T0) is Fault.REPLAY
    assert not isinstance(signatures.check(signed(random=2), T0), Fault)


def test_who_signed_for_the_number_it_called_is_meant_for_us(signatures):
    body = SETUP | {"destinationAddress": [("dialledDigits", "1001")]}
    assert signatures.check(signed(body=body, to="1001"), T0).account.name == "or1"


def test_nothing_is_looked_at_where_authentication_is_off():
    signatures = Signatures(H323Settings(authentication="off"), BOOK)
    assert signatures.check(signed(password="guess"), T0) is None
    assert signatures.check_later(message.parse(answer()), "or1", (), T0) is Fault.ABSENT
    assert signatures.signer_for(CALLED) is None


def test_our_messages_are_signed_for_the_peer(signatures):
    signer = signatures.check(signed(), T0)
    seal = signatures.seal(signer, lambda: T0)
    randoms = set()
    for _ in range(3):
        octets = message.serialize(
            MessageType.ALERTING, IDENTITY, DESTINATION, is_from_destination=True, is_tunnelling=True, seal=seal
        )
        signal: Signal = message.parse(octets)
        token = h2351.find(signal.crypto_tokens)
        assert (token.general_id, token.senders_id, token.timestamp_s) == ("or1", "drumtower", int(T0))
        information = signal.q931.user_information
        zeroed = information.replace(token.digest, bytes(12))
        assert hmac.digest(hashlib.sha1(b"theatre").digest(), zeroed, "sha1")[:12] == token.digest
        randoms.add(token.random)
    assert len(randoms) == 3
    assert min(randoms) > 2**30 - 2  # those of RAS count from 0


def test_a_call_of_ours_is_signed_for_the_terminal_with_a_password(signatures):
    nobody = Alias(AliasKind.DIALLED_DIGITS, "701")
    assert signatures.signer_for([nobody]) is None
    found = signatures.signer_for([nobody, *CALLED])
    assert (found.account.name, found.senders_id) == ("or1", "or1")


def test_who_guesses_a_password_is_not_listened_to_for_a_while():
    tries = SourceTries(GateSettings(source_free_failures=1, source_refused_failures=3, source_pause_s=30))
    signatures = Signatures(H323Settings(), BOOK, tries)
    for number in range(3):
        assert signatures.check(signed(password="guess", random=number), T0, "192.0.2.66") is Fault.INTEGRITY
    assert signatures.check(signed(random=10), T0, "192.0.2.66") is Fault.INTEGRITY
    # Neither the terminal elsewhere nor others behind that address are concerned, and a pause ends.
    assert signatures.check(signed(random=11), T0, "192.0.2.10").account.name == "or1"
    assert signatures.check(signed(random=12, sender="ward", password="3"), T0, "192.0.2.66").account.name == "ward"
    assert signatures.check(signed(random=13, time_s=T0 + 60), T0 + 60, "192.0.2.66").account.name == "or1"


# ---- messages behind Setup of a routed call


@pytest.mark.parametrize(
    ("account", "how", "found"),
    [
        ("or1", {}, "or1"),
        ("or1", {"sender": "whoever"}, "or1"),
        ("or1", {"to": "ward"}, "or1"),
        ("or1", {"to": "elsewhere"}, Fault.GENERAL_ID),
        ("or1", {"password": "guess"}, Fault.INTEGRITY),
        ("or1", {"time_s": T0 - 301}, Fault.TIME),
        ("ward", {}, Fault.INTEGRITY),
        ("", {}, Fault.ABSENT),
    ],
)
def test_later_messages_are_those_of_the_terminal_on_that_leg(signatures, account, how, found):
    signal = message.parse(signed(MessageType.INFORMATION, {}, **how))
    result = signatures.check_later(signal, account, ("ward",), T0)
    assert (result if isinstance(result, Fault) else result.account.name) == found


def test_a_later_message_counts_once(signatures):
    signal = message.parse(signed(MessageType.INFORMATION, {}))
    assert signatures.check_later(signal, "or1", (), T0).account.name == "or1"
    assert signatures.check_later(signal, "or1", (), T0) is Fault.REPLAY
    assert signatures.check_later(message.parse(plain(MessageType.INFORMATION, {})), "or1", (), T0) is Fault.ABSENT


def test_we_sign_for_terminals_with_a_password(signatures):
    signer = signatures.signer_named("or1", "Theatre 1")
    assert (signer.account.name, signer.senders_id) == ("or1", "Theatre 1")
    assert signatures.signer_named("", "") is None
    assert signatures.signer_named("nobody", "nobody") is None
    assert Signatures(H323Settings(authentication="off"), BOOK).signer_named("or1", "or1") is None
