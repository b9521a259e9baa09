"""EAPOL frames: round trips, truncation at every length, what terminals and strangers send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import eapol
from auth8021x.wire.eapol import MAX_BODY_BYTES, PAE_GROUP_ADDRESS, Eapol, Frame, Type

TERMINAL = bytes.fromhex("020000aa0001")
START = bytes.fromhex("0180c2000003020000aa0001888e01010000")
"""As wpa_supplicant sends it: EAPOL version 1, Start, no body."""
IDENTITY = bytes.fromhex("0180c2000003020000aa0001888e0200000802750008 01767431".replace(" ", ""))
"""Version 2, EAP response 0x75, Identity "vt1"."""


def test_a_start_and_an_identity_as_they_are_on_the_wire():
    assert eapol.parse_frame(START) == Frame(PAE_GROUP_ADDRESS, TERMINAL, Eapol(Type.START, b"", 1))
    assert eapol.parse_frame(IDENTITY).packet == Eapol(Type.EAP, bytes.fromhex("0275000801767431"), 2)
    assert eapol.parse_frame(IDENTITY).serialize() == IDENTITY


def test_padding_is_not_read():
    assert eapol.parse_frame(START + bytes(42)) == eapol.parse_frame(START)
    assert eapol.parse_frame(IDENTITY + b"\xff" * 30) == eapol.parse_frame(IDENTITY)


@pytest.mark.parametrize("version", [0, 1, 2, 3, 255])
def test_any_version_is_read(version: int):
    assert eapol.parse(bytes((version, 1, 0, 0))) == Eapol(Type.START, b"", version)


def test_a_priority_tag_is_read_over_and_a_vlan_tag_is_refused():
    tagged = IDENTITY[:12] + bytes.fromhex("8100e000") + IDENTITY[12:]
    assert eapol.parse_frame(tagged) == eapol.parse_frame(IDENTITY)
    with pytest.raises(MalformedPacketError):
        eapol.parse_frame(IDENTITY[:12] + bytes.fromhex("8100e02a") + IDENTITY[12:])


@pytest.mark.parametrize("frame", [START, IDENTITY])
def test_cut_off_anywhere_it_is_refused(frame: bytes):
    for size in range(len(frame)):
        with pytest.raises(MalformedPacketError):
            eapol.parse_frame(frame[:size])


@pytest.mark.parametrize(
    "frame",
    [
        START[:6] + bytes.fromhex("0180c2000003") + START[12:],  # sent by a group
        START[:6] + bytes(6) + START[12:],
        START[:12] + bytes.fromhex("0800") + START[14:],
        START[:16] + bytes.fromhex("0001"),
        START[:16] + (MAX_BODY_BYTES + 1).to_bytes(2, "big") + bytes(MAX_BODY_BYTES + 1),
    ],
)
def test_what_is_wrong_is_refused(frame: bytes):
    with pytest.raises(MalformedPacketError):
        eapol.parse_frame(frame)


def test_a_body_that_no_frame_carries_is_our_own_fault():
    with pytest.raises(ValueError, match="1500"):
        Eapol(Type.EAP, bytes(MAX_BODY_BYTES + 1)).serialize()


def test_what_an_identity_says_is_in_no_repr():
    assert "vt1" not in repr(eapol.parse_frame(IDENTITY))


packets = st.builds(Eapol, st.integers(0, 255), st.binary(max_size=MAX_BODY_BYTES), st.integers(0, 255))


@given(packets, st.binary(max_size=20))
def test_what_is_written_is_read(packet: Eapol, padding: bytes):
    assert eapol.parse(packet.serialize() + padding) == packet


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data: bytes):
    for parse in (eapol.parse, eapol.parse_frame):
        try:
            assert parse(data).serialize()
        except MalformedPacketError:
            pass
