"""RTP headers and extensions: round trips, truncation, hostile lengths, an independent parser."""

import struct

import pytest
from aiortc import rtp as aiortc_rtp
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import Extensions
from mcu.rtp import packet as rtp

IDS = Extensions(mid=1, audio_level=2, abs_send_time=3, transport_cc=4)


def test_header_without_extension_is_twelve_bytes() -> None:
    assert rtp.header(96, True, 0xFFFF, 0xFFFFFFFF, 1).hex() == "80e0ffffffffffff00000001"


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 127), st.booleans(), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1),
    st.binary(max_size=40),
)  # fmt: skip
def test_round_trip(payload_type, marker, sequence, timestamp, ssrc, payload) -> None:
    data = rtp.header(payload_type, marker, sequence, timestamp, ssrc) + payload
    packet = rtp.parse(data)
    assert packet is not None
    assert (packet.payload_type, packet.marker, packet.sequence) == (payload_type, marker, sequence)
    assert (packet.timestamp, packet.ssrc, packet.payload) == (timestamp, ssrc, payload)
    assert packet.serialize() == data


@pytest.mark.parametrize("mid", ["0", "a-mid-of-over-sixteen-bytes"])
def test_extensions_in_both_forms(mid) -> None:
    block = rtp.extension_block([(1, mid.encode()), (2, b"\x85"), (3, b"\x01\x02\x03"), (4, b"\xab\xcd")])
    packet = rtp.parse(rtp.header(111, False, 7, 8, 9, block) + b"payload", IDS)
    assert packet is not None
    assert packet.payload == b"payload"
    assert (packet.mid, packet.audio_level, packet.is_voice) == (mid, 5, True)
    assert (packet.abs_send_time, packet.transport_sequence) == (0x010203, 0xABCD)


def test_extensions_that_were_not_negotiated_are_ignored() -> None:
    block = rtp.extension_block([(1, b"0"), (2, b"\x85")])
    packet = rtp.parse(rtp.header(111, False, 7, 8, 9, block) + b"x")
    assert packet is not None
    assert (packet.mid, packet.audio_level) == ("", rtp.NO_LEVEL)


def test_csrc_and_padding_are_taken_off() -> None:
    data = b"\xa2" + rtp.header(0, False, 1, 2, 3)[1:] + bytes(8) + b"voice" + b"\0\0\3"
    packet = rtp.parse(data)
    assert packet is not None
    assert packet.payload == b"voice"


@pytest.mark.parametrize("padding", [0, 6, 255])
def test_padding_out_of_range_is_refused(padding) -> None:
    assert rtp.parse(b"\xa0" + rtp.header(0, False, 1, 2, 3)[1:] + b"voic" + bytes([padding])) is None


def test_truncation_at_every_length() -> None:
    block = rtp.extension_block([(1, b"0"), (2, b"\x85")])
    data = rtp.header(111, False, 7, 8, 9, block) + b"payload"
    for size in range(12 + len(block)):
        assert rtp.parse(data[:size], IDS) is None
    for size in range(12 + len(block), len(data)):
        assert rtp.parse(data[:size], IDS).payload == data[12 + len(block) : size]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_safe(noise) -> None:
    for first in (b"", b"\x90\x60", b"\xbf\xe0"):
        rtp.parse(first + noise, IDS)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=64))
def test_broken_extension_blocks_keep_the_payload(block) -> None:
    block = block[: len(block) // 4 * 4]
    for profile in (0xBEDE, 0x1000, 0x1234):
        data = rtp.header(96, True, 1, 2, 3, struct.pack("!HH", profile, len(block) // 4) + block) + b"p"
        assert rtp.parse(data, IDS).payload == b"p"


def test_aiortc_reads_our_packets_and_we_read_its() -> None:
    extension_map = aiortc_rtp.HeaderExtensionsMap()
    extension_map._HeaderExtensionsMap__ids.mid = 1  # type: ignore[attr-defined]
    extension_map._HeaderExtensionsMap__ids.audio_level = 2  # type: ignore[attr-defined]
    extension_map._HeaderExtensionsMap__ids.abs_send_time = 3  # type: ignore[attr-defined]
    extension_map._HeaderExtensionsMap__ids.transport_sequence_number = 4  # type: ignore[attr-defined]
    block = rtp.extension_block([(1, b"v"), (2, b"\x85"), (3, b"\1\2\3"), (4, b"\xab\xcd")])
    theirs = aiortc_rtp.RtpPacket.parse(rtp.header(96, True, 5, 6, 7, block) + b"hello", extension_map)
    assert (theirs.payload_type, theirs.marker, theirs.sequence_number, theirs.payload) == (96, 1, 5, b"hello")
    assert theirs.extensions.mid == "v"
    assert theirs.extensions.transport_sequence_number == 0xABCD
    ours = rtp.parse(theirs.serialize(extension_map), IDS)
    assert (ours.mid, ours.audio_level, ours.abs_send_time, ours.payload) == ("v", 5, 0x010203, b"hello")


@pytest.mark.parametrize("element", [(0, b"x"), (256, b"x"), (1, bytes(256))])
def test_extension_block_refuses_what_does_not_fit(element) -> None:
    with pytest.raises(ValueError, match="out of range"):
        rtp.extension_block([element])


def test_padding_with_a_length_ends_the_extensions() -> None:
    """RFC 8285 4.2: and what was not negotiated (id 0) is not read."""
    data = b"\x90\x60\0\1" + bytes(8) + b"\xbe\xde\0\2" + b"\x03abcd\x10v\0"
    found = rtp.parse(data, Extensions(mid=1))
    assert found is not None
    assert (found.mid, found.audio_level, found.abs_send_time) == ("", rtp.NO_LEVEL, -1)
    found = rtp.parse(data[:16] + b"\x10v\x03abcd\0", Extensions(mid=1))
    assert found is not None
    assert found.mid == "v"


def test_a_very_long_block_of_extensions_is_not_read() -> None:
    words = 300
    data = b"\x90\x60\0\1" + bytes(8) + b"\xbe\xde" + words.to_bytes(2, "big") + b"\x10v" * (2 * words) + b"payload"
    found = rtp.parse(data, Extensions(mid=1))
    assert found is not None
    assert (found.mid, found.payload) == ("", b"payload")
