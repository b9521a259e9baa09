"""Authenticators: the examples of RFC 2865 7 and RFC 5997 6, and what must not be believed."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auth8021x.wire import attribute, packet, password
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.authenticity import Fault, check_request, check_response, seal_request, seal_response
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.packet import Packet

SECRET = b"xyzzy5461"
RFC_2865 = [
    (
        "010000380f403f9473978057bd83d5cb98f4227a01066e656d6f02120dbe708d93d413ce3196e43f782a0aee0406c0a80110050600000003",
        "0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103",
    ),
    (
        "010100472aee86f08d0d55969ca5978e0d3367a20108666c6f70737903131"
        "6e97557c316185895f293ff634407727504 06c0a8011005060000001406060000000207060000000 1".replace(" ", ""),
        (
            "0201003815efbc7dab26cfa3dc34d9c03c8601a4060600000002070600000001"
            "0806fffffffe0a06000000020d06000000010c06000005dc"
        ),
    ),
    (
        (
            "01020039f3a47a1f6a6d76710b947ab93041a03901076d6f707379021233657573778289b570885e15084825c5"
            "0406c0a80110050600000007"
        ),
        (
            "0b02004e36f3c8764ae8c71157403c0c71ff9c4512304368616c6c656e67652033323736393433302e2020456e74657220726573706f"
            "6e73652061742070726f6d70742e180a3332373639343330"
        ),
    ),
    (
        (
            "01030043b122556d428a13d0d6253807c457ecf001076d6f7073790212692c1f205fc081b919b95195f561a581"
            "0406c0a80110050600000007180a3332373639343330"
        ),
        "03030014a42f4fca45916c4e09c8340f9e746aa0",
    ),
]
"""Requests and answers of RFC 2865 7.1, 7.2 and 7.3; they are older than Message-Authenticator."""


@pytest.mark.parametrize(("request_hex", "answer_hex"), RFC_2865, ids=["telnet", "ppp", "challenge", "reject"])
def test_answers_of_rfc_2865(request_hex: str, answer_hex: str):
    request, answer = packet.parse(bytes.fromhex(request_hex)), packet.parse(bytes.fromhex(answer_hex))
    assert check_response(answer, request.authenticator, SECRET) is Fault.NO_MESSAGE_AUTHENTICATOR
    assert check_response(answer, request.authenticator, b"other") is Fault.AUTHENTICATOR
    assert check_response(answer, bytes(16), SECRET) is Fault.AUTHENTICATOR


@pytest.mark.parametrize(("place", "clear"), [(0, b"arctangent"), (2, b"challenge"), (3, b"99101462")])
def test_passwords_of_rfc_2865(place: int, clear: bytes):
    request = packet.parse(bytes.fromhex(RFC_2865[place][0]))
    hidden = attribute.first(request.attributes, Type.USER_PASSWORD)
    assert hidden is not None
    assert password.reveal(hidden, request.authenticator, SECRET) == clear
    assert password.hide(clear, request.authenticator, SECRET) == hidden


def test_status_server_of_rfc_5997():
    query = packet.parse(bytes.fromhex("0cda00268a54f4686fb394c52866e302185d062350125a665e2e1e8411f3e243822097c84fa3"))
    assert check_request(query, SECRET) is None
    unsealed = replace(query, attributes=())
    assert seal_request(unsealed, SECRET) == query
    answer = packet.parse(bytes.fromhex("02da0014ef0d552a4bf2d693ec2b6fe8b5411d66"))
    assert check_response(answer, query.authenticator, SECRET) is Fault.NO_MESSAGE_AUTHENTICATOR


RANDOM = bytes(range(16))
EAP = Attribute(Type.EAP_MESSAGE, bytes.fromhex("03070004"))
USER = attribute.text(Type.USER_NAME, "vt1")


def test_message_authenticator_is_first_and_what_rfc_3579_says():
    """Worked out by hand: HMAC-MD5 over the packet with the request's authenticator and sixteen zeros."""
    made = seal_response(Packet(Code.ACCESS_ACCEPT, 9, attributes=(EAP, USER)), RANDOM, SECRET)
    body = EAP.serialize() + USER.serialize()
    head = bytes((2, 9)) + (20 + 18 + len(body)).to_bytes(2, "big")
    proof = hmac.new(SECRET, head + RANDOM + b"\x50\x12" + bytes(16) + body, hashlib.md5).digest()
    signed = b"\x50\x12" + proof + body
    assert made.serialize() == head + hashlib.md5(head + RANDOM + signed + SECRET).digest() + signed


def test_a_disconnect_request_as_rfc_5176_has_it():
    made = seal_request(Packet(Code.DISCONNECT_REQUEST, 1, RANDOM, (USER,)), SECRET)
    head = bytes((40, 1)) + (20 + 18 + 5).to_bytes(2, "big")
    proof = hmac.new(SECRET, head + bytes(16) + b"\x50\x12" + bytes(16) + USER.serialize(), hashlib.md5).digest()
    signed = b"\x50\x12" + proof + USER.serialize()
    assert made.serialize() == head + hashlib.md5(head + bytes(16) + signed + SECRET).digest() + signed
    assert check_request(made, SECRET) is None


def test_accounting_is_proved_by_its_authenticator_alone():
    made = seal_request(Packet(Code.ACCOUNTING_REQUEST, 1, RANDOM, (USER,)), SECRET)
    assert made.attributes == (USER,)
    assert made.authenticator == hashlib.md5(made.serialize()[:4] + bytes(16) + USER.serialize() + SECRET).digest()
    assert check_request(made, SECRET) is None
    assert check_request(made, b"other") is Fault.AUTHENTICATOR
    answer = seal_response(Packet(Code.ACCOUNTING_RESPONSE, 1), made.authenticator, SECRET)
    assert check_response(answer, made.authenticator, SECRET) is None
    assert answer.attributes == ()


REQUESTS = [Code.ACCESS_REQUEST, Code.STATUS_SERVER, Code.ACCOUNTING_REQUEST, Code.DISCONNECT_REQUEST, Code.COA_REQUEST]
ANSWERS = [
    Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE, Code.ACCOUNTING_RESPONSE, Code.DISCONNECT_ACK,
    Code.DISCONNECT_NAK, Code.COA_ACK, Code.COA_NAK,
]  # fmt: skip


@pytest.mark.parametrize("code", REQUESTS)
def test_no_bit_of_a_request_can_be_changed(code: Code):
    data = seal_request(Packet(code, 3, RANDOM, (USER,)), SECRET).serialize()
    padded = data + b"padding"
    assert check_request(packet.parse(data), SECRET) is None
    assert check_request(packet.parse(padded), SECRET, padded) is None
    for place in range(len(data) * 8):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        try:
            found = packet.parse(bytes(changed))
        except ValueError:
            continue
        assert check_request(found, SECRET) is not None
        assert check_request(found, SECRET, bytes(changed)) == check_request(found, SECRET)


@pytest.mark.parametrize("code", ANSWERS)
def test_no_bit_of_an_answer_can_be_changed(code: Code):
    data = seal_response(Packet(code, 3, attributes=(USER,)), RANDOM, SECRET).serialize()
    padded = data + b"padding"
    assert check_response(packet.parse(data), RANDOM, SECRET) is None
    assert check_response(packet.parse(padded), RANDOM, SECRET, padded) is None
    for place in range(len(data) * 8):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        try:
            found = packet.parse(bytes(changed))
        except ValueError:
            continue
        assert check_response(found, RANDOM, SECRET) is not None
        assert check_response(found, RANDOM, SECRET, bytes(changed)) == check_response(found, RANDOM, SECRET)


def forged(*attributes: Attribute, code: Code = Code.ACCESS_ACCEPT) -> Packet:
    """An answer whose authenticator field is right, as a collision makes it, with these attributes as they are."""
    unsigned = Packet(code, 3, RANDOM, attributes)
    return replace(unsigned, authenticator=hashlib.md5(unsigned.serialize() + SECRET).digest())


def test_a_right_authenticator_field_is_not_enough():
    wrong = Attribute(Type.MESSAGE_AUTHENTICATOR, bytes(16))
    good = seal_response(Packet(Code.ACCESS_ACCEPT, 3, attributes=(USER,)), RANDOM, SECRET).attributes[0]
    assert check_response(forged(USER), RANDOM, SECRET) is Fault.NO_MESSAGE_AUTHENTICATOR
    assert check_response(forged(EAP), RANDOM, SECRET) is Fault.EAP_WITHOUT_MESSAGE_AUTHENTICATOR
    assert check_response(forged(wrong, USER), RANDOM, SECRET) is Fault.MESSAGE_AUTHENTICATOR
    assert check_response(forged(good, good, USER), RANDOM, SECRET) is Fault.MESSAGE_AUTHENTICATOR
    short = Attribute(Type.MESSAGE_AUTHENTICATOR, good.value[:15])
    assert check_response(forged(short, USER), RANDOM, SECRET) is Fault.MESSAGE_AUTHENTICATOR
    assert check_response(forged(good, USER), RANDOM, SECRET) is None


def test_accounting_with_a_wrong_message_authenticator_is_not_believed():
    wrong = Attribute(Type.MESSAGE_AUTHENTICATOR, bytes(16))
    answer = forged(wrong, code=Code.ACCOUNTING_RESPONSE)
    assert check_response(answer, RANDOM, SECRET) is Fault.MESSAGE_AUTHENTICATOR


def test_an_access_request_without_one_proves_nothing():
    assert check_request(Packet(Code.ACCESS_REQUEST, 1, RANDOM, (USER,)), SECRET) is Fault.NO_MESSAGE_AUTHENTICATOR


@given(st.binary(min_size=1, max_size=128), st.binary(min_size=16, max_size=16), st.binary(min_size=1, max_size=40))
def test_what_is_hidden_is_revealed(clear: bytes, authenticator: bytes, secret: bytes):
    hidden = password.hide(clear, authenticator, secret)
    assert len(hidden) % 16 == 0
    assert password.reveal(hidden, authenticator, secret) == clear.rstrip(b"\0")


@pytest.mark.parametrize("size", [0, 1, 15, 17, 144])
def test_a_hidden_password_has_whole_blocks(size: int):
    with pytest.raises(ValueError, match="User-Password"):
        password.reveal(bytes(size), RANDOM, SECRET)
    with pytest.raises(ValueError, match="128"):
        password.hide(bytes(129), RANDOM, SECRET)
