"""What was sent: pieces shared by all legs of a rendition, and each leg's own numbering of them.

Pieces are shared, headers are not: two packets never share one (SSRC, sequence number), since SRTP would use one
keystream twice. So a repeat is either a new packet of an RTX stream, or the very same protected bytes again.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import NamedTuple

from mcu.media import Codec
from mcu.rtp.cutting import cut
from mcu.rtp.pieces import MAX_PIECE_BYTES, Piece

MAX_FRAMES = 150
"""Frames kept since a keyframe; a joiner of a longer run gets a fresh keyframe instead."""
MAX_RING_BYTES = 4 << 20
MAX_SENT_PACKETS = 1024
MAX_SENT_BYTES = 1 << 20
VIDEO_STEP = 90
"""RTP units (1 ms) between frames that would otherwise go back in time: a replay, a change of rendition."""
_REPEAT_SPACING_US = 20_000
_REPEATS_PER_S = 500
_REPEAT_BURST = 200
_LEAST_REPEAT_BURST = 8.0
_REPEAT_BITS = (MAX_PIECE_BYTES + 40) * 8


class RingFrame(NamedTuple):
    """One encoded frame, cut once for all legs; `number` counts the frames of its ring."""

    number: int
    pieces: list[Piece]
    rtp_timestamp: int
    capture_us: int
    is_keyframe: bool
    size_bytes: int


class PieceRing:
    """The frames of one rendition since its last keyframe."""

    def __init__(self, codec: Codec, max_piece_bytes: int = MAX_PIECE_BYTES, mode: int = 1) -> None:
        self.codec = codec
        self.next_number = 0
        self._max_piece_bytes = max_piece_bytes
        self._mode = mode
        self._frames: deque[RingFrame] = deque()
        self._bytes = 0

    def add(self, payload: bytes, rtp_timestamp: int, capture_us: int, is_keyframe: bool) -> RingFrame:
        """Cut a frame and keep it for joiners."""
        pieces = cut(self.codec, payload, self._max_piece_bytes, self._mode, self.next_number & 0x7FFF)
        frame = RingFrame(self.next_number, pieces, rtp_timestamp, capture_us, is_keyframe, len(payload))
        self.next_number += 1
        if is_keyframe or len(self._frames) >= MAX_FRAMES or self._bytes + len(payload) > MAX_RING_BYTES:
            self._frames.clear()
            self._bytes = 0
        if is_keyframe or self._frames:
            self._frames.append(frame)
            self._bytes += len(payload)
        return frame

    def since_keyframe(self) -> list[RingFrame]:
        """The last keyframe and what followed; [] when there was none, or it is too long ago to be worth it."""
        return list(self._frames)

    def after(self, number: int) -> list[RingFrame]:
        """Kept frames from `number` on."""
        first = self._frames[0].number if self._frames else self.next_number
        return [self._frames[index] for index in range(max(0, number - first), len(self._frames))]


class SentPiece(NamedTuple):
    """What a leg sent under one of its sequence numbers."""

    piece: Piece
    sequence: int
    rtp_timestamp: int


class SequenceMap:
    """One stream to one leg: constant SSRC, continuous numbers and timestamps whatever is sent under them.

    All renditions and mixes are stamped from one media clock, so a change of them needs no new offset. `step` is
    what a frame that is not newer than the last one moves on by; 0 refuses such a frame (audio).
    """

    def __init__(
        self,
        ssrc: int,
        clock_rate_hz: int,
        media_rate_hz: int,
        first_sequence: int,
        first_timestamp: int,
        step: int = VIDEO_STEP,
    ) -> None:
        """Start numbering below 2^15: a peer that misses packets at a wrap loses count (RFC 3711 3.3.1)."""
        if not 0 <= first_sequence < 1 << 15:
            raise ValueError("the first sequence number must be below 2^15")
        self.ssrc = ssrc
        self.next_sequence = first_sequence
        self._rate = clock_rate_hz
        self._media_rate = media_rate_hz
        self._step = step
        self._first_timestamp = first_timestamp
        self._media: int | None = None
        self._media_total = 0
        self._last = -step
        self._sent: deque[tuple[int, RingFrame, int]] = deque()
        self._sent_packets = 0

    def place(self, rtp_timestamp: int, packets: int) -> tuple[int, int] | None:
        """(first sequence number, timestamp) of the next frame with a media clock timestamp; None: it is too old."""
        if self._media is not None:
            ahead = ((rtp_timestamp - self._media + 0x8000_0000) & 0xFFFFFFFF) - 0x8000_0000
            total = self._media_total + ahead
        else:
            total = 0
        offset = total * self._rate // self._media_rate
        if self._media is not None and offset <= self._last:
            if not self._step:
                return None
            offset = self._last + self._step
        self._media, self._media_total, self._last = rtp_timestamp, total, offset
        sequence = self.next_sequence
        self.next_sequence = (sequence + packets) & 0xFFFF
        return sequence, (self._first_timestamp + offset) & 0xFFFFFFFF

    def send(self, frame: RingFrame) -> tuple[int, int] | None:
        """place() for a frame of a ring, which is remembered for repeats."""
        placed = self.place(frame.rtp_timestamp, len(frame.pieces))
        if placed is not None:
            self._sent.append((placed[0], frame, placed[1]))
            self._sent_packets += len(frame.pieces)
            while self._sent_packets > MAX_SENT_PACKETS and len(self._sent) > 1:
                self._sent_packets -= len(self._sent.popleft()[1].pieces)
        return placed

    def find(self, sequence: int) -> SentPiece | None:
        """What went out under `sequence`, None when it is too long ago."""
        for first, frame, rtp_timestamp in reversed(self._sent):
            index = (sequence - first) & 0xFFFF
            if index < len(frame.pieces):
                return SentPiece(frame.pieces[index], sequence, rtp_timestamp)
        return None


class SentPackets:
    """Protected packets of a leg, for peers without RTX: the very same bytes go out again."""

    def __init__(self, max_packets: int = MAX_SENT_PACKETS, max_bytes: int = MAX_SENT_BYTES) -> None:
        self._packets: OrderedDict[int, bytes] = OrderedDict()
        self._bytes = 0
        self._max_packets = max_packets
        self._max_bytes = max_bytes

    def store(self, sequence: int, data: bytes) -> None:
        """Keep a packet as it went out; the oldest ones make room."""
        packets = self._packets
        old = packets.pop(sequence, None)
        if old is not None:
            self._bytes -= len(old)
        packets[sequence] = data
        self._bytes += len(data)
        while len(packets) > self._max_packets or self._bytes > self._max_bytes:
            self._bytes -= len(packets.popitem(last=False)[1])

    def get(self, sequence: int) -> bytes | None:
        """The bytes that went out, None when they are gone."""
        return self._packets.get(sequence)


class Repeater:
    """Which NACKed packets are worth a repeat: once a round trip each, and never more than a bounded rate."""

    def __init__(self) -> None:
        self.round_trip_us = 0
        self.refused = 0
        self.repeated = 0
        self.asked = 0
        """Different packets that the peer missed, as far back as it is remembered."""
        self._last: OrderedDict[int, int] = OrderedDict()
        self._per_s, self._burst = float(_REPEATS_PER_S), float(_REPEAT_BURST)
        self._tokens = self._burst
        self._filled_us: int | None = None

    def limit(self, bitrate_bps: int) -> None:
        """From now on repeats take no more than this, half a second of it at once."""
        self._per_s = min(float(_REPEATS_PER_S), bitrate_bps / _REPEAT_BITS)
        self._burst = max(_LEAST_REPEAT_BURST, min(float(_REPEAT_BURST), self._per_s / 2))
        self._tokens = min(self._tokens, self._burst)

    def select(self, lost: Sequence[int], now_us: int) -> list[int]:
        """The sequence numbers of a NACK to repeat now."""
        if self._filled_us is not None:
            gained = (now_us - self._filled_us) * self._per_s / 1_000_000
            self._tokens = min(self._burst, self._tokens + gained)
        self._filled_us = now_us
        spacing = max(_REPEAT_SPACING_US, self.round_trip_us)
        chosen = []
        for index, sequence in enumerate(lost):
            if self._tokens < 1:
                self.refused += len(lost) - index
                self.asked += sum(each not in self._last for each in lost[index:])
                break
            last = self._last.get(sequence)
            self.asked += last is None
            if last is not None and now_us - last < spacing:
                self.refused += 1
                continue
            self._tokens -= 1
            self._last.pop(sequence, None)
            self._last[sequence] = now_us
            chosen.append(sequence)
        while len(self._last) > MAX_SENT_PACKETS:
            self._last.popitem(last=False)
        self.repeated += len(chosen)
        return chosen


class RtxStream:
    """Numbering of a retransmission stream (RFC 4588): own SSRC, own sequence numbers, never one twice."""

    def __init__(self, ssrc: int, payload_type: int, first_sequence: int) -> None:
        """Start numbering below 2^15, as SequenceMap does."""
        if not 0 <= first_sequence < 1 << 15:
            raise ValueError("the first sequence number must be below 2^15")
        self.ssrc = ssrc
        self.payload_type = payload_type
        self._next = first_sequence

    def wrap(self, sequence: int, payload: bytes) -> tuple[int, bytes]:
        """(sequence number on this stream, payload) of a repeat of the packet sent under `sequence`."""
        number = self._next
        self._next = (number + 1) & 0xFFFF
        return number, sequence.to_bytes(2, "big") + payload
