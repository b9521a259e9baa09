"""Packets of one video source in any order become whole encoded frames in order, or a wish for a keyframe."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mcu.media import Codec
from mcu.rtp import h261, h263, h263_old, h264, vp8
from mcu.rtp.nack import NackScheduler
from mcu.rtp.pieces import Joined

MAX_PACKETS = 4096
MAX_BYTES = 4 << 20
MAX_HOLE = 256
"""More missing packets in a row than this are not waited for."""
MAX_READY = 64
"""Frames that wait to be fetched; the caller fetches after each packet, so more means that it does not."""
DEFAULT_ROUND_TRIP_US = 100_000
REORDER_WAIT_US = 30_000
"""How long a hole is waited for when the sender repeats nothing."""
MIN_WAIT_US = 60_000
MAX_WAIT_US = 1_000_000
MANY_TRIES_US = 400_000
"""Up to here a hole is waited for through three requests for it, beyond through one."""
RESUME_US = 3_000_000
"""After that long without a keyframe, damaged pictures go on: encoders with gradual refresh send none."""
_BACKWARD_START = 64
"""Packets before the first one seen are still taken while no frame has come out."""


@dataclass(slots=True)
class AssembledFrame:
    """A whole encoded frame (H.264 in Annex B). `width` and `height` are known for keyframes, else 0."""

    payload: bytes
    rtp_timestamp: int
    first_arrival_us: int
    last_arrival_us: int
    is_keyframe: bool
    width: int
    height: int


class _Packet(NamedTuple):
    rtp_timestamp: int
    marker: bool
    payload: bytes
    arrival_us: int


class _Depacketizer(Protocol):
    malformed: int

    def starts_frame(self, payload: bytes) -> bool: ...

    def join(self, payloads: list[bytes]) -> Joined | None: ...


_DEPACKETIZERS: dict[Codec, Callable[[], _Depacketizer]] = {
    Codec.H264: h264.Depacketizer,
    Codec.VP8: vp8.Depacketizer,
    Codec.H263: h263.Depacketizer,
    Codec.H263_1996: h263_old.Depacketizer,
    Codec.H261: h261.Depacketizer,
}


class FrameAssembler:
    """One video source. `sequence` is always the extended number of a SequenceTracker.

    A frame is a run of packets of one timestamp up to the marker or to the next timestamp. A hole is waited for
    while repeats may come; then all frames up to the next keyframe are dropped, because they cannot be decoded.
    """

    def __init__(self, codec: Codec, has_nack: bool = True) -> None:
        self.keyframe_needed = True
        """True at the start and after every loss, until a keyframe has come."""
        self.round_trip_us = DEFAULT_ROUND_TRIP_US
        self.dropped: Counter[str] = Counter()
        self.packets_lost = 0
        """Packets that never came, in spite of all repair."""
        self.frames = self.keyframes = 0
        self.nack = NackScheduler()
        self._has_nack = has_nack
        self._codec = codec
        self._head = self._scan = self._first = -1
        self._highest = -2  # always at least head - 1
        self._start_over()

    def receive(self, sequence: int, rtp_timestamp: int, marker: bool, payload: bytes, now_us: int) -> None:
        """Take one packet (a repaired one too); frames that it completes wait in next_frame()."""
        if self._head < 0:
            self._head = self._scan = sequence
            self._highest = sequence - 1
            self._first = sequence
        if sequence < self._head and not self._may_start_at(sequence):
            self.dropped["late"] += 1
            return
        if sequence in self._packets:
            self.dropped["repeated"] += 1
            return
        if len(self._packets) >= MAX_PACKETS or self._bytes + len(payload) > MAX_BYTES:
            if sequence <= self._highest:
                self.dropped["overflow"] += 1
                return
            self._start_at(sequence, now_us, "overflow")
        elif sequence > self._highest + MAX_HOLE:
            self.packets_lost += sequence - self._highest - 1
            self._start_at(sequence, now_us, "damaged")
        elif sequence < self._head:
            self._move_start(sequence)
        self._packets[sequence] = _Packet(rtp_timestamp, marker, payload, now_us)
        self._bytes += len(payload)
        if sequence > self._highest:
            if sequence > self._highest + 1:
                self.nack.missed(self._highest + 1, sequence, now_us)
            self._highest = sequence
        else:
            self.nack.received(sequence)
        if sequence > self._scan:
            heapq.heappush(self._beyond, sequence)
        self._advance()

    def next_frame(self) -> AssembledFrame | None:
        """The next whole frame, None when there is none yet."""
        return self._ready.popleft() if self._ready else None

    @property
    def is_waiting(self) -> bool:
        """Whether something is missing, so that there are times to look at."""
        return self._highest >= self._scan or self.nack.is_waiting

    def next_timeout(self) -> int | None:
        """When handle_timeout() or missing() has something to do."""
        times = [time for time in (self._deadline_us(), self._nack_timeout()) if time is not None]
        return min(times, default=None)

    def handle_timeout(self, now_us: int) -> None:
        """Give up holes that were waited for long enough."""
        deadline = self._deadline_us()
        while deadline is not None and deadline <= now_us:
            self._skip_hole(now_us)
            self._advance()
            deadline = self._deadline_us()

    def missing(self, now_us: int) -> list[int]:
        """16-bit sequence numbers to put into a NACK now; [] when the sender repeats nothing."""
        if not self._has_nack:
            return []
        return [sequence & 0xFFFF for sequence in self.nack.due(now_us, self.round_trip_us)]

    def reset(self) -> None:
        """The sender restarted or changed its SSRC: forget its packets, wait for a keyframe."""
        self.dropped["reset"] += len(self._packets)
        self._start_over()
        self.keyframe_needed = True

    @property
    def malformed(self) -> int:
        """Payloads that broke their format."""
        return self._depacketizer.malformed

    def _start_over(self) -> None:
        self._packets: dict[int, _Packet] = {}
        self._beyond: list[int] = []  # heap of numbers that came while one before them was missing
        self._bytes = 0
        self._head = self._scan = self._first = -1
        self._highest = -2  # always at least head - 1
        self._frame_timestamp: int | None = None
        self._hole: tuple[int, int] | None = None
        self._ready: deque[AssembledFrame] = deque()
        self._is_broken = True
        self._has_started = self._codec is Codec.H261  # some refresh it bit by bit from the first picture on
        self._has_consumed = False
        self._resume_us: int | None = None
        self._depacketizer = _DEPACKETIZERS[self._codec]()
        self.nack.clear()

    def _may_start_at(self, sequence: int) -> bool:
        return not self._has_consumed and self._first - sequence <= _BACKWARD_START

    def _move_start(self, sequence: int) -> None:
        self.nack.missed(sequence + 1, self._head, self._packets[self._head].arrival_us)
        self._head = self._scan = sequence
        self._beyond = sorted(self._packets)
        self._frame_timestamp = self._hole = None

    def _advance(self) -> None:
        packets = self._packets
        while (packet := packets.get(self._scan)) is not None:
            if not packet.payload:  # padding only (RFC 3550 5.1), as sent to probe the path
                self._scan += 1
                if self._frame_timestamp is None:
                    self._discard(self._scan)
                continue
            if self._frame_timestamp is None:
                self._frame_timestamp = packet.rtp_timestamp
            elif packet.rtp_timestamp != self._frame_timestamp:
                self._finish()
                continue
            self._scan += 1
            if packet.marker:
                self._finish()

    def _finish(self) -> None:
        """The packets from head to before scan are a whole frame."""
        run = [self._packets.pop(sequence) for sequence in range(self._head, self._scan)]
        payloads = [packet.payload for packet in run if packet.payload]
        self._bytes -= sum(map(len, payloads))
        self._head = self._scan
        self._has_consumed = True
        self._frame_timestamp = None
        joined = self._depacketizer.join(payloads)
        if joined is not None:
            self._deliver(joined, run)

    def _deliver(self, joined: Joined, run: list[_Packet]) -> None:
        last_us = max(packet.arrival_us for packet in run)
        if joined.is_keyframe:
            self._is_broken = self.keyframe_needed = False
            self._has_started = True
            self.keyframes += 1
        elif self._is_broken:
            if self._resume_us is None:
                self._resume_us = last_us + RESUME_US
            if not self._has_started or last_us < self._resume_us:
                self.dropped["undecodable"] += 1
                return
            self._is_broken = False
        if len(self._ready) >= MAX_READY:
            self._ready.clear()
            self.dropped["not-fetched"] += MAX_READY
        self.frames += 1
        first_us = min(packet.arrival_us for packet in run)
        self._ready.append(
            AssembledFrame(
                joined.payload, run[0].rtp_timestamp, first_us, last_us, joined.is_keyframe, joined.width, joined.height
            )
        )

    def _nack_timeout(self) -> int | None:
        return self.nack.next_timeout() if self._has_nack else None

    def _deadline_us(self) -> int | None:
        """When the hole at scan is given up; None without a hole."""
        if self._highest < self._scan:
            return None
        if self._hole is None or self._hole[0] != self._scan:
            self._hole = (self._scan, self._packets[self._next_after(self._scan)].arrival_us)
        return self._hole[1] + (_repair_us(self.round_trip_us) if self._has_nack else REORDER_WAIT_US)

    def _next_after(self, hole: int) -> int:
        """The first number beyond a hole; there is one, since the highest number was received."""
        beyond = self._beyond
        while beyond[0] <= hole:
            heapq.heappop(beyond)
        return beyond[0]

    def _skip_hole(self, now_us: int) -> None:
        """Drop the damaged frame and go on where the next one may begin."""
        after = self._next_after(self._scan)
        self.packets_lost += after - self._scan
        self._break(now_us)
        position = after
        is_boundary = False
        while position <= self._highest:
            packet = self._packets.get(position)
            if is_boundary or (
                packet is not None and packet.payload and self._depacketizer.starts_frame(packet.payload)
            ):
                break
            if packet is None:
                following = self._next_after(position)
                self.packets_lost += following - position
                position = following
                continue
            after_packet = self._packets.get(position + 1)
            is_boundary = packet.marker or (
                after_packet is not None and after_packet.rtp_timestamp != packet.rtp_timestamp
            )
            position += 1
        self.dropped["damaged"] += self._discard(position)
        self.nack.forget_before(position)
        self._scan = position
        self._frame_timestamp = None

    def _break(self, now_us: int) -> None:
        if not self._is_broken or self._resume_us is None:
            self._resume_us = now_us + RESUME_US
        self._is_broken = self.keyframe_needed = True

    def _discard(self, end: int) -> int:
        """Forget packets before `end`, which becomes the head."""
        self._has_consumed = True
        if end - self._head <= len(self._packets):
            gone = [sequence for sequence in range(self._head, end) if sequence in self._packets]
        else:  # numbers far apart: most of the range is missing
            gone = [sequence for sequence in self._packets if sequence < end]
        for sequence in gone:
            self._bytes -= len(self._packets.pop(sequence).payload)
        self._head = end
        return len(gone)

    def _start_at(self, sequence: int, now_us: int, reason: str) -> None:
        """Give up all that is here and go on at `sequence`."""
        self.dropped[reason] += len(self._packets)
        self._packets.clear()
        self._beyond.clear()
        self._bytes = 0
        self._head = self._scan = self._first = sequence
        self._highest = sequence - 1
        self._frame_timestamp = None
        self.nack.clear()
        self._break(now_us)


def _repair_us(round_trip_us: int) -> int:
    """How long repeats may take: requests are 1.25 round trips apart, and a keyframe would take longer than one."""
    several, one = min(MANY_TRIES_US, round_trip_us * 9 // 2), round_trip_us * 7 // 5
    return min(MAX_WAIT_US, max(MIN_WAIT_US, several, one))


def unwrap_rtx(payload: bytes) -> tuple[int, bytes] | None:
    """(original sequence number, original payload) of an RTX payload (RFC 4588 section 4); None for bare padding."""
    if len(payload) < 3:
        return None
    return payload[0] << 8 | payload[1], payload[2:]
