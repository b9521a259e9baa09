"""H.235.1 against messages whose octets were put together by hand from X.691, H.225.0 and H.235."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from crypto.h235.password_key import PasswordKey
from signaling.h323 import h2351, per

SECRET = "theatre-4-camera"
TIME_S = 1_780_000_000
OID = bytes.fromhex("07 00 08 81 6b 00 02")  # seven octets, 0.0.8.235.0.2; the last arc follows
GK = "drumtower".encode("utf-16-be")
OR1 = "or1".encode("utf-16-be")


def unregistration_confirm(digest: bytes, additions: str, clear_additions: str, version: int = 2) -> bytes:
    """UCF number 1 with one token. `additions` and `clear_additions` are count and bitmap, as bits."""
    oid = OID[:-1] + bytes([version])
    clear = (
        bytes.fromhex("c5 00")  # extended; timeStamp, random and generalID of eight optional fields
        + oid + b"\x05"
        + b"\xc0" + (TIME_S - 1).to_bytes(4, "big")  # four octets, from 1 on
        + b"\x01\x07"  # random 7
        + b"\x10" + GK  # nine characters
        + bits(clear_additions)
        + b"\x07\x04" + OR1  # an open type: three characters
    )  # fmt: skip
    hashed = oid + b"\x06" + b"\x00" + b"\x60" + digest  # no parameters, 96 bits
    tokens = b"\x01" + b"\x74" + oid + b"\x01" + clear + hashed  # nestedcryptoToken, cryptoHashedToken
    return b"\x1e" + b"\x00\x00" + bits(additions) + bytes([len(tokens)]) + tokens


def bits(text: str) -> bytes:
    digits = text.replace(" ", "")
    digits += "0" * (-len(digits) % 8)
    return int(digits, 2).to_bytes(len(digits) // 8, "big")


OLD = ("0000010 010", "0000010 010")
"""A terminal of H.225.0 version 2, which knows three additions of each."""
OURS = ("0000100 01000", "0000011 0100")


def by_hand(zeroed: bytes, secret: str = SECRET) -> bytes:
    return hmac.new(hashlib.sha1(secret.encode()).digest(), zeroed, hashlib.sha1).digest()[:12]


def signed(additions: tuple[str, str], version: int = 2) -> bytes:
    return unregistration_confirm(by_hand(unregistration_confirm(bytes(12), *additions, version)), *additions, version)


def token_of(octets: bytes) -> h2351.HashedToken | None:
    return h2351.find(per.decode(per.Type.RAS, octets)[1].get("cryptoTokens"))


@pytest.mark.parametrize("additions", [OLD, OURS])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_token_is_verified_over_the_octets_that_came(additions, version):
    octets = signed(additions, version)
    token = token_of(octets)
    assert token is not None
    assert (token.timestamp_s, token.random, token.general_id, token.senders_id) == (TIME_S, 7, "drumtower", "or1")
    assert h2351.is_genuine(PasswordKey.of(SECRET), token, octets)
    assert not h2351.is_genuine(PasswordKey.of(SECRET + "x"), token, octets)


def test_our_message_is_the_one_made_by_hand():
    def encode(digest: bytes) -> bytes:
        tokens = [h2351.token(TIME_S, 7, "drumtower", "or1", digest)]
        return per.encode(per.Type.RAS, ("unregistrationConfirm", {"requestSeqNum": 1, "cryptoTokens": tokens}))

    assert h2351.sign(PasswordKey.of(SECRET), encode) == signed(OURS)


def test_every_octet_counts():
    octets = signed(OLD)
    key = PasswordKey.of(SECRET)
    token = token_of(octets)
    for place in range(len(octets)):
        changed = bytearray(octets)
        changed[place] ^= 1
        assert not h2351.is_genuine(key, token, bytes(changed))


def test_the_hash_is_found_where_it_is_even_when_a_peer_repeats_it():
    """What a peer makes us repeat beside the hash must not move it."""

    def encode(digest: bytes) -> bytes:
        alien = {"nonStandardIdentifier": ("object", (1, 2, 3)), "data": bytes(12) + b"\xff" * 12}
        tokens = [h2351.token(TIME_S, 7, "", "", digest)]
        body = {"requestSeqNum": 1, "nonStandardData": alien, "cryptoTokens": tokens}
        return per.encode(per.Type.RAS, ("unregistrationConfirm", body))

    octets = h2351.sign(PasswordKey.of(SECRET), encode)
    token = token_of(octets)
    assert token.general_id == token.senders_id == ""
    assert h2351.is_genuine(PasswordKey.of(SECRET), token, octets)
    assert by_hand(encode(bytes(12))) == token.digest


def test_a_hash_that_does_not_travel_is_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="hash"):
        h2351.sign(PasswordKey.of(SECRET), lambda _: b"nothing")
    with pytest.raises(ValueError, match="hash"):
        h2351.sign(PasswordKey.of(SECRET), lambda digest: digest + b"-" + digest)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tokenOID", (0, 0, 8, 235, 0, 2, 2)),  # "B": authentication of some fields only
        ("clear tokenOID", (0, 0, 8, 235, 0, 2, 4)),
        ("algorithmOID", (0, 0, 8, 235, 0, 2, 8)),
        ("hash", (1, 95)),
        ("timeStamp", None),
        ("random", None),
    ],
)
def test_tokens_of_other_profiles_are_none(field, value):
    token = h2351.token(TIME_S, 7, "", "")
    body = token[1][1]
    if value is None:
        del body["hashedVals"][field]
    elif field == "clear tokenOID":
        body["hashedVals"]["tokenOID"] = value
    elif field in body:
        body[field] = value
    else:
        body["token"][field] = value
    assert h2351.find([token]) is None
    assert h2351.find([token, h2351.token(TIME_S, 8, "", "")]).random == 8


def test_only_so_many_tokens_are_looked_at():
    other = ("cryptoEPPwdHash", {})
    ours = h2351.token(TIME_S, 7, "", "")
    assert h2351.find([other] * 7 + [ours]) is not None
    assert h2351.find([other] * 8 + [ours]) is None
    assert h2351.find(None) is None


def test_identifiers_may_end_with_zero():
    assert h2351.find([h2351.token(TIME_S, 7, "gk\0", "or1\0")]).senders_id == "or1"


def test_call_signalling_is_signed_in_the_same_way():
    """The hash of a Setup covers the octets of its H323-UserInformation."""

    def encode(digest: bytes) -> bytes:
        setup = {
            "protocolIdentifier": (0, 0, 8, 2250, 0, 5),
            "sourceInfo": {"terminal": {}, "mc": False, "undefinedNode": False},
            "activeMC": False,
            "conferenceID": bytes(range(16)),
            "conferenceGoal": ("create", 0),
            "callType": ("pointToPoint", 0),
            "callIdentifier": {"guid": bytes(range(16))},
            "mediaWaitForConnect": False,
            "canOverlapSend": False,
            "cryptoTokens": [h2351.token(TIME_S, 9, "drumtower", "or1", digest)],
        }
        return per.encode(per.Type.USER_INFORMATION, {"h323-uu-pdu": {"h323-message-body": ("setup", setup)}})

    octets = h2351.sign(PasswordKey.of(SECRET), encode)
    body = per.decode(per.Type.USER_INFORMATION, octets)["h323-uu-pdu"]["h323-message-body"][1]
    token = h2351.find(body["cryptoTokens"])
    assert token.digest == by_hand(encode(bytes(12)))
    assert h2351.is_genuine(PasswordKey.of(SECRET), token, octets)
