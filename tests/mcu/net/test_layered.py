"""A picture in several sizes: which of its packets become frames, which are repaired, what is asked for and told."""

from __future__ import annotations

import struct
from collections import Counter

import pytest

from mcu.media import Codec, Extensions, Format, Kind, StreamSpec
from mcu.net import reports
from mcu.net.layered import LayeredReceiver
from mcu.net.uplink import estimate_bps
from mcu.rtp import packet as rtp_packet
from mcu.rtp.capture import LegClock, LipSync
from mcu.rtp.packet import RtpPacket
from mcu.rtp.rtcp import GenericNack, PictureLoss
from mcu.worker.channel import Frame
from tests.mcu.net.harness import VP8

LOW, MIDDLE, HIGH = range(3)
RIDS = ("l", "m", "h")
SIZES = ((320, 180), (640, 360), (1280, 720))
REPEATS = Format(Codec.RTX, 98, 90000, apt=96)
SPEC = StreamSpec("video", Kind.VIDEO, (VP8, REPEATS), has_nack=True, has_pli=True, layers=RIDS)
FRAME_US = 40_000


def vp8(size: tuple[int, int], is_key: bool) -> bytes:
    """One packet that is a whole frame (RFC 7741 4.2; RFC 6386 9.1)."""
    if not is_key:
        return b"\x10\x01" + bytes(20)
    return b"\x10\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", *size) + bytes(20)


class Browser:
    """Sends its layers as Chromium does: named by rid at first, by SSRC alone when that is known."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.receiver = LayeredReceiver(3, SPEC, LegClock(), LipSync(), max_ssrcs=4, counters=self.counters)
        self.receiver.is_open = True
        self.now_us = 1_000_000
        self.sent = set(range(3))
        self.names = True
        self.needs_key = set(range(3))
        self.sequences = [100, 200, 300]
        self.delays_us = [0, 0, 0]
        self.frames: list[Frame] = []

    def packet(self, layer: int, sequence: int, payload: bytes) -> RtpPacket:
        made = RtpPacket(96, True, sequence, self.now_us // 100 * 9, 1000 + layer, payload)
        made.rid = RIDS[layer] if self.names else ""
        return made

    def picture(self, *, lost: frozenset[int] = frozenset()) -> None:
        """One frame of every layer that is sent; a keyframe where one was asked for."""
        for layer in sorted(self.sent):
            packet = self.packet(layer, self.sequences[layer], vp8(SIZES[layer], layer in self.needs_key))
            self.sequences[layer] += 1
            self.needs_key.discard(layer)
            if layer not in lost:
                self.now_us += self.delays_us[layer]
                self.take(packet)
                self.now_us -= self.delays_us[layer]
        self.now_us += FRAME_US
        self.receiver.handle_timeout(self.now_us)
        self.take(None)

    def take(self, packet: RtpPacket | None) -> None:
        if packet is not None:
            self.receiver.receive(packet, self.now_us)
        self.frames += self.receiver.frames(self.now_us)

    def asked(self, kind: type) -> set[int]:
        """Layers that feedback of a kind is about."""
        sender = type("Sender", (), {"numbers": type("Numbers", (), {"ssrc": 1})})()
        found = reports.repair(self.receiver, sender, 0, self.now_us)
        return {packet.media_ssrc - 1000 for packet in found if isinstance(packet, kind)}  # type: ignore[attr-defined]

    def sizes(self) -> list[int]:
        """What became frames: the layer of each."""
        widths = {SIZES[layer][0]: layer for layer in range(3)}
        layers: list[int] = []
        for frame in self.frames:
            is_key = frame.payload[0] & 1 == 0
            layers.append(widths[struct.unpack_from("<H", frame.payload, 6)[0]] if is_key else layers[-1])
        return layers


@pytest.fixture
def browser() -> Browser:
    made = Browser()
    made.receiver.limit(600_000, 640, 360, made.now_us)
    for _ in range(3):
        made.picture()
    made.names = False
    return made


def test_one_layer_becomes_frames_of_one_stream(browser: Browser) -> None:
    browser.frames.clear()
    for _ in range(5):
        browser.picture()
    assert len(browser.frames) == 5
    assert {frame.stream for frame in browser.frames} == {3 * 4 + 1}
    assert browser.receiver.source is browser.receiver.source_of(1000 + MIDDLE)
    assert browser.receiver.source.size == SIZES[MIDDLE]
    assert [source.reception.received_packets for source in browser.receiver.sources] == [8, 8, 8]
    browser.receiver.collect_drops()
    assert browser.counters["video-not-shown"] >= 10


def test_a_switch_asks_one_layer_for_a_keyframe_and_begins_with_it(browser: Browser) -> None:
    assert browser.asked(PictureLoss) == set()
    browser.frames.clear()
    browser.receiver.limit(1_500_000, 1280, 720, browser.now_us)
    for _ in range(3):
        browser.picture()
    assert [frame.is_keyframe for frame in browser.frames] == [False] * 3, "the old layer goes on"
    assert browser.asked(PictureLoss) == {HIGH}
    browser.needs_key.add(HIGH)
    for _ in range(3):
        browser.picture()
    assert [frame.is_keyframe for frame in browser.frames[3:]].count(True) == 1
    assert browser.asked(PictureLoss) == set()
    assert browser.receiver.source.size == SIZES[HIGH]


def test_only_what_is_put_together_is_repaired(browser: Browser) -> None:
    browser.picture(lost=frozenset({LOW, MIDDLE, HIGH}))
    browser.picture()
    browser.now_us += 30_000
    assert browser.asked(GenericNack) == {MIDDLE}
    repeat = RtpPacket(98, True, 7, 0, 5000, (203).to_bytes(2, "big") + vp8(SIZES[MIDDLE], is_key=False))
    browser.receiver.receive(repeat, browser.now_us)
    assert browser.counters["rtx-unusable"] == 1, "whose repeats these are was not said yet"
    before = len(browser.frames)
    repeat.repaired_rid = "m"
    browser.take(repeat)
    assert len(browser.frames) == before + 2
    assert browser.asked(GenericNack) == set()


def test_pictures_stay_in_step_with_their_sound_when_the_layer_changes(browser: Browser) -> None:
    browser.delays_us = [0, 0, 20_000]
    for _ in range(3):
        browser.picture()
    for source in browser.receiver.sources:
        source.sender_report(5 << 32, browser.now_us // 100 * 9, browser.now_us)
    browser.frames.clear()
    browser.needs_key.add(HIGH)
    browser.picture()
    browser.receiver.limit(1_500_000, 1280, 720, browser.now_us)
    browser.needs_key.add(HIGH)
    browser.picture()
    browser.picture()
    assert browser.receiver.source.size == SIZES[HIGH]
    captured = [frame.capture_us for frame in browser.frames]
    assert captured[-1] - captured[0] == 2 * FRAME_US, "the large layer takes 20 ms longer to come"


def test_what_nobody_sees_becomes_no_frames_and_comes_back_with_a_keyframe(browser: Browser) -> None:
    browser.receiver.limit(0, 0, 0, browser.now_us)
    browser.frames.clear()
    browser.receiver.want_keyframe(browser.now_us)
    for _ in range(30):
        browser.picture()
    assert browser.frames == []
    assert browser.asked(PictureLoss) == set()
    browser.receiver.limit(200_000, 320, 180, browser.now_us)
    assert browser.asked(PictureLoss) == {LOW}
    browser.needs_key.add(LOW)
    for _ in range(3):
        browser.picture()
    assert [frame.is_keyframe for frame in browser.frames] == [True, False, False]
    assert browser.sizes() == [LOW] * 3


def test_a_layer_that_stops_is_followed_by_the_next_one(browser: Browser) -> None:
    browser.sent = {LOW}
    browser.frames.clear()
    for _ in range(20):
        browser.picture()
    assert browser.asked(PictureLoss) == {LOW}
    browser.needs_key.add(LOW)
    browser.picture()
    assert browser.sizes() == [LOW]


def test_a_layer_with_another_ssrc_is_that_layer_and_a_name_that_was_not_agreed_is_none(browser: Browser) -> None:
    changed = RtpPacket(96, True, 9000, 1, 7777, vp8(SIZES[MIDDLE], is_key=True))
    browser.take(changed)
    assert browser.counters["layer-unknown"] == 1
    changed.rid = "x"
    browser.take(changed)
    assert browser.counters["layer-unknown"] == 2
    browser.frames.clear()
    changed.rid = "m"
    browser.take(changed)
    assert [frame.is_keyframe for frame in browser.frames] == [True]
    assert browser.receiver.source_of(1000 + MIDDLE) is None
    assert len(browser.receiver.sources) == 3


def test_a_new_decoder_gets_a_keyframe_of_the_layer_in_use(browser: Browser) -> None:
    browser.now_us += 1_000_000
    browser.receiver.restart_decoder(browser.now_us)
    assert browser.asked(PictureLoss) == {MIDDLE}
    browser.now_us += 300_000
    assert browser.asked(PictureLoss) == {MIDDLE}
    browser.now_us += 310_000
    assert browser.asked(PictureLoss) == set(), "asked less and less often"
    browser.receiver.restart_decoder(browser.now_us)
    assert browser.asked(PictureLoss) == {MIDDLE}, "whatever was asked before"


def test_remb_is_the_sum_of_what_is_of_use() -> None:
    assert estimate_bps([], 2_500_000) == 100_000
    browser = Browser()
    assert estimate_bps([browser.receiver], 2_500_000) == 2_500_000, "nothing is known yet"
    rates = []
    for bitrate_bps in (0, 320_000, 1_500_000):
        browser.receiver.limit(bitrate_bps, 640, 360, browser.now_us)
        rates.append(estimate_bps([browser.receiver], 2_500_000))
    assert rates == sorted(rates)
    assert rates[0] < 250_000
    assert 320_000 * 1.6 < rates[1] < 1_000_000
    assert rates[2] > 1_500_000 * 1.5, "the layers below go on"


def test_names_of_layers_are_read_from_packets() -> None:
    ids = Extensions(mid=4, rid=5, repaired_rid=6)
    block = rtp_packet.extension_block([(4, b"video"), (5, b"h")])
    packet = rtp_packet.parse(rtp_packet.header(96, True, 1, 2, 3, block) + b"x", ids)
    assert packet is not None
    assert (packet.mid, packet.rid, packet.repaired_rid) == ("video", "h", "")
    block = rtp_packet.extension_block([(6, b"m"), (5, b"z" * 33)])
    packet = rtp_packet.parse(rtp_packet.header(96, True, 1, 2, 3, block) + b"x", ids)
    assert packet is not None
    assert (packet.mid, packet.rid, packet.repaired_rid) == ("", "", "m")
    packet = rtp_packet.parse(rtp_packet.header(96, True, 1, 2, 3, block) + b"x", Extensions())
    assert packet is not None
    assert (packet.mid, packet.rid, packet.repaired_rid) == ("", "", "")
