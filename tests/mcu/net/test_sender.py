"""A sending stream: numbers across renegotiation and wrap, pacing, repeats."""

from __future__ import annotations

import os
import sys
from typing import Any

from mcu.media import Codec, Extensions, Format, Kind, StreamSpec
from mcu.net.pacing import Pacer
from mcu.net.sender import Numbers, StreamSender
from mcu.rtp import packet as rtp_packet
from mcu.rtp.frames import unwrap_rtx
from mcu.rtp.history import PieceRing
from mcu.rtp.ntp import NtpClock
from mcu.rtp.packet import RtpPacket
from mcu.rtp.srtp_session import SrtpPair
from mcu.worker.channel import Frame
from tests.mcu.net.harness import H264, OPUS, PCMU, RTX

UNIT = b"\x00\x00\x00\x01\x65" + bytes(range(1, 251)) * 20


def sender(kind: Kind = Kind.VIDEO, first_sequence: int = 100, **changes: Any) -> StreamSender:
    fields: dict[str, Any] = {"mid": "1", "kind": kind, "send": H264 if kind is Kind.VIDEO else PCMU}
    numbers = Numbers(0xAAAA, 0xBBBB, first_sequence, 7000, 5)
    return StreamSender(StreamSpec(**(fields | changes)), numbers, NtpClock(0), Pacer(50_000_000, 5))


def drain(stream: StreamSender, now_us: int = 0) -> list[RtpPacket]:
    found = []
    while stream.has_queue:
        found += [rtp_packet.parse(data) for data in stream.take(now_us)[1]]
        now_us += 5000
    return [packet for packet in found if packet is not None]


def test_pieces_get_continuous_numbers_one_timestamp_and_the_marker_last() -> None:
    stream, ring = sender(), PieceRing(Codec.H264)
    stream.put(ring.add(UNIT, 90_000, 0, True))
    packets = drain(stream)
    assert len(packets) > 3
    assert [packet.sequence for packet in packets] == list(range(100, 100 + len(packets)))
    assert {packet.timestamp for packet in packets} == {7000}
    assert [packet.marker for packet in packets] == [False] * (len(packets) - 1) + [True]
    stream.put(ring.add(UNIT, 93_600, 40_000, False))
    later = drain(stream)
    assert later[0].sequence == 100 + len(packets)
    assert later[0].timestamp == 10_600
    assert stream.statistics is not None
    assert stream.statistics.packets == len(packets) + len(later)
    assert stream.queue_bytes == 0


def test_a_closed_stream_holds_no_pictures() -> None:
    stream, ring = sender(), PieceRing(Codec.H264)
    stream.put(ring.add(UNIT, 0, 0, True))
    drain(stream)
    frame = ring.add(UNIT, 3_600, 40_000, False)
    stream.put(frame)
    stream.take(0)
    held = sys.getrefcount(frame)
    stream.close()
    assert sys.getrefcount(frame) < held
    assert sys.getrefcount(frame) == 3, "the ring, this test, and the argument"
    assert (stream.queue_bytes, stream.has_queue) == (0, False)


def test_take_gives_a_burst_at_a_time() -> None:
    stream, ring = sender(), PieceRing(Codec.H264)
    stream.pacer = Pacer(4_000_000, 5)
    stream.put(ring.add(UNIT * 8, 0, 0, True))
    assert sum(len(data) for data in stream.take(10_000)[1]) <= 2500 + 1300
    assert not stream.take(10_000)[1]
    assert stream.take(15_000)[1]


def test_another_codec_and_back_goes_on_numbering() -> None:
    stream = sender(Kind.AUDIO)
    first = rtp_packet.parse(stream.audio_packet(Frame(1, Codec.PCMU, b"a", rtp_timestamp=0)) or b"")
    stream.configure(StreamSpec("1", Kind.AUDIO, send=OPUS))
    second = rtp_packet.parse(stream.audio_packet(Frame(1, Codec.OPUS, b"b", rtp_timestamp=960)) or b"")
    third = rtp_packet.parse(stream.audio_packet(Frame(1, Codec.OPUS, b"c", rtp_timestamp=1920)) or b"")
    assert first is not None
    assert second is not None
    assert third is not None
    assert [packet.sequence for packet in (first, second, third)] == [100, 101, 102]
    assert third.timestamp - second.timestamp == 960  # 48 kHz now
    assert [packet.payload_type for packet in (first, second)] == [0, 111]
    assert stream.audio_packet(Frame(1, Codec.PCMU, b"a", rtp_timestamp=2880)) is None


def test_mid_travels_in_each_header() -> None:
    stream = sender(Kind.AUDIO, extensions=Extensions(mid=3))
    data = stream.audio_packet(Frame(1, Codec.PCMU, b"a"))
    assert data is not None
    packet = rtp_packet.parse(data, Extensions(mid=3))
    assert packet is not None
    assert packet.mid == "1"


def test_time_of_sending_travels_with_pictures() -> None:
    extensions = Extensions(mid=3, abs_send_time=4)
    stream, ring = sender(extensions=extensions), PieceRing(Codec.H264)
    stream.put(ring.add(UNIT, 0, 0, True))
    _, (data, *_) = stream.take(1_500_000)
    packet = rtp_packet.parse(data, extensions)
    assert packet is not None
    assert (packet.mid, packet.abs_send_time) == ("1", 3 << 17)


def test_rtx_repeats_under_its_own_numbers() -> None:
    stream, ring = sender(send_rtx=RTX, has_nack=True), PieceRing(Codec.H264)
    stream.put(ring.add(UNIT, 0, 0, True))
    packets = drain(stream)
    lost = packets[1]
    (data,) = stream.repeat((lost.sequence, 9999), 1_000_000)
    repeat = rtp_packet.parse(data)
    assert repeat is not None
    assert (repeat.ssrc, repeat.payload_type, repeat.sequence, repeat.timestamp) == (0xBBBB, 98, 5, lost.timestamp)
    assert unwrap_rtx(repeat.payload) == (lost.sequence, lost.payload)
    assert stream.repeat((lost.sequence,), 1_000_001) == []  # once a round trip
    (again,) = stream.repeat((lost.sequence,), 2_000_000)
    assert int.from_bytes(again[2:4], "big") == 6


def test_a_leg_that_joins_near_a_wrap_and_loses_the_first_packets_authenticates_the_rest() -> None:
    """The server's numbers begin in the lower half, so that losing the first ones cannot hide a wrap."""
    ours, theirs = os.urandom(28), os.urandom(28)
    near, far = SrtpPair("AEAD_AES_128_GCM", ours, theirs), SrtpPair("AEAD_AES_128_GCM", theirs, ours)
    stream, ring = sender(first_sequence=0x7FFF), PieceRing(Codec.H264)
    sequences, failed = [], 0
    for n in range(40):
        if n == 20:  # the peer has heard the lower half; what follows may be anywhere within 2^15 of it
            assert stream._map is not None
            stream._map.next_sequence = 65_500
        stream.put(ring.add(UNIT, 3600 * n, 40_000 * n, n == 0))
        for packet in drain(stream, 40_000 * n):
            protected = near.protect(packet.serialize())
            assert protected is not None
            if n > 10:
                sequences.append(packet.sequence)
                failed += far.unprotect(protected) is None
    assert failed == 0
    assert sequences[0] > 0x7FFF
    assert min(sequences) == 0  # it did wrap


def test_a_leg_without_rtx_repeats_the_stored_bytes() -> None:
    stream = sender(has_nack=True)
    assert stream.stores_sent
    stream.sent.store(5, b"protected")
    assert stream.repeat_protected((5, 6), 0) == [b"protected"]
    assert not sender(has_nack=True, send_rtx=RTX).stores_sent


def test_too_long_a_queue_is_refused() -> None:
    stream, ring = sender(), PieceRing(Codec.H264)
    frame = ring.add(UNIT * 200, 0, 0, True)
    results = [stream.put(frame) for _ in range(30)]
    assert results[0]
    assert not results[-1]


def test_suspended_stream_keeps_its_numbers() -> None:
    stream, ring = sender(), PieceRing(Codec.H264)
    stream.put(ring.add(UNIT, 0, 0, True))
    before = drain(stream)
    stream.put(ring.add(UNIT, 3600, 0, False))
    stream.configure(StreamSpec("1", Kind.VIDEO))
    assert not stream.has_queue
    assert stream.take(10_000_000)[1] == []
    stream.configure(StreamSpec("1", Kind.VIDEO, send=Format(Codec.H264, 99, 90000)))
    stream.put(ring.add(UNIT, 7200, 0, False))
    after = drain(stream, 20_000_000)
    assert after[0].sequence > before[-1].sequence
    assert after[0].payload_type == 99
