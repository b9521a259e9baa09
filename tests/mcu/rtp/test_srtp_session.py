"""SRTP in the three suites: round trips, forgery, replay, sizes; nothing raises."""

import pylibsrtp
import pytest
from pylibsrtp._binding import ffi, lib

from mcu.rtp import rtcp, srtp_session
from mcu.rtp.packet import header
from mcu.rtp.srtp_session import MAX_PACKET_BYTES, MAX_SOURCES, PROFILES, SrtpPair


def pair(suite):
    size = PROFILES[suite][1]
    one, other = bytes(range(size)), bytes(range(100, 100 + size))
    return SrtpPair(suite, one, other), SrtpPair(suite, other, one)


def test_the_private_names_of_pylibsrtp_that_we_use_are_there() -> None:
    names = ("srtp_protect", "srtp_protect_rtcp", "srtp_unprotect", "srtp_unprotect_rtcp")
    assert all(callable(getattr(lib, name)) for name in names)
    assert ffi.typeof(pylibsrtp.Session()._srtp) is ffi.typeof("srtp_t *")
    assert pylibsrtp.ERRORS[0] == "nothing to report"
    known = set(pylibsrtp.ERRORS)
    assert set(srtp_session._REASONS) <= known


@pytest.mark.parametrize("suite", PROFILES)
def test_both_directions_of_rtp_and_rtcp(suite) -> None:
    alice, bob = pair(suite)
    for sender, receiver in ((alice, bob), (bob, alice)):
        packet = header(96, True, 1, 2, 3) + b"media"
        sealed = sender.protect(packet)
        assert b"media" not in sealed
        assert receiver.unprotect(sealed) == packet
        report = rtcp.ReceiverReport(1).serialize()
        assert receiver.unprotect_rtcp(sender.protect_rtcp(report)) == report
    assert not alice.drops
    assert not bob.drops


@pytest.mark.parametrize("suite", PROFILES)
def test_forgery_and_replay_are_counted(suite) -> None:
    alice, bob = pair(suite)
    sealed = alice.protect(header(96, True, 1, 2, 3) + b"media")
    for position in range(len(sealed)):
        forged = bytearray(sealed)
        forged[position] ^= 1
        assert bob.unprotect(bytes(forged)) is None
    assert bob.unprotect(sealed) is not None
    assert bob.unprotect(sealed) is None
    assert bob.drops["replay"] == 1
    assert bob.drops.total() == len(sealed) + 1


@pytest.mark.parametrize("suite", PROFILES)
def test_truncation_at_every_length(suite) -> None:
    alice, bob = pair(suite)
    sealed = alice.protect(header(96, True, 1, 2, 3) + b"media")
    sealed_rtcp = alice.protect_rtcp(rtcp.PictureLoss(1, 2).serialize())
    for size in range(len(sealed)):
        assert bob.unprotect(sealed[:size]) is None
    for size in range(len(sealed_rtcp)):
        assert bob.unprotect_rtcp(sealed_rtcp[:size]) is None


@pytest.mark.parametrize("suite", PROFILES)
def test_sizes_are_refused_not_raised(suite) -> None:
    alice, bob = pair(suite)
    largest = header(96, True, 1, 2, 3) + bytes(MAX_PACKET_BYTES - 12)
    assert bob.unprotect(alice.protect(largest)) == largest
    assert alice.protect(largest + b"x") is None
    assert alice.protect_rtcp(largest + b"x") is None
    assert bob.unprotect(bytes(1501)) is None
    assert alice.drops == {"protect-too-long": 1, "protect-rtcp-too-long": 1}
    assert alice.protect_rtcp(rtcp.GenericNack(1, 2, tuple(range(0, 17 * 330, 17))).serialize()) is not None


@pytest.mark.parametrize("suite", PROFILES)
def test_no_number_is_protected_twice(suite) -> None:
    alice, _ = pair(suite)
    assert alice.protect(header(96, True, 1, 2, 3) + b"one") is not None
    assert alice.protect(header(96, True, 1, 9, 3) + b"two") is None


def test_wrong_keys_are_our_own_error() -> None:
    with pytest.raises(ValueError, match="suite"):
        SrtpPair("NULL", bytes(30), bytes(30))
    with pytest.raises(ValueError, match="length"):
        SrtpPair("AES_CM_128_HMAC_SHA1_80", bytes(30), bytes(28))


def test_sources_of_a_peer_are_bounded_and_known_ones_go_on() -> None:
    alice, bob = pair("AEAD_AES_128_GCM")
    first = header(96, True, 1, 2, 1) + b"media"
    assert bob.unprotect(alice.protect(first)) == first
    for ssrc in range(2, MAX_SOURCES + 50):
        assert (bob.unprotect(alice.protect(header(96, True, 1, 2, ssrc) + b"x")) is None) == (ssrc > MAX_SOURCES)
    assert bob.drops == {"too-many-sources": 49}
    assert bob.unprotect_rtcp(alice.protect_rtcp(rtcp.PictureLoss(5000, 2).serialize())) is None
    assert bob.drops["rtcp-too-many-sources"] == 1
    second = header(96, True, 2, 2, 1) + b"media"
    assert bob.unprotect(alice.protect(second)) == second


def test_forged_sources_take_no_place() -> None:
    alice, bob = pair("AEAD_AES_128_GCM")
    for ssrc in range(2 * MAX_SOURCES):
        assert bob.unprotect(header(96, True, 1, 2, ssrc) + bytes(30)) is None
    packet = header(96, True, 1, 2, 1) + b"media"
    assert bob.unprotect(alice.protect(packet)) == packet
