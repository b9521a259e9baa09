"""From packets in any order to frames in order: loss, repair, skipping, bounds."""

import random
import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import Codec
from mcu.rtp import frames, h264, vp8
from mcu.rtp.frames import FrameAssembler, unwrap_rtx
from tests.mcu.rtp.media_samples import decoded, encoded

CODECS = {"libx264": (Codec.H264, h264.cut), "libvpx": (Codec.VP8, vp8.cut)}


def packets_of(codec, first=70_000, max_bytes=300, count=40):
    """(sequence, timestamp, marker, payload, time) of each packet; 40 ms a frame, 10 us a packet."""
    sequence = first
    for index, frame in enumerate(encoded(codec, count)):
        for offset, piece in enumerate(CODECS[codec][1](frame, max_bytes)):
            yield (
                sequence,
                (index * 3600 - 7200) & 0xFFFFFFFF,
                piece.marker,
                piece.payload,
                index * 40_000 + 10 * offset,
            )
            sequence += 1


@cache
def sent(codec):
    """Checksums of the pictures that packets_of() carries."""
    return decoded(codec, encoded(codec))


def drain(assembler):
    out = []
    while (frame := assembler.next_frame()) is not None:
        out.append(frame)
    return out


@pytest.mark.parametrize("codec", CODECS)
def test_frames_come_out_whole_and_at_once(codec) -> None:
    assembler = FrameAssembler(CODECS[codec][0])
    out = []
    for packet in packets_of(codec):
        assembler.receive(*packet)
        got = drain(assembler)
        assert len(got) == packet[2]
        out += got
    assert decoded(codec, [frame.payload for frame in out]) == sent(codec)
    assert [frame.is_keyframe for frame in out].count(True) == assembler.keyframes == 2
    assert out[3].rtp_timestamp == 3600
    assert (out[3].first_arrival_us, out[3].width) == (120_000, 0)
    assert not assembler.keyframe_needed
    assert assembler.missing(10**9) == []


@pytest.mark.parametrize("codec", CODECS)
def test_reordering_within_the_wait_changes_nothing(codec) -> None:
    rng = random.Random(3)
    packets = list(packets_of(codec))
    order = sorted(packets, key=lambda packet: packet[4] + rng.randrange(50_000))
    assembler = FrameAssembler(CODECS[codec][0])
    out = []
    for packet in order:
        assembler.receive(*packet)
        out += drain(assembler)
    assert decoded(codec, [frame.payload for frame in out]) == sent(codec)


@pytest.mark.parametrize("codec", CODECS)
def test_without_marker_bits_the_next_timestamp_ends_a_frame(codec) -> None:
    assembler = FrameAssembler(CODECS[codec][0])
    out = []
    for sequence, timestamp, _, payload, now in packets_of(codec):
        assembler.receive(sequence, timestamp, False, payload, now)
        out += drain(assembler)
    assert len(out) == 39


def test_padding_packets_are_part_of_no_frame() -> None:
    assembler = FrameAssembler(Codec.VP8)
    out, shift = [], 0
    for sequence, timestamp, marker, payload, now in packets_of("libvpx"):
        assembler.receive(sequence + shift, timestamp, marker, payload, now)
        if sequence % 3 == 0:
            shift += 1
            assembler.receive(sequence + shift, timestamp, False, b"", now)
        out += drain(assembler)
    assert decoded("libvpx", [frame.payload for frame in out]) == sent("libvpx")


@pytest.mark.parametrize("codec", CODECS)
def test_a_lost_packet_costs_the_pictures_up_to_the_next_keyframe(codec) -> None:
    packets = list(packets_of(codec))
    lost = next(packet for packet in packets if packet[4] == 5 * 40_000)
    assembler = FrameAssembler(CODECS[codec][0])
    assembler.round_trip_us = 20_000
    out = []
    for packet in packets:
        assembler.handle_timeout(packet[4])
        if packet is not lost:
            assembler.receive(*packet)
        out += drain(assembler)
        if packet[4] == 8 * 40_000:
            assert assembler.keyframe_needed
    assert [frame.rtp_timestamp // 3600 for frame in out] == [
        (n * 3600 - 7200) % 2**32 // 3600 for n in (*range(5), *range(20, 40))
    ]
    assert out[5].is_keyframe
    assert assembler.packets_lost == 1
    expected = sent(codec)
    assert decoded(codec, [frame.payload for frame in out]) == expected[:5] + expected[20:]


def test_a_hole_is_asked_for_and_repair_in_time_loses_nothing() -> None:
    packets = list(packets_of("libvpx"))
    lost = packets[20]
    assembler = FrameAssembler(Codec.VP8)
    out, asked = [], []
    for packet in packets:
        now = packet[4]
        asked += assembler.missing(now)
        if asked and lost is not None:
            assembler.receive(*lost[:4], now)
            lost = None
        if packet is not packets[20]:
            assembler.receive(*packet)
        assembler.handle_timeout(now)
        out += drain(assembler)
    assert asked == [packets[20][0] & 0xFFFF]
    assert (len(out), assembler.packets_lost) == (40, 0)


@pytest.mark.parametrize(("round_trip_us", "has_nack", "wait_us"), [
    (1_000, True, 60_000), (50_000, True, 225_000), (200_000, True, 400_000), (500_000, True, 700_000),
    (900_000, True, 1_000_000), (500_000, False, 30_000),
])  # fmt: skip
def test_the_wait_follows_the_round_trip_and_is_bounded(round_trip_us, has_nack, wait_us) -> None:
    assembler = FrameAssembler(Codec.VP8, has_nack)
    assembler.round_trip_us = round_trip_us
    one, _, three, *_ = packets_of("libvpx")
    assembler.receive(*one[:4], 0)
    assembler.receive(*three[:4], 1_000)
    assembler.handle_timeout(999 + wait_us)
    assert assembler.packets_lost == 0
    assembler.handle_timeout(1_000 + wait_us)
    assert assembler.packets_lost == 1
    assert assembler.missing(2_000_000) == []


def test_several_holes_are_waited_for_side_by_side() -> None:
    assembler = FrameAssembler(Codec.VP8)
    packets = list(packets_of("libvpx"))
    for packet in packets[:200:2]:
        assembler.receive(*packet[:4], 1_000)
    assembler.handle_timeout(1_000 + frames.MAX_WAIT_US)
    assert assembler.next_timeout() is None or assembler._deadline_us() is None
    assert assembler.packets_lost == 99


def test_encoders_without_keyframes_are_shown_after_a_while() -> None:
    packets = list(packets_of("libvpx", count=130))
    assembler = FrameAssembler(Codec.VP8)
    keyframes = {n for n, frame in enumerate(encoded("libvpx", 130)) if vp8.is_keyframe(frame) and n}
    out = []
    for packet in packets:
        index = packet[4] // 40_000
        assembler.handle_timeout(packet[4])
        if index != 5 and index not in keyframes:
            assembler.receive(*packet)
        out += drain(assembler)
    assert max(frame.first_arrival_us for frame in out[:5]) == 160_000
    assert out[5].first_arrival_us > 160_000 + frames.RESUME_US
    assert len(out) > 12
    assert assembler.keyframe_needed


def test_h261_that_is_refreshed_bit_by_bit_is_shown_after_a_while() -> None:
    """No picture tells that it is intra, and some terminals answer no request for one."""
    assembler = FrameAssembler(Codec.H261, has_nack=False)
    payload = bytes(4) + b"\x00\x01\x00\x06" + bytes(range(1, 100))
    out = []
    for number in range(120):
        assembler.receive(number, 3600 * number, True, payload, 40_000 * number)
        out += drain(assembler)
    assert out[0].first_arrival_us == frames.RESUME_US
    assert len(out) == 120 - frames.RESUME_US // 40_000
    assert assembler.keyframe_needed, "it is asked for one still"


def test_the_first_packets_may_come_in_the_wrong_order() -> None:
    packets = list(packets_of("libx264"))
    assembler = FrameAssembler(Codec.H264)
    for packet in (packets[2], packets[1], packets[0], *packets[3:]):
        assembler.receive(*packet)
    assert len(drain(assembler)) == 40


def test_late_and_repeated_packets_are_counted() -> None:
    packets = list(packets_of("libvpx"))
    assembler = FrameAssembler(Codec.VP8)
    for packet in packets[:100]:
        assembler.receive(*packet)
    assembler.receive(*packets[99])
    assembler.receive(*packets[0])
    assert assembler.dropped["late"] + assembler.dropped["repeated"] == 2


def test_memory_is_bounded_by_packets_and_bytes() -> None:
    assembler = FrameAssembler(Codec.H264)
    for sequence in range(100_000, 200_000, 2):
        assembler.receive(sequence, 0, False, b"\x41x", sequence)
        assert len(assembler._packets) <= frames.MAX_PACKETS
    assert assembler.dropped["overflow"] > 40_000
    assert len(assembler.missing(10**9)) <= 128
    assembler = FrameAssembler(Codec.H264)
    for sequence in range(100_000, 105_000):
        assembler.receive(sequence, 0, False, bytes([0x41]) * 1400, 0)
        assert assembler._bytes <= frames.MAX_BYTES
    assert assembler.keyframe_needed


def test_a_jump_is_not_waited_for() -> None:
    assembler = FrameAssembler(Codec.VP8)
    packets = list(packets_of("libvpx"))
    for packet in packets:
        assembler.receive(*packet)
    drain(assembler)
    for sequence, *rest in packets_of("libvpx", first=packets[-1][0] + 2000):
        assembler.receive(sequence, *rest)
    assert len(drain(assembler)) == 40
    assert assembler.packets_lost == 1999
    assert assembler.next_timeout() is None


@pytest.mark.exhaustive
@pytest.mark.parametrize("step", [2, 3, 250])
def test_a_sender_of_holes_costs_little(step) -> None:
    assembler = FrameAssembler(Codec.H264)
    for index in range(4000):
        assembler.receive(70_000 + index * step, index, True, b"\x41\x9a", index)
    started = time.process_time()
    assembler.handle_timeout(10**9)
    assert time.process_time() - started < 0.5  # some 3 us a packet; seconds where each hole looks at all packets
    assert assembler.next_timeout() is None


def test_frames_that_nobody_fetches_are_bounded() -> None:
    assembler = FrameAssembler(Codec.VP8)
    for packet in packets_of("libvpx", count=130):
        assembler.receive(*packet)
    assert len(drain(assembler)) <= frames.MAX_READY
    assert assembler.dropped["not-fetched"] >= frames.MAX_READY


def test_reset_forgets_everything() -> None:
    assembler = FrameAssembler(Codec.VP8)
    for packet in packets_of("libvpx"):
        assembler.receive(*packet)
    assembler.reset()
    assert (assembler.keyframe_needed, assembler.next_frame(), assembler.next_timeout()) == (True, None, None)
    for packet in packets_of("libvpx", first=65_600):
        assembler.receive(*packet)
    assert len(drain(assembler)) == 40


@pytest.mark.exhaustive
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(CODECS)), st.sampled_from([0.002, 0.02, 0.1, 0.3]))
def test_whatever_is_lost_what_comes_out_decodes_as_sent(seed, codec, loss) -> None:
    rng = random.Random(seed)
    assembler = FrameAssembler(CODECS[codec][0])
    out = []
    for packet in sorted(packets_of(codec), key=lambda p: p[4] + rng.randrange(30_000)):
        assembler.handle_timeout(packet[4])
        if rng.random() >= loss:
            assembler.receive(*packet)
        out += drain(assembler)
    assembler.handle_timeout(10**8)
    out += drain(assembler)
    pictures = {(n * 3600 - 7200) & 0xFFFFFFFF: checksum for n, checksum in enumerate(sent(codec))}
    got = decoded(codec, [frame.payload for frame in out])
    assert got == [pictures[frame.rtp_timestamp] for frame in out]
    assert all(frame.rtp_timestamp in pictures for frame in out)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.booleans(), st.binary(max_size=12))))
def test_any_packets_are_safe(packets) -> None:
    for codec in (Codec.H264, Codec.VP8):
        assembler = FrameAssembler(codec)
        for now, (sequence, timestamp, marker, payload) in enumerate(packets):
            assembler.receive(70_000 + sequence, timestamp, marker, payload, now * 10_000)
            assembler.handle_timeout(now * 10_000)
            assembler.missing(now * 10_000)
            drain(assembler)
        assembler.handle_timeout(10**9)
        assert assembler._deadline_us() is None
        assert assembler._bytes == sum(len(packet.payload) for packet in assembler._packets.values())


def test_rtx_payloads() -> None:
    assert unwrap_rtx(b"\x12\x34media") == (0x1234, b"media")
    for size in range(3):
        assert unwrap_rtx(bytes(size)) is None


def test_packets_before_the_first_one_when_there_is_no_room_left() -> None:
    assembler = FrameAssembler(Codec.VP8)
    for index in range(frames.MAX_PACKETS):
        assembler.receive(70_000 + index, 0, False, b"\x90x", index)
    started = time.process_time()
    for number in range(69_999, 69_900, -1):
        assembler.receive(number, 0, False, b"\x90x", 0)
    assert time.process_time() - started < 0.5
    assert assembler.dropped["overflow"] + assembler.dropped["late"] == 99
    assert len(assembler._packets) == frames.MAX_PACKETS


def test_the_start_moves_back_only_so_far() -> None:
    assembler = FrameAssembler(Codec.VP8)
    for number in range(70_000, 69_800, -1):
        assembler.receive(number, 0, False, b"\x90x", 0)
    assert assembler.dropped["late"] == 200 - 1 - 64


@pytest.mark.exhaustive
def test_a_few_packets_far_apart_are_given_up_at_no_cost() -> None:
    assembler = FrameAssembler(Codec.VP8)
    for index in range(4000):
        assembler.receive(70_000 + 256 * index, 0, False, b"\x80x", index)  # none begins or ends a picture
    started = time.process_time()
    assembler.handle_timeout(10**9)
    assert time.process_time() - started < 0.2
    assert not assembler._packets
