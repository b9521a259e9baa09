"""MSCHAPv2 by the example of RFC 2759 9.2."""

from auth8021x.eapserver import mschapv2
from crypto.nt_hash import NtHash

AUTHENTICATOR = bytes.fromhex("5b5d7c7d7b3f2f3e3c2c602132262628")
PEER = bytes.fromhex("21402324255e262a28295f2b3a337c7e")
RESPONSE = bytes.fromhex("82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df")
HASH = NtHash.of("clientPass")


def test_the_response_of_the_peer():
    assert mschapv2.nt_response(AUTHENTICATOR, PEER, "User", HASH) == RESPONSE
    assert mschapv2.nt_response(AUTHENTICATOR, PEER, "WARD\\User", HASH) == RESPONSE
    assert mschapv2.is_right(RESPONSE, AUTHENTICATOR, PEER, "User", HASH)


def test_whatever_differs_is_wrong():
    assert not mschapv2.is_right(RESPONSE, AUTHENTICATOR, PEER, "user", HASH)
    assert not mschapv2.is_right(RESPONSE, PEER, AUTHENTICATOR, "User", HASH)
    assert not mschapv2.is_right(RESPONSE[:-1], AUTHENTICATOR, PEER, "User", HASH)
    assert not mschapv2.is_right(RESPONSE, AUTHENTICATOR, PEER, "User", NtHash.of("clientPass "))


def test_our_own_proof():
    assert (
        mschapv2.authenticator_response(RESPONSE, AUTHENTICATOR, PEER, "User", HASH)
        == "S=407A5589115FD0D6209F510FE9C04566932CDA56"
    )
