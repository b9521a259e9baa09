"""A receiving stream: formats, SSRC changes, repeats, digits, the gate, bounds."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import Codec, Format, Kind, StreamSpec
from mcu.net.receiver import StreamReceiver
from mcu.rtp import packet as rtp_packet
from mcu.rtp.capture import LegClock, LipSync
from mcu.rtp.packet import RtpPacket
from mcu.worker.channel import Frame
from tests.mcu.net.harness import DTMF, H264, OPUS, PCMU, RTX

SPS, PPS = b"\x67\x42\xe0\x1f\xda\x01\x40\x16\xe9", b"\x68\xce\x3c\x80"
IDR, DELTA = b"\x65" + bytes(range(1, 200)), b"\x41" + bytes(range(1, 100))
MS = 1000


def receiver(kind: Kind = Kind.AUDIO, *, is_open: bool = True, **changes: Any) -> StreamReceiver:
    fields: dict[str, Any] = {"receive": (PCMU, OPUS, DTMF) if kind is Kind.AUDIO else (H264, RTX), "has_nack": True}
    spec = StreamSpec("0", kind, **(fields | changes))
    made = StreamReceiver(3, spec, LegClock(), LipSync(), max_ssrcs=4, counters=Counter())
    made.is_open = is_open
    return made


def picture(stream: StreamReceiver, sequence: int, now_us: int, *, key: bool = True, ssrc: int = 1) -> list[Frame]:
    units = (SPS, PPS, IDR) if key else (DELTA,)
    found: list[Frame] = []
    for offset, unit in enumerate(units):
        packet = RtpPacket(97, offset == len(units) - 1, sequence + offset, sequence * 1000, ssrc, unit)
        stream.receive(packet, now_us)
        found += stream.frames(now_us)
    return found


def sound(sequence: int, *, ssrc: int = 1, payload_type: int = 0) -> RtpPacket:
    return RtpPacket(payload_type, False, sequence, sequence * 160, ssrc, b"a" * 160)


def test_sound_comes_out_as_it_came_in() -> None:
    stream = receiver()
    packet = sound(7)
    packet.audio_level = 33
    frame, digit = stream.receive(packet, 5_000)
    assert digit is None
    assert frame == Frame(12, Codec.PCMU, b"a" * 160, 7 * 160, 7, capture_us=5_000, level=33, arrival_us=5_000)


def test_a_microphone_that_is_off_is_silent_and_takes_no_time_of_the_mixer() -> None:
    stream, off = receiver(), b"\xf8\xff\xfe"
    numbers: dict[int, int] = {}
    for number in range(300):
        packet = RtpPacket(OPUS.payload_type, False, number, number * 960, 1, bytes(80) if number < 50 else off)
        frame, _ = stream.receive(packet, number * 20 * MS)
        if frame is not None:
            numbers[number] = frame.level
    # For 2 s after the last word, then once every 2 s.
    assert numbers == dict.fromkeys(range(50), 255) | dict.fromkeys(range(50, 150), 127) | {249: 127}
    told = RtpPacket(OPUS.payload_type, False, 300, 300 * 960, 1, off)
    told.audio_level = 20
    assert stream.receive(told, 6_000 * MS)[0] is not None, "who tells a level is believed"
    assert stream.receive(RtpPacket(0, False, 301, 301 * 960, 1, off), 10_000 * MS)[0] is not None, "G.711 is measured"


def test_pictures_come_out_whole_and_a_hole_is_asked_for() -> None:
    stream = receiver(Kind.VIDEO)
    (first,) = picture(stream, 10, 1_000_000)
    assert first.is_keyframe
    assert first.stream == 13
    assert picture(stream, 14, 1_040_000, key=False) == []  # 13 is missing
    assert stream.source is not None
    assert stream.source.missing(1_060_000, 0) == [13]
    stream.receive(RtpPacket(98, True, 900, 13_000, 77, (13).to_bytes(2, "big") + DELTA), 1_080_000)
    assert [frame.payload[4:] for frame in stream.frames(1_080_000)] == [DELTA, DELTA]
    assert stream.source.reception.repaired_packets == 1
    stream.receive(RtpPacket(98, True, 901, 13_000, 77, (13).to_bytes(2, "big") + DELTA), 1_090_000)  # a probe
    assert stream.source.reception.repaired_packets == 1


def test_loss_wants_a_keyframe_and_a_keyframe_ends_the_wish() -> None:
    stream = receiver(Kind.VIDEO)
    picture(stream, 10, 1_000_000)
    source = stream.source
    assert source is not None
    assert not source.keyframes.due(1_000_000)
    picture(stream, 20, 1_040_000, key=False)
    source.handle_timeout(3_000_000)
    assert not list(stream.frames(3_000_000))
    assert source.keyframes.due(3_000_000)
    picture(stream, 21, 3_100_000)
    assert not source.keyframes.due(9_000_000)


def test_new_sender_is_asked_for_a_keyframe_at_once() -> None:
    stream = receiver(Kind.VIDEO)
    picture(stream, 10, 1_000_000, key=False)
    assert stream.source is not None
    assert stream.source.keyframes.due(1_000_000)


def test_new_ssrc_takes_over_and_the_old_one_may_not_interrupt() -> None:
    stream = receiver()
    stream.receive(sound(1), 0)
    assert stream.receive(sound(500, ssrc=2), 20 * MS)[0] is not None
    assert stream.receive(sound(2, ssrc=1), 40 * MS)[0] is None
    assert stream._counters["rtp-old-ssrc"] == 1
    assert stream.source_of(2) is not None
    assert stream.source_of(1) is None
    assert stream.receive(sound(3, ssrc=1), 3_000 * MS)[0] is not None


def test_ssrcs_are_bounded() -> None:
    stream = receiver()
    for ssrc in range(1000):
        stream.receive(sound(1, ssrc=ssrc), ssrc * MS)
    assert len(stream._left) == 4
    assert stream._counters["ssrc-changes"] == 999


def test_codec_change_with_another_clock_starts_a_new_source() -> None:
    stream = receiver()
    stream.receive(sound(1), 0)
    frame, _ = stream.receive(sound(2, payload_type=111), 20 * MS)
    assert frame is not None
    assert frame.codec is Codec.OPUS
    assert stream.source is not None
    assert stream.source.clock_rate_hz == 48000


def test_gate_lets_digits_pass_only() -> None:
    stream = receiver(is_open=False)
    assert stream.receive(sound(1), 0) == (None, None)
    assert stream.source is None
    assert stream.receive(RtpPacket(101, True, 2, 5, 1, b"\x03\x0a\x00\xa0"), 0) == (None, "3")
    assert stream.receive(RtpPacket(101, True, 3, 5, 1, b"\x03\x8a\x03\x20"), 0) == (None, None)  # the same event
    stream.open(0)
    assert stream.receive(sound(4), 0)[0] is not None


def test_digits_are_no_holes_in_the_sound() -> None:
    stream = receiver()
    for sequence in (1, 2, 6, 7):
        stream.receive(sound(sequence), sequence * 20 * MS)
    assert stream.source is not None
    assert stream.source.reception.lost_packets == 3
    jitter_ms = stream.source.reception.jitter_ms
    for sequence in (3, 4, 5):  # three packets of one event, which began with the first (RFC 4733 2.5.1.2)
        event = RtpPacket(DTMF.payload_type, sequence == 3, sequence, 3 * 160, 1, b"\x05\x0a\x00\xa0")
        stream.receive(event, sequence * 20 * MS)
    assert stream.source.reception.lost_packets == 0
    assert stream.source.reception.jitter_ms == jitter_ms


def test_unknown_payload_type_is_counted() -> None:
    stream = receiver()
    assert stream.receive(sound(1, payload_type=13), 0) == (None, None)
    assert stream._counters["rtp-unknown-type"] == 1


def test_rtx_before_any_picture_and_of_unknown_format_is_counted() -> None:
    stream = receiver(Kind.VIDEO, receive=(H264, Format(Codec.RTX, 98, 90000, apt=55)))
    stream.receive(RtpPacket(98, True, 1, 1, 1, b"\x00\x01abc"), 0)
    stream.receive(RtpPacket(98, True, 1, 1, 1, b""), 0)
    assert stream._counters["rtx-unusable"] == 2


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.binary(max_size=60), st.sampled_from([0, 97, 98, 101, 111]), st.integers(0, 3)), max_size=30)
)
def test_nothing_that_a_peer_sends_raises(packets: list[tuple[bytes, int, int]]) -> None:
    audio, video = receiver(), receiver(Kind.VIDEO)
    for sequence, (payload, payload_type, ssrc) in enumerate(packets):
        data = RtpPacket(payload_type, True, sequence, sequence, ssrc, payload).serialize()
        packet = rtp_packet.parse(data)
        assert packet is not None
        for stream in (audio, video):
            stream.receive(packet, sequence * MS)
            list(stream.frames(sequence * MS))
