"""A peer that means ill, against one whole leg on a virtual clock: what it can bring about is bounded."""

from __future__ import annotations

import struct
from collections import Counter

from mcu.media import Codec, Kind
from mcu.net.leg import Leg
from mcu.net.ration import Ration
from mcu.rtp import rtcp
from mcu.rtp.history import PieceRing
from mcu.rtp.packet import header
from mcu.rtp.rate_limits import MAX_BPS, RateLimit, RateLimitRequest
from mcu.worker.channel import Frame
from mcu.worker.messages import Dtmf, Message, PeerLimit
from tests.fuzz.targets.streams import PEER, Far, leg

MS = 1000
BEGAN_US = 1_000_000
PICTURE = b"\0\0\0\1\x65" + bytes(range(1, 251)) * 40


class Ear(Far):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self.frames: list[Frame] = []
        self.keyframes = 0

    def tell(self, message: Message) -> None:
        super().tell(message)
        self.messages.append(message)

    def source_frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def peer_wants_keyframe(self, leg: int, kind: Kind) -> None:
        self.keyframes += 1


def receive(made: Leg, kind: Kind, data: bytes, now_us: int = BEGAN_US) -> None:
    made.components[kind][0].receive(data, PEER, now_us)


def own_ssrc(made: Leg) -> int:
    return made._numbers[Kind.VIDEO].ssrc


def limit(made: Leg, exponent_and_mantissa: int) -> bytes:
    return b"\x83\xcd\0\4" + struct.pack("!IIII", 5, 0, own_ssrc(made), exponent_and_mantissa)


def test_one_number_for_sound_and_picture_on_ports_of_their_own() -> None:
    ear = Ear()
    made = leg(ear)
    for sequence in (1, 2):
        receive(made, Kind.AUDIO, header(0, False, sequence, 160 * sequence, 77) + bytes(160))
        receive(made, Kind.VIDEO, header(96, True, sequence, 3000 * sequence, 77) + _VP8_KEYFRAME)
    assert Counter(frame.codec for frame in ear.frames) == {Codec.PCMU: 2, Codec.VP8: 2}


def test_digits_come_as_fast_as_anybody_keys_them_in_and_no_faster() -> None:
    ear = Ear()
    made = leg(ear)
    for number in range(1000):
        event = header(101, True, number, number * 160, 5) + bytes((number % 10, 10, 0, 160))
        receive(made, Kind.AUDIO, event, BEGAN_US + number * MS)
    told = sum(isinstance(message, Dtmf) for message in ear.messages)
    assert 45 <= told <= 100
    assert made._counters["digits-too-fast"] == 1000 - told


def test_limits_that_change_with_every_packet_are_told_and_confirmed_a_few_times_a_second() -> None:
    ear = Ear()
    made = leg(ear)
    for step in range(1000):
        receive(made, Kind.VIDEO, limit(made, 3 << 26 | (1000 + step) << 9), BEGAN_US + step * MS)
        if step % 10 == 9:
            made.handle_timeout(BEGAN_US + step * MS)
    limits = [message.bitrate_bps for message in ear.messages if isinstance(message, PeerLimit)]
    assert 5 <= len(limits) <= 11
    made.handle_timeout(BEGAN_US + 2_000_000)
    last = [message for message in ear.messages if isinstance(message, PeerLimit)][-1]
    assert last.bitrate_bps == RateLimit(0, 1999 << 3, 0).payload_bps, "the last word counts"


def test_limits_and_estimates_of_nothing_and_of_everything_can_be_told_to_control() -> None:
    ear = Ear()
    made = leg(ear)
    for number, word in enumerate((0, 0xFFFF_FFFF, 63 << 26, 0x1FFFF << 9)):
        receive(made, Kind.VIDEO, limit(made, word), BEGAN_US + number * 1_000_000)
        made.handle_timeout(BEGAN_US + number * 1_000_000)
    limits = [message.bitrate_bps for message in ear.messages if isinstance(message, PeerLimit)]
    assert min(limits) >= 1
    assert max(limits) <= MAX_BPS
    for word in (0, 0xFFFFFF):
        remb = b"\x8f\xce\0\5" + struct.pack("!II", 1, 0) + b"REMB\1" + word.to_bytes(3, "big") + bytes(4)
        receive(made, Kind.VIDEO, remb)
        assert made.estimate_bps <= MAX_BPS
    request = rtcp.parse_compound(RateLimitRequest(1, (RateLimit(2, 1 << 79, 0),)).serialize())[0][0]
    assert request == RateLimitRequest(1, (RateLimit(2, MAX_BPS, 0),))


def test_asking_for_everything_again_and_again_gives_no_more_than_a_bounded_rate() -> None:
    ear, ring = Ear(), PieceRing(Codec.H264)
    made = leg(ear)
    now_us = BEGAN_US
    for number in range(30):
        picture = ring.add(PICTURE, number * 3600, now_us, number == 0)
        made.outbound.put_rendition(Frame(1, Codec.H264, b""), picture, 8_000_000, now_us)
        for _ in range(8):
            now_us += 5 * MS
            made.outbound.pump(now_us)
    before = ear.sent
    first = made._numbers[Kind.VIDEO].first_sequence
    everything = rtcp.GenericNack(1, own_ssrc(made), tuple((first + n) & 0xFFFF for n in range(400))).serialize()
    never_sent = rtcp.GenericNack(
        1, own_ssrc(made), tuple((first + 20_000 + n) & 0xFFFF for n in range(400))
    ).serialize()
    for step in range(2000):
        receive(made, Kind.VIDEO, everything if step % 2 else never_sent, now_us + step * MS)
    assert 0 < made._counters["rtx-sent"] <= 200 + 2 * 500
    assert ear.sent - before <= 200 + 2 * 500


def test_packets_that_were_never_sent_are_not_repeated() -> None:
    ear = Ear()
    made = leg(ear)
    receive(made, Kind.VIDEO, rtcp.GenericNack(1, own_ssrc(made), tuple(range(600))).serialize())
    assert (ear.sent, made._counters["rtx-sent"]) == (0, 0)


def test_a_datagram_of_feedback_is_read_up_to_a_bound() -> None:
    thousands = b"\x8f\xcd\0\5" + bytes(8) + b"\0\0\7\xd0\0\0\0\0\x1f\xff\0\0"
    found, malformed = rtcp.parse_compound(thousands * 60)
    assert len(found) <= 2
    assert len(found) + malformed == 60
    nack = rtcp.GenericNack(1, 2, tuple(range(17 * 60))).serialize()
    assert [len(each.lost) for each in rtcp.parse_compound(nack * 20)[0]] == [1020, 1020]
    assert len(rtcp.parse_compound(rtcp.GenericNack(1, 2, (5,)).serialize() * 20)[0]) == rtcp.MAX_FEEDBACKS


def test_a_new_number_with_every_packet_asks_for_no_more_keyframes() -> None:
    ear = Ear()
    made = leg(ear)
    source = made.receivers[Kind.VIDEO]
    asked = 0
    for number in range(1, 300):
        receive(made, Kind.VIDEO, header(96, True, 1, 3000, 1000 + number) + _VP8_KEYFRAME, BEGAN_US + number * 10 * MS)
        assert source.source is not None
        source.want_keyframe(BEGAN_US + number * 10 * MS)
        asked += source.source.keyframes.due(BEGAN_US + number * 10 * MS)
    assert 5 <= asked <= 11


def test_ration() -> None:
    ration = Ration(2)
    assert [ration.take(now_us) for now_us in (0, 1, 2, 999_999, 1_000_000)] == [True, True, False, False, True]


_VP8_KEYFRAME = b"\x10" + b"\x10\0\0\x9d\1\x2a\x40\1\xb4\0" + bytes(30)
