"""A peer by itself: values of the standards, servers that are not what they say, and whatever else comes."""

from __future__ import annotations

import hashlib
import random
import ssl
from pathlib import Path

import pytest

from auth8021x.supplicant.contexts import peer_context
from auth8021x.supplicant.md5 import Md5Response
from auth8021x.supplicant.methods import Credentials, make_method
from auth8021x.supplicant.peap import MschapInside
from auth8021x.supplicant.peer import Peer
from auth8021x.supplicant.ttls import PapInside
from auth8021x.wire import eap
from auth8021x.wire.eap import Eap, Method
from crypto.certificates import CertificateError
from crypto.secret import Secret

# RFC 2759 9.2
THEIRS = bytes.fromhex("5b5d7c7d7b3f2f3e3c2c602132262628")
OURS = bytes.fromhex("21402324255e262a28295f2b3a337c7e")
RESPONSE = bytes.fromhex("82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df")
PROOF = b"S=407A5589115FD0D6209F510FE9C04566932CDA56"
CHALLENGE = b"\x1a\x01\x07\x00\x15\x10" + THEIRS + b"test"
SUCCESS, FAILURE = bytes.fromhex("80030002 0001"), bytes.fromhex("80030002 0002")


def mschap() -> MschapInside:
    return MschapInside("User", Secret("clientPass"), OURS)


def tlv(result: bytes, code: int = eap.Code.REQUEST) -> bytes:
    return bytes((code, 9, 0, 11, Method.TLV)) + result


def test_the_answer_to_a_challenge_is_that_of_the_standard():
    peer = mschap()
    assert peer.opened() == b""
    answer = peer.respond(CHALLENGE)
    body = b"\x31" + OURS + bytes(8) + RESPONSE + b"\0" + b"User"
    assert answer == b"\x1a\x02\x07" + (4 + len(body)).to_bytes(2, "big") + body
    assert peer.respond(b"\x1a\x03\x07\x00\x33" + PROOF + b" M=OK") == b"\x1a\x03"
    assert peer.respond(tlv(SUCCESS)) == tlv(SUCCESS, eap.Code.RESPONSE)
    assert peer.fault == ""


@pytest.mark.parametrize("request_", [b"\x01", b"\x01\x02\x00\x05\x01"])
def test_packets_inside_come_with_a_header_or_without(request_: bytes):
    assert mschap().respond(request_) == b"\x01User"


def test_another_method_inside_is_refused():
    assert mschap().respond(bytes((Method.GTC,)) + b"Password: ") == bytes((Method.NAK, Method.MSCHAPV2))


@pytest.mark.parametrize("said", [b"S=" + b"0" * 40 + b" M=OK", b"", b"M=OK"])
def test_a_server_that_does_not_know_the_password_is_found_out(said: bytes):
    peer = mschap()
    peer.respond(CHALLENGE)
    assert peer.respond(b"\x1a\x03\x07\x00\x33" + said) == b"\x1a\x04"
    assert "does not know it itself" in peer.fault
    assert peer.respond(tlv(SUCCESS)) == tlv(FAILURE, eap.Code.RESPONSE)


def test_a_server_that_was_never_asked_to_prove_itself_has_proved_nothing():
    peer = mschap()
    assert peer.respond(b"\x1a\x03\x07\x00\x33" + b" M=OK") == b"\x1a\x04"
    assert mschap().respond(tlv(SUCCESS)) == tlv(FAILURE, eap.Code.RESPONSE)


def test_name_and_password_in_ttls():
    """RFC 5281 10.1 and 11.2.5: padded to 16 octets, each AVP to four."""
    assert PapInside("vt1", Secret("vtpass1")).opened() == (
        b"\0\0\0\x01\x40\0\0\x0bvt1\0" + b"\0\0\0\x02\x40\0\0\x18vtpass1" + bytes(9)
    )


@pytest.mark.parametrize("challenge", [bytes(range(16)), b"short", bytes(40)])
def test_the_digest_of_any_challenge(challenge: bytes):
    peer = Peer("vt1", Md5Response(Secret("vtpass1")))
    found = peer.respond(
        Eap(eap.Code.REQUEST, 200, Method.MD5_CHALLENGE, bytes((len(challenge),)) + challenge + b"ward")
    )
    expected = hashlib.md5(b"\xc8vtpass1" + challenge).digest()
    assert found == Eap(eap.Code.RESPONSE, 200, Method.MD5_CHALLENGE, b"\x10" + expected)


def test_who_it_is_what_it_is_told_and_what_it_refuses():
    peer = Peer("vt1", Md5Response(Secret("vtpass1")))
    assert peer.respond(eap.request_identity(7)) == Eap(eap.Code.RESPONSE, 7, Method.IDENTITY, b"vt1")
    told = peer.respond(Eap(eap.Code.REQUEST, 8, Method.NOTIFICATION, b"expires\x1b[2J soon"))
    assert (told, peer.notes) == (Eap(eap.Code.RESPONSE, 8, Method.NOTIFICATION), ["expires [2J soon"])
    for identifier in (9, 10):
        refused = peer.respond(Eap(eap.Code.REQUEST, identifier, Method.TLS, b"\x20"))
        assert refused == Eap(eap.Code.RESPONSE, identifier, Method.NAK, bytes((Method.MD5_CHALLENGE,)))
    assert (peer.offered, peer.has_run) == ([Method.TLS], False)


@pytest.mark.parametrize("name", ["md5", "peap", "ttls", "tls"])
def test_whatever_a_server_sends_is_answered(name, certificates: Path):
    chance = random.Random(8021)
    who = Credentials("vt1", Secret("vtpass1"), peer_context(certificates / "ca.pem", "", None, None))
    for _ in range(40):
        method = make_method(name, who, chance.randbytes)
        peer = Peer("vt1", method)
        for identifier in range(12):
            data = chance.choice(
                (b"", b"\x20", b"\x80", b"\xc0\0\0\0\x40", b"\0\x16\x03\x03", b"\x40")
            ) + chance.randbytes(chance.choice((0, 1, 5, 60)))
            answer = peer.respond(Eap(eap.Code.REQUEST, identifier, method.kind, data))
            assert (answer.code, answer.identifier) == (eap.Code.RESPONSE, identifier)
            assert len(answer.serialize()) < 1100


@pytest.mark.parametrize("length", range(22))
def test_whatever_comes_inside_is_answered(length: int):
    chance = random.Random(length)
    for kind in (1, 2, 3, 26, 33):
        peer = mschap()
        peer.respond(CHALLENGE)
        peer.respond((bytes((kind,)) + chance.randbytes(length))[: length + 1])
        peer.respond(tlv(chance.randbytes(length)))
        assert not peer._is_proved


def test_passwords_and_files_that_cannot_be_used(certificates: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="256"):
        make_method("peap", Credentials("vt1", Secret("x" * 257), peer_context(None, "", None, None)), random.randbytes)
    with pytest.raises(CertificateError, match=r"nowhere\.pem"):
        peer_context(tmp_path / "nowhere.pem", "", None, None)
    with pytest.raises(CertificateError, match=r"server\.key"):  # encrypted: no password is asked for
        peer_context(None, "", certificates / "server.pem", certificates / "server.key")
    assert peer_context(certificates / "ca.pem", "", None, None).verify_mode is ssl.CERT_REQUIRED
    assert peer_context(certificates / "ca.pem", "radius.ward.example", None, None).check_hostname
