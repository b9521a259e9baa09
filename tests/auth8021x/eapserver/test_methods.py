"""Single methods, step by step: what a peer cannot talk its way past."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from auth8021x.eapserver import mschapv2
from auth8021x.eapserver.account import Account
from auth8021x.eapserver.conversation import Conversation
from auth8021x.eapserver.eap_mschapv2 import EapMschapv2
from auth8021x.eapserver.eap_tls import CertificateProof
from auth8021x.eapserver.md5 import Md5Challenge
from auth8021x.eapserver.passwords import Passwords
from auth8021x.eapserver.peap import MschapInside
from auth8021x.eapserver.step import Ask, Failed, Moment, Passed, Step
from auth8021x.eapserver.tls_connection import TlsConnection
from auth8021x.eapserver.tries import Tries
from auth8021x.wire import eap
from auth8021x.wire.eap import Eap, Method
from crypto.nt_hash import NtHash
from tests.auth8021x.eapserver.test_certificate_names import NOW, made
from tests.auth8021x.eapserver.world import VT1, PaperBook, user

MOMENT = Moment(1.0, NOW.timestamp() + 5, "switch 02-00-00-AA-00-01")
CHALLENGE, MINE = bytes(range(16)), bytes(range(16, 32))
UNUSED = TlsConnection(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
RESULT = Eap(eap.Code.RESPONSE, 1, Method.TLV, bytes.fromhex("80030002"))


def passwords(*accounts: Account) -> Passwords:
    return Passwords(PaperBook(*accounts), Tries(5, 50, 600, 100), bytes(range(16)))


def test_invented_names_do_not_make_room_for_more_guesses():
    """The table of wrong passwords is bounded: names that nobody has take no place in it."""
    checked = Passwords(PaperBook(VT1), Tries(5, 50, 600, 10), bytes(range(16)))

    def guess(name: str) -> str:
        outcome = checked.by_password(name, MOMENT, lambda _password: False)
        assert isinstance(outcome, Failed)
        return outcome.reason

    assert [guess("vt1") for _ in range(4)] == ["wrong-password"] * 4
    assert {guess(f"nobody{number}") for number in range(100)} == {"unknown-identity"}
    assert [guess("vt1") for _ in range(2)] == ["wrong-password", "too-many-tries"]


class Inside:
    """MSCHAPv2 in PEAP, without the tunnel."""

    def __init__(self, *accounts: Account) -> None:
        self._inside = MschapInside(EapMschapv2(passwords(*accounts), CHALLENGE), lambda _identity: True)
        self.say(b"")

    def say(self, plain: bytes) -> Step:
        return self._inside.step(plain, 1, MOMENT, UNUSED)

    def answer(self, name: str = "vt1", password: str = "vtpass1") -> Step:
        proof = mschapv2.nt_response(CHALLENGE, MINE, name, NtHash.of(password))
        return self.say(b"\x1a\2\1\0\x39\x31" + MINE + bytes(8) + proof + b"\0" + name.encode())


def ends_in(step: Step) -> int:
    """The status of the Result TLV, 0 where it is none."""
    assert isinstance(step, Ask)
    return step.data[-1] if step.data[4:5] == bytes((Method.TLV,)) else 0


def test_a_result_that_is_cut_off_is_none():
    inside = Inside(VT1)
    inside.say(b"\1vt1")
    assert isinstance(inside.answer(), Ask)
    assert ends_in(inside.say(b"\x1a\3")) == 1
    assert inside.say(RESULT.serialize()) == Failed("refused-by-peer", identity="vt1")


@pytest.mark.parametrize(
    ("acknowledgement", "result", "outcome"),
    [
        (b"\x1a\3", b"\0\1", Passed("vt1")),
        (b"\x1a\3", b"\0\2", Failed("refused-by-peer", identity="vt1")),
        (b"\x1a\4", b"\0\1", Failed("refused-by-peer", identity="vt1")),
        (b"\3\0", b"\0\1", Failed("refused-by-peer", identity="vt1")),
    ],
)
def test_a_peer_that_does_not_agree_is_not_let_in(acknowledgement: bytes, result: bytes, outcome: Step):
    inside = Inside(VT1)
    inside.say(b"\1vt1")
    inside.answer()
    assert ends_in(inside.say(acknowledgement)) == (1 if acknowledgement == b"\x1a\3" else 2)
    told = Eap(eap.Code.RESPONSE, 1, Method.TLV, b"\x80\3\0\2" + result)
    assert inside.say(told.serialize()) == outcome


def test_the_name_in_the_proof_is_the_one_that_was_said():
    inside = Inside(VT1, user("vt2", "vtpass2"))
    inside.say(b"\1vt1")
    answer = inside.answer("vt2", "vtpass1")
    assert isinstance(answer, Ask)
    assert b"E=691" in answer.data
    assert ends_in(inside.say(b"\x1a\4")) == 2


def test_the_result_cannot_be_said_before_the_proof():
    whole = Eap(eap.Code.RESPONSE, 1, Method.TLV, b"\x80\3\0\2\0\1").serialize()
    inside = Inside(VT1)
    assert isinstance(inside.say(whole), Failed)
    inside = Inside(VT1)
    inside.say(b"\1vt1")
    assert ends_in(inside.say(whole)) == 2
    assert isinstance(inside.say(whole), Failed)


def test_who_has_no_password_has_none_that_is_right():
    for found in (passwords(Account("vt1")), passwords()):
        assert isinstance(found.by_hash("vt1", MOMENT, lambda _hash: True), Failed)
        assert isinstance(found.by_password("vt1", MOMENT, lambda _password: True), Failed)


def test_nak_counts_only_in_place_of_the_first_response():
    def conversation() -> tuple[Conversation, Eap]:
        makers = {int(kind): _md5 for kind in (Method.MD5_CHALLENGE, Method.OTP)}
        begun = Conversation("vt1", 1000, makers, (), 10)
        return begun, begun.begin(0)

    talk, first = conversation()
    nak = Eap(eap.Code.RESPONSE, first.identifier, Method.NAK, bytes((Method.OTP,)))
    second = talk.respond(nak, MOMENT)
    assert isinstance(second, Eap)
    again = Eap(eap.Code.RESPONSE, second.identifier, Method.NAK, bytes((Method.MD5_CHALLENGE,)))
    assert talk.respond(again, MOMENT) == Failed("malformed", "Nak in a method")
    for wanted in (b"", b"\0", bytes((Method.MD5_CHALLENGE,)), bytes((Method.FAST,))):
        talk, first = conversation()
        refused = talk.respond(Eap(eap.Code.RESPONSE, first.identifier, Method.NAK, wanted), MOMENT)
        assert isinstance(refused, Failed)
        assert refused.reason == "no-common-method"


def _md5(outer: str, fragment_bytes: int) -> Md5Challenge:
    return Md5Challenge(outer, passwords(VT1), CHALLENGE)


@dataclass
class Shown:
    """A connection whose peer has shown a certificate."""

    peer_certificate: bytes | None


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (made(), ""),
        (made(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])), "bad-certificate"),
        (made(common="vt2"), "unknown-identity"),
        (made(common="expired"), "other-identity"),
        (b"rubbish", "bad-certificate"),
        (None, "malformed"),
    ],
)
def test_what_a_certificate_is_worth(certificate: bytes | None, reason: str):
    proof = CertificateProof(PaperBook(VT1, Account("expired")), lambda identity: identity == "vt1")
    found = proof.decide(MOMENT, Shown(certificate))  # type: ignore[arg-type]
    assert (found.reason if isinstance(found, Failed) else "") == reason
    if not reason:
        assert found == Passed("vt1")
