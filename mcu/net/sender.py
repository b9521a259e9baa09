"""What goes out on one m-line of a leg: its own SSRC, numbers and times over pieces that are shared by all."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from mcu.media import Format, Kind, StreamSpec
from mcu.net.pacing import Pacer
from mcu.rtp.history import VIDEO_STEP, Repeater, RingFrame, RtxStream, SentPackets, SequenceMap
from mcu.rtp.ntp import NtpClock
from mcu.rtp.packet import HEADER_BYTES, extension_block, header, numbered
from mcu.rtp.pieces import Piece
from mcu.rtp.sender import SenderStatistics
from mcu.worker.channel import Frame

_AUDIO_MEDIA_RATE_HZ = 48_000
_VIDEO_MEDIA_RATE_HZ = 90_000
_MAX_QUEUE_BYTES = 16 << 20
_KEPT_SOUNDS = 64
"""More than a second of sound: nobody can wait longer for a repeat."""
_SOUND_REPEATS_BPS = 1_000_000
"""As much as a hundred packets a second would take if they were as large as those of pictures."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Random beginnings of one sending stream, drawn by the shell."""

    ssrc: int
    rtx_ssrc: int
    first_sequence: int
    """Below 2^15, so that the first packets do not wrap (RFC 3711 3.3.1)."""
    first_timestamp: int
    first_rtx_sequence: int


@dataclass(slots=True)
class _Waiting:
    """A picture, or what is left of it, under the numbers that it was given."""

    pieces: Sequence[Piece]
    sequence: int
    timestamp: int
    size_bytes: int

    def drop(self, count: int) -> int:
        """The first `count` pieces have gone out; by how many bytes what is left is smaller."""
        self.pieces = self.pieces[count:]
        self.sequence = self.sequence + count & 0xFFFF
        before, self.size_bytes = self.size_bytes, sum(len(piece.payload) for piece in self.pieces)
        return before - self.size_bytes


class StreamSender:
    """Pure: frames in, clear RTP packets out, in the order of their numbers."""

    def __init__(self, spec: StreamSpec, numbers: Numbers, clock: NtpClock, pacer: Pacer) -> None:
        self.numbers = numbers
        self.pacer = pacer
        self.sent_bytes = 0
        """Bytes that went out on the wire, without UDP and IP."""
        self._is_audio = spec.kind is Kind.AUDIO
        self.sent = self._nothing_sent()
        self._clock = clock
        self._queue: deque[_Waiting] = deque()
        self._queue_bytes = 0
        self._repeater = Repeater()
        self._rtx: RtxStream | None = None
        self._map: SequenceMap | None = None
        self.statistics: SenderStatistics | None = None
        self._clock_rate_hz = 0
        self._is_first = True
        if self._is_audio:
            self._repeater.limit(_SOUND_REPEATS_BPS)
        self.configure(spec)

    def configure(self, spec: StreamSpec) -> None:
        """What was negotiated; numbers and times go on through renegotiations."""
        self.spec = spec
        form = spec.send
        self.format: Format | None = form
        self.stores_sent = spec.has_nack and spec.send_rtx is None
        """Whether repeats are the very bytes that went out before, since RTX was not agreed."""
        mid = spec.extensions.mid
        self._elements = [(mid, spec.mid.encode())] if mid and spec.mid else []
        self._extension = extension_block(self._elements)
        if form is None:
            self._forget_queue()
            return
        if self._clock_rate_hz != form.clock_rate_hz:
            self._use_clock_rate(form.clock_rate_hz)

    def renumber(self, numbers: Numbers) -> None:
        """Go on under another SSRC, as a stream that has just begun (RFC 3550 8.2)."""
        self.numbers = numbers
        self._forget_queue()
        self.sent = self._nothing_sent()
        self._rtx = self._map = self.statistics = None
        self._clock_rate_hz = 0
        self._is_first = True
        self.configure(self.spec)

    def close(self) -> None:
        """Let go of what was kept for repeats and what waits: closed legs stay until the next garbage collection."""
        self._forget_queue()
        self.sent = self._nothing_sent()
        self._map = None

    def _nothing_sent(self) -> SentPackets:
        return SentPackets(_KEPT_SOUNDS) if self._is_audio else SentPackets()

    def _use_clock_rate(self, clock_rate_hz: int) -> None:
        """Number from the random beginnings, or go on where another clock rate (another codec, RFC 7160) ended."""
        is_audio = self._is_audio
        media_rate_hz = _AUDIO_MEDIA_RATE_HZ if is_audio else _VIDEO_MEDIA_RATE_HZ
        numbers, step = self.numbers, 0 if is_audio else VIDEO_STEP
        fresh = SequenceMap(
            numbers.ssrc, clock_rate_hz, media_rate_hz, numbers.first_sequence, numbers.first_timestamp, step
        )
        statistics = SenderStatistics(numbers.ssrc, clock_rate_hz, self._clock)
        if self._map is not None and self.statistics is not None:
            fresh.next_sequence = self._map.next_sequence
            statistics.packets, statistics.payload_bytes = self.statistics.packets, self.statistics.payload_bytes
            self._is_first = True
        self._map, self.statistics, self._clock_rate_hz = fresh, statistics, clock_rate_hz

    @property
    def has_queue(self) -> bool:
        """Whether packets wait for their turn."""
        return bool(self._queue)

    @property
    def queue_bytes(self) -> int:
        """Payload bytes that wait, about."""
        return self._queue_bytes

    def audio_packet(self, frame: Frame) -> bytes | None:
        """One packet for a frame of the mix; None when the leg does not take its codec."""
        form, numbering, statistics = self.format, self._map, self.statistics
        if form is None or numbering is None or statistics is None or form.codec != frame.codec:
            return None
        placed = numbering.place(frame.rtp_timestamp, 1)
        if placed is None:
            return None
        sequence, timestamp = placed
        statistics.sent(timestamp, frame.capture_us, 1, len(frame.payload))
        marker, self._is_first = self._is_first, False  # RFC 3551 4.1: start of a talkspurt
        return (
            header(form.payload_type, marker, sequence, timestamp, self.numbers.ssrc, self._extension) + frame.payload
        )

    def data_packet(self, data: bytes, now_us: int) -> bytes | None:
        """One packet that carries no media clock of its own (H.224, RFC 4573); None when nothing was agreed."""
        form, numbering, statistics = self.format, self._map, self.statistics
        if form is None or numbering is None or statistics is None:
            return None
        placed = numbering.place(now_us * 9 // 100 & 0xFFFFFFFF, 1)
        if placed is None:
            return None
        sequence, timestamp = placed
        statistics.sent(timestamp, now_us, 1, len(data))
        return header(form.payload_type, False, sequence, timestamp, self.numbers.ssrc, self._extension) + data

    def put(self, frame: RingFrame) -> bool:
        """Queue the pieces of a picture; False when too much waits already."""
        numbering, statistics = self._map, self.statistics
        if numbering is None or statistics is None or self._queue_bytes + frame.size_bytes > _MAX_QUEUE_BYTES:
            return False
        placed = numbering.send(frame)
        if placed is None:
            return True
        sequence, timestamp = placed
        statistics.sent(timestamp, frame.capture_us, len(frame.pieces), frame.size_bytes)
        self._queue.append(_Waiting(frame.pieces, sequence, timestamp, frame.size_bytes))
        self._queue_bytes += frame.size_bytes
        return True

    def take(self, now_us: int) -> tuple[int, list[bytes]]:
        """What may go out now: the number of the first packet, and packets of consecutive numbers."""
        form, queue = self.format, self._queue
        if form is None or not queue:
            return 0, []
        budget = self.pacer.budget_bytes(now_us)
        extension, first = self._timed_extension(now_us), queue[0].sequence
        packets: list[bytes] = []
        spent = 0
        while queue and spent < budget:
            waiting = queue[0]
            pieces = waiting.pieces
            if waiting.size_bytes > budget - spent:
                pieces = _head(pieces, budget - spent)
            taken = numbered(
                form.payload_type, waiting.sequence, waiting.timestamp, self.numbers.ssrc, extension, pieces
            )
            packets += taken
            spent += sum(map(len, taken))
            if len(pieces) == len(waiting.pieces):
                queue.popleft()
                self._queue_bytes -= waiting.size_bytes
            else:
                self._queue_bytes -= waiting.drop(len(pieces))
        self.pacer.spend(spent)
        return first, packets

    def _timed_extension(self, now_us: int) -> bytes:
        """With the time of sending, where the peer estimates its bandwidth by it (abs-send-time, 6.18 seconds)."""
        number = self.spec.extensions.abs_send_time
        if not number:
            return self._extension
        send_time = ((now_us << 18) // 1_000_000) & 0xFFFFFF
        return extension_block([*self._elements, (number, send_time.to_bytes(3, "big"))])

    def limit_repeats(self, bitrate_bps: int) -> None:
        """Repeat no more than this, whatever the peer asks for."""
        self._repeater.limit(bitrate_bps)

    @property
    def packets_asked(self) -> int:
        """Different packets that the peer asked for again."""
        return self._repeater.asked

    @property
    def can_repeat(self) -> bool:
        """Whether the peer takes packets once more."""
        return self.spec.has_nack or self.spec.send_rtx is not None

    def repeat(self, lost: Sequence[int], now_us: int) -> list[bytes]:
        """RTX packets for what the peer misses (RFC 4588); [] when RTX was not agreed."""
        return self._wrapped(self._select(lost, now_us))

    def recent(self, count: int) -> list[bytes]:
        """RTX packets of what was sent of late, whether the peer misses it or not."""
        return self._wrapped(self._last_sequences(count))

    def recent_protected(self, count: int) -> list[bytes]:
        """As recent(), for a leg without RTX: datagrams as they went out before."""
        found = (self.sent.get(sequence) for sequence in self._last_sequences(count))
        return [data for data in found if data is not None]

    def _last_sequences(self, count: int) -> list[int]:
        last = 0 if self._map is None else self._map.next_sequence - 1
        return [last - back & 0xFFFF for back in range(count)]

    def _wrapped(self, sequences: Sequence[int]) -> list[bytes]:
        form, numbering = self.spec.send_rtx, self._map
        if form is None or numbering is None:
            return []
        if self._rtx is None:
            self._rtx = RtxStream(self.numbers.rtx_ssrc, form.payload_type, self.numbers.first_rtx_sequence)
        out: list[bytes] = []
        for sequence in sequences:
            sent = numbering.find(sequence)
            if sent is not None:
                number, payload = self._rtx.wrap(sequence, sent.piece.payload)
                head = header(
                    form.payload_type, sent.piece.marker, number, sent.rtp_timestamp, self._rtx.ssrc, self._extension
                )
                out.append(head + payload)
        return out

    def repeat_protected(self, lost: Sequence[int], now_us: int) -> list[bytes]:
        """Datagrams as they went out before, for a leg without RTX."""
        found = (self.sent.get(sequence) for sequence in self._select(lost, now_us))
        return [data for data in found if data is not None]

    def _select(self, lost: Sequence[int], now_us: int) -> list[int]:
        if self.statistics is not None:
            self._repeater.round_trip_us = self.statistics.round_trip_us
        return self._repeater.select(lost, now_us)

    def _forget_queue(self) -> None:
        self._queue.clear()
        self._queue_bytes = 0


def _head(pieces: Sequence[Piece], budget: float) -> Sequence[Piece]:
    """The first pieces, up to the one that exceeds the budget."""
    count = 0
    while count < len(pieces) and budget > 0:
        budget -= len(pieces[count].payload) + HEADER_BYTES
        count += 1
    return pieces[:count]
