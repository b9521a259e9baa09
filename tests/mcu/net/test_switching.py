"""A leg moved between renditions: what its peer gets is one stream without a gap, whose numbers are unbroken."""

from __future__ import annotations

import os
from collections import Counter
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from config.media import NetSettings
from mcu.media import Codec, Kind, StreamSpec
from mcu.net.fanout import Fanout
from mcu.net.outbound import Outbound
from mcu.net.sender import Numbers
from mcu.rtp import packet as rtp_packet
from mcu.rtp.history import VIDEO_STEP
from mcu.rtp.ntp import NtpClock
from mcu.rtp.packet import RtpPacket
from mcu.rtp.srtp_session import SrtpPair
from mcu.worker.channel import Frame
from tests.mcu.net.harness import H264

MS = 1_000
TICK_UNITS = 3_600
_OURS, _THEIRS = os.urandom(28), os.urandom(28)


class Wire:
    """Instead of a transport: protects, and the peer unprotects and parses."""

    can_send = True
    is_slow = False

    def __init__(self) -> None:
        self.near = SrtpPair("AEAD_AES_128_GCM", _OURS, _THEIRS)
        self.far = SrtpPair("AEAD_AES_128_GCM", _THEIRS, _OURS)
        self.packets: list[RtpPacket] = []

    def send(self, packets: list[bytes], traffic_class: int = 0) -> int:
        for packet in packets:
            protected = self.near.protect(packet)
            assert protected is not None
            clear = self.far.unprotect(protected)
            assert clear is not None, "the peer could not authenticate it"
            parsed = rtp_packet.parse(clear)
            assert parsed is not None
            self.packets.append(parsed)
        return sum(map(len, packets))


class Room:
    """Two encoders at 25 pictures a second, which give a keyframe some ticks after they are asked; one leg."""

    def __init__(self, first_sequence: int, keyframe_after_ticks: int) -> None:
        self.wire: Any = Wire()
        self.counters: Counter[str] = Counter()
        outlet: Any = SimpleNamespace(queue_filled=lambda _: None, tell=lambda _: None)
        numbers = {kind: Numbers(0xAAAA, 0xBBBB, first_sequence, 0xFFFFF000, 5) for kind in Kind}
        components = {Kind.VIDEO: (self.wire, self.wire)}
        self.outbound = Outbound(1, components, numbers, NetSettings(), NtpClock(0), outlet, self.counters)
        self.outbound.configure(StreamSpec("1", Kind.VIDEO, send=H264))
        self.outbound.is_open = True
        self.fanout = Fanout(self._asked, self.counters)
        self.due: dict[int, int] = {}
        self.keyframe_after_ticks = keyframe_after_ticks
        self.tick = 0
        self.open = {1, 2}

    def _asked(self, rendition: int) -> None:
        self.due.setdefault(rendition, self.tick + self.keyframe_after_ticks)

    @property
    def now_us(self) -> int:
        return 1_000_000 + self.tick * 40 * MS

    def route(self, rendition: int) -> None:
        self.fanout.route(1, self.outbound, rendition, self.now_us)

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            for rendition in self.open:
                is_key = self.due.get(rendition, self.tick + 1) <= self.tick
                if is_key:
                    del self.due[rendition]
                kind, size = (0x65, 9_000) if is_key else (0x41, 1_500)
                payload = b"\x00\x00\x00\x01" + bytes((kind, rendition)) + bytes(range(1, 251)) * (size // 250)
                timestamp = self.tick * TICK_UNITS & 0xFFFFFFFF
                frame = Frame(rendition, Codec.H264, payload, timestamp, self.now_us, is_keyframe=is_key)
                self.fanout.receive_picture(frame, self.now_us)
            for step in range(8):
                self.outbound.pump(self.now_us + step * 5 * MS)
            self.tick += 1

    def pictures(self) -> list[tuple[int, int, bool]]:
        """(timestamp, rendition, whether a keyframe) of each picture that came."""
        found: list[tuple[int, int, bool]] = []
        for packet in self.wire.packets:
            if not found or found[-1][0] != packet.timestamp:
                head = packet.payload
                unit = head[0] & 0x1F
                is_key = unit == 5 or (unit == 28 and head[1] & 0x1F == 5)
                found.append((packet.timestamp, head[1] if unit != 28 else head[2], is_key))
        return found


def test_fifty_switches_leave_no_gap_in_numbers_times_and_pictures() -> None:
    for first_sequence, keyframe_after_ticks in ((100, 2), (0x7FFF, 0), (0x7000, 9)):
        room = Room(first_sequence, keyframe_after_ticks)
        room.route(1)
        room.run(15)
        for switch in range(50):
            room.route(2 - switch % 2)
            room.run(12)
        packets, pictures = room.wire.packets, room.pictures()
        assert len(packets) > 1_400
        assert [packet.sequence for packet in packets] == [(first_sequence + n) & 0xFFFF for n in range(len(packets))]
        assert {packet.ssrc for packet in packets} == {0xAAAA}
        steps = {(after - before) & 0xFFFFFFFF for (before, _, _), (after, _, _) in pairwise(pictures)}
        # Both encoders may have a picture of the same tick: then the second one is moved on by a millisecond.
        assert steps <= {TICK_UNITS, VIDEO_STEP, TICK_UNITS - VIDEO_STEP}, "a picture was left out or shown again"
        changes = [after for before, after in pairwise(pictures) if before[1] != after[1]]
        assert len(changes) == 50
        assert all(is_key for _, _, is_key in changes)


def test_an_encoder_that_is_closed_too_early_costs_pictures_but_no_number() -> None:
    room = Room(100, 5)
    room.route(1)
    room.run(10)
    room.route(2)
    room.open.discard(1)
    room.run(10)
    sequences = [packet.sequence for packet in room.wire.packets]
    assert sequences == list(range(100, 100 + len(sequences)))
    assert room.pictures()[-1][1] == 2
