"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mcu.rtp.sequence import SequenceTracker

INTERVAL_US = 100_000
MAX_SPAN = 2000
"""Sequence numbers that one feedback message may cover; a larger gap starts a new message."""
MAX_MESSAGES = 4
"""Feedback messages made at once; a sender whose numbers leap would have us make one for every packet."""
MAX_ARRIVALS = 4000
"""Arrivals kept between two messages; more are dropped and counted."""

_DELTA_US = 250  # section 3.1: receive deltas count 250 us
_REFERENCE_US = 64_000  # section 3.1: the reference time counts 64 ms
_HEAD = struct.Struct("!BBHIIHH")
_LOST, _SMALL, _LARGE = 0, 1, 2  # section 3.1.1 packet status symbols


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """Which of the numbers from `base_sequence` on arrived; `arrivals_us` has None for lost ones.

    Arrivals are on the receiver's own clock in units of 250 us, modulo 2^24 * 64 ms.
    """

    sender_ssrc: int
    media_ssrc: int
    base_sequence: int
    count: int
    arrivals_us: tuple[int | None, ...]

    def serialize(self) -> bytes:
        """The wire form. The first arrival sets the reference time; deltas must fit 16 bits (ArrivalLog sees to it)."""
        first = next(arrival for arrival in self.arrivals_us if arrival is not None)
        reference = first // _REFERENCE_US
        last = reference * _REFERENCE_US // _DELTA_US
        symbols, deltas = [], bytearray()
        for arrival in self.arrivals_us:
            if arrival is None:
                symbols.append(_LOST)
                continue
            delta, last = arrival // _DELTA_US - last, arrival // _DELTA_US
            if 0 <= delta <= 255:
                symbols.append(_SMALL)
                deltas.append(delta)
            else:
                symbols.append(_LARGE)
                deltas += struct.pack("!h", delta)
        body = self.base_sequence.to_bytes(2, "big") + len(symbols).to_bytes(2, "big")
        body += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes((self.count & 0xFF,))
        body += _chunks(symbols) + bytes(deltas)
        padding = -len(body) % 4
        if padding:
            body += bytes(padding - 1) + bytes((padding,))
        first_byte = 0x80 | 15 | (0x20 if padding else 0)
        return _HEAD.pack(
            first_byte, 205, 2 + len(body) // 4, self.sender_ssrc, self.media_ssrc, *struct.unpack_from("!HH", body)
        ) + body[4:]  # fmt: skip

    @classmethod
    def parse(cls, body: bytes) -> TransportFeedback | None:
        """The feedback in `body` (an RTPFB packet after its first word, without padding), None where malformed."""
        if len(body) < 16:
            return None
        sender, media, base, packets = struct.unpack_from("!IIHH", body)
        if packets > MAX_SPAN:
            return None
        reference_us = int.from_bytes(body[12:15], "big") * _REFERENCE_US
        symbols, position = _read_chunks(body, packets)
        if symbols is None:
            return None
        arrivals = _read_deltas(body, position, symbols, reference_us)
        return None if arrivals is None else cls(sender, media, base, body[15], arrivals)


class ArrivalLog:
    """Collects the transport-wide sequence numbers of one transport, whatever their SSRC."""

    __slots__ = ("_arrivals", "_count", "_due_us", "_next", "_tracker", "dropped")

    def __init__(self) -> None:
        self._tracker = SequenceTracker()
        self._arrivals: dict[int, int] = {}
        self._due_us: int | None = None
        self._count = 0
        self._next = -1
        self.dropped = 0

    def receive(self, sequence: int, now_us: int) -> None:
        """Note an arrival."""
        restarts = self._tracker.restarts
        extended = self._tracker.receive(sequence)
        if self._tracker.restarts != restarts:
            self._arrivals.clear()
            self._next = -1
        if extended is None or len(self._arrivals) >= MAX_ARRIVALS:
            self.dropped += 1
            return
        self._arrivals.setdefault(extended, now_us)
        if self._due_us is None:
            self._due_us = now_us + INTERVAL_US

    def next_timeout(self) -> int | None:
        """When feedback is due; None while nothing arrived."""
        return self._due_us

    def feedback(self, sender_ssrc: int, media_ssrc: int, now_us: int) -> list[TransportFeedback]:
        """The messages that are due now (usually one); what they tell is forgotten."""
        if self._due_us is None or now_us < self._due_us:
            return []
        self._due_us = None
        messages = []
        spans = self._spans()
        if len(spans) > MAX_MESSAGES:
            told = sum(len(arrivals) - arrivals.count(None) for _, arrivals in spans[:MAX_MESSAGES])
            self.dropped += len(self._arrivals) - told
        for first, arrivals in spans[:MAX_MESSAGES]:
            messages.append(TransportFeedback(sender_ssrc, media_ssrc, first & 0xFFFF, self._count, tuple(arrivals)))
            self._count = (self._count + 1) & 0xFF
        self._arrivals.clear()
        return messages

    def _spans(self) -> list[tuple[int, list[int | None]]]:
        """Runs of numbers that one message can tell: bounded in length and in the change of time."""
        spans: list[tuple[int, list[int | None]]] = []
        current: list[int | None] = []
        last_us = 0
        for sequence in sorted(self._arrivals):
            if len(spans) > MAX_MESSAGES:
                break
            arrival = self._arrivals[sequence]
            first = spans[-1][0] if spans else 0
            if not spans:
                # Numbers lost since the last message are told too; later repairs of older ones are told apart.
                first = self._next if 0 <= self._next <= sequence < self._next + MAX_SPAN // 2 else sequence
                current = [None] * (sequence - first)
                spans.append((first, current))
            elif sequence - first >= MAX_SPAN or abs(arrival - last_us) > 8_000_000:
                current = []
                spans.append((sequence, current))
            else:
                current.extend([None] * (sequence - first - len(current)))
            current.append(arrival)
            last_us = arrival
            self._next = max(self._next, sequence + 1)
        return spans


def _chunks(symbols: list[int]) -> bytes:
    """Run-length chunks for runs of 7 and more, else vectors of seven two-bit symbols (sections 3.1.3, 3.1.4)."""
    out = bytearray()
    index = 0
    while index < len(symbols):
        symbol = symbols[index]
        end = index + 1
        while end < len(symbols) and symbols[end] == symbol and end - index < 0x1FFF:
            end += 1
        if end - index >= 7 or end == len(symbols):
            out += (symbol << 13 | end - index).to_bytes(2, "big")
            index = end
            continue
        vector = 0xC000
        for shift, value in enumerate(symbols[index : index + 7]):
            vector |= value << (12 - 2 * shift)
        out += vector.to_bytes(2, "big")
        index += 7
    return bytes(out)


def _read_chunks(body: bytes, packets: int) -> tuple[list[int] | None, int]:
    symbols: list[int] = []
    position = 16
    while len(symbols) < packets:
        if position + 2 > len(body):
            return None, position
        chunk = body[position] << 8 | body[position + 1]
        position += 2
        if chunk < 0x8000:
            symbols += [chunk >> 13] * min(chunk & 0x1FFF, packets - len(symbols))
            if not chunk & 0x1FFF:
                return None, position
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    return symbols[:packets], position


def _read_deltas(body: bytes, position: int, symbols: list[int], time_us: int) -> tuple[int | None, ...] | None:
    arrivals: list[int | None] = []
    for symbol in symbols:
        size = symbol if symbol in (_SMALL, _LARGE) else 0
        if not size:
            arrivals.append(None)
            continue
        if position + size > len(body):
            return None
        time_us += int.from_bytes(body[position : position + size], "big", signed=symbol == _LARGE) * _DELTA_US
        arrivals.append(time_us)
        position += size
    return tuple(arrivals)
