"""Adaptive jitter buffer of one audio source: orders packets, says what to play next and how late playout should be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from mcu.audio.delay import ACCEPTED_LATE, ACCEPTED_OF_REPEATS, MAX_DELAY_US, DelayEstimator
from mcu.rtp.silence import is_silent

MAX_PACKETS = 60
MAX_QUEUED_US = 600_000
MAX_WISH_US = 300_000
"""The longest that sound is held for its picture."""
_MAX_JUMP = 500
"""Packets; a sequence further away (10 s) is another one (RFC 3550 A.1 does the same with MAX_DROPOUT)."""
_MAX_TRANSIT_JUMP_US = 3_000_000
_LONGEST_GAP_US = 200_000
"""More missing sound than this is skipped, not concealed."""
_IDLE_AFTER_US = 240_000
_LOSS_SMOOTHING = 1 / 200
"""A share that is known from the last four seconds."""
_LOSSY, _LOSSLESS = 0.007, 0.003
"""Above the first share the packet after a hole is waited for, until it falls below the second."""
_FEC_MARGIN_US = 25_000
"""A tick, for which packets wait, and what stretching leaves undone."""
_MOSTLY = 0.5
"""Where repeats of more than this share of what is lost come in time, playout does not wait for FEC as well."""
_MAX_MISSING = 32
"""Numbers of late that a repeat may still come for."""


@dataclass(slots=True)
class Packet:
    """One audio packet; `sequence` and `media_us` are unwrapped, times are CLOCK_MONOTONIC microseconds."""

    sequence: int
    media_us: int
    duration_us: int
    payload: bytes
    capture_us: int
    level: int
    has_fec: bool


class Arrival(NamedTuple):
    """What is known of a packet when it comes, numbers as on the wire."""

    sequence: int
    rtp_timestamp: int
    payload: bytes
    duration_us: int
    capture_us: int = 0
    due_us: int = 0
    level: int = 255
    has_fec: bool = False
    """Whether it holds the packet before it once more."""


class Verdict(Enum):
    """What the next piece of sound is made from."""

    PLAY = auto()
    """`packet` comes next."""
    RECOVER = auto()
    """One is missing; `packet` follows it and may carry its FEC."""
    CONCEAL = auto()
    """One is missing and so is the one after it."""
    UNDERRUN = auto()
    """Nothing has come in time; it may still come."""
    IDLE = auto()
    """The source does not send, or its first packet is being held."""


class Step(NamedTuple):
    """One answer of JitterBuffer.next_step(): `duration_us` of sound to make, from `packet` where there is one."""

    verdict: Verdict
    duration_us: int = 0
    packet: Packet | None = None


class JitterBuffer:
    """Takes packets in any order; the caller asks for the next step whenever it runs out of decoded sound."""

    def __init__(self, clock_hz: int) -> None:
        self._clock_hz = clock_hz
        self._delay = DelayEstimator()
        self._queue: dict[int, Packet] = {}
        self._newest: tuple[int, int] | None = None  # unwrapped sequence and timestamp
        self._suspect = -1
        self._next: int | None = None
        self._oldest_wanted: int | None = None
        self._position_us = 0
        self._duration_us = 20_000
        self._conceal_credit_us = 0
        self._wish_us = 0
        self._has_paused = False
        self._loss = self._repaired = 0.0
        self._is_lossy = False
        self._fec_wait_us = 0
        self._missing_numbers: set[int] = set()
        """Skipped of late; empty where nothing gets lost."""
        self.level = 255
        """What the newest packet told (RFC 6464)."""
        self.counters: Counter[str] = Counter()

    # ---- arrivals -----------------------------------------------------------------------------------------------

    def put(self, arrival: Arrival, now_us: int) -> None:
        """Take a packet. What is late, double or beyond the bounds is counted and dropped."""
        place = self._unwrap(arrival, now_us)
        if place is None:
            return
        sequence, timestamp = place
        media_us = timestamp * 1_000_000 // self._clock_hz
        if self._missing_numbers and sequence in self._missing_numbers:
            self._repeat_came(sequence, now_us - media_us, now_us)
        else:
            self._delay.add(now_us - media_us, now_us)
        self._wish_us = 0
        if arrival.due_us:
            self._wish_us = min(MAX_WISH_US, max(0, arrival.due_us - media_us - self._delay.base_us))
        self.level = arrival.level
        if self._next is None and not self._queue and is_silent(arrival.level):
            return  # nothing to hear: a source that pauses is not started by it
        if self._oldest_wanted is not None and sequence < self._oldest_wanted:
            self.counters["late"] += 1
        elif sequence in self._queue:
            self.counters["duplicate"] += 1
        else:
            self._queue[sequence] = Packet(
                sequence, media_us, arrival.duration_us, arrival.payload, arrival.capture_us, arrival.level,
                arrival.has_fec,
            )  # fmt: skip
            self._bound_queue()

    def _unwrap(self, arrival: Arrival, now_us: int) -> tuple[int, int] | None:
        if self._newest is None:
            return self._restart(arrival)
        step = _signed(arrival.sequence - self._newest[0], 16)
        sequence = self._newest[0] + step
        timestamp = self._newest[1] + _signed(arrival.rtp_timestamp - self._newest[1], 32)
        transit_us = now_us - timestamp * 1_000_000 // self._clock_hz
        if abs(step) > _MAX_JUMP or abs(transit_us - self._delay.base_us) > _MAX_TRANSIT_JUMP_US:
            # A single stray packet changes nothing; two in a row are a sender that started again.
            if arrival.sequence != self._suspect:
                self._suspect = (arrival.sequence + 1) & 0xFFFF
                self.counters["stray"] += 1
                return None
            return self._restart(arrival)
        if step > 0:
            self._newest = (sequence, timestamp)
            if self._next is not None:
                self._note_loss(step - 1, sequence, arrival)
        return sequence, timestamp

    def _note_loss(self, missing: int, sequence: int, arrival: Arrival) -> None:
        """What the packet after a hole knows of it helps only who has waited for that packet."""
        if missing:
            self._missing_numbers.update(range(max(sequence - missing, sequence - _MAX_MISSING), sequence))
            self._missing_numbers = {each for each in self._missing_numbers if each >= sequence - _MAX_MISSING}
        for _ in range(min(missing, _LONGEST_GAP_US // self._duration_us)):
            self._loss += _LOSS_SMOOTHING * (1.0 - self._loss)
        self._loss *= 1.0 - _LOSS_SMOOTHING
        if self._repaired:
            self._repaired *= 1.0 - _LOSS_SMOOTHING
            if self._repaired < _LOSSLESS:
                self._repaired, self._delay.accepted_late = 0.0, ACCEPTED_LATE
        self._is_lossy = self._loss > (_LOSSLESS if self._is_lossy else _LOSSY)
        if not self._is_lossy:
            self._fec_wait_us = 0
        elif arrival.has_fec:
            self._fec_wait_us = arrival.duration_us + _FEC_MARGIN_US

    def _repeat_came(self, sequence: int, transit_us: int, now_us: int) -> None:
        """A packet that was missing: where enough of them come soon enough they are waited for, like any late one."""
        self._missing_numbers.discard(sequence)
        self.counters["repeated"] += 1
        late_us = transit_us - self._delay.base_us
        if late_us < MAX_DELAY_US:
            self._delay.add(transit_us, now_us)
        if late_us <= self.desired_us:
            self._repaired += _LOSS_SMOOTHING
            self._delay.accepted_late = ACCEPTED_OF_REPEATS

    def _restart(self, arrival: Arrival) -> tuple[int, int]:
        if self._newest is not None:
            self.counters["restarts"] += 1
        self._queue.clear()
        self._delay, self._missing_numbers = DelayEstimator(), set()
        self._next = self._oldest_wanted = None
        self._suspect = -1
        self._conceal_credit_us = 0
        self._newest = (arrival.sequence, arrival.rtp_timestamp)
        return self._newest

    def _bound_queue(self) -> None:
        while len(self._queue) > MAX_PACKETS or self.queued_us > MAX_QUEUED_US:
            self._discard_oldest()

    def _discard_oldest(self) -> None:
        oldest = self._queue.pop(min(self._queue))
        self.counters["discarded"] += 1
        self._oldest_wanted = oldest.sequence + 1
        if self._next is not None and self._next <= oldest.sequence:
            self._next = oldest.sequence + 1
            self._position_us = oldest.media_us + oldest.duration_us

    # ---- facts --------------------------------------------------------------------------------------------------

    @property
    def queued_us(self) -> int:
        """How much sound waits here."""
        return sum(packet.duration_us for packet in self._queue.values())

    @property
    def is_ready(self) -> bool:
        """Whether the very next packet is here."""
        return self._next is not None and self._next in self._queue

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being played."""
        return self._next is None

    @property
    def desired_us(self) -> int:
        """How much later than the fastest packet sound should be played now."""
        is_repaired = self._repaired > self._loss * _MOSTLY
        return max(self._delay.target_us + (0 if is_repaired else self._fec_wait_us), self._wish_us)

    @property
    def is_resting(self) -> bool:
        """Whether nothing is being played and nothing waits to be."""
        return self._next is None and not self._queue

    def next_level(self) -> int | None:
        """The RFC 6464 level of the packet that comes next, None when it told none or is not here."""
        if not self._queue:
            return None
        packet = self._queue.get(self._next if self._next is not None else min(self._queue))
        return packet.level if packet is not None and packet.level <= 127 else None

    def excess_us(self, now_us: int, buffered_us: int) -> int:
        """By how much playout is later (negative: earlier) than desired, when `buffered_us` is decoded already."""
        return self.played_late_us(now_us, buffered_us) - self._delay.base_us - self.desired_us

    def played_late_us(self, now_us: int, buffered_us: int) -> int:
        """Playout minus the sender's media time; the clocks differ, so only its differences mean something."""
        return now_us - (self._position_us - buffered_us)

    # ---- playout ------------------------------------------------------------------------------------------------

    def next_step(self, now_us: int) -> Step:
        """What to make the next piece of sound from, at `now_us`, when it is needed."""
        if self._next is None and not self._start(now_us):
            return Step(Verdict.IDLE)
        while True:
            step = self._advance()
            if step is not None:
                return step

    def skip(self, excess_us: int) -> None:
        """Throw away packets worth up to `excess_us`, but never the last one."""
        while len(self._queue) > 1:
            excess_us -= self._queue[min(self._queue)].duration_us
            if excess_us < 0:
                return
            self._discard_oldest()

    def _start(self, now_us: int) -> bool:
        if not self._queue:
            return False
        first = self._queue[min(self._queue)]
        if now_us - first.media_us - self._delay.base_us < self.desired_us:
            return False
        self._next = self._oldest_wanted = first.sequence
        self._position_us = first.media_us
        self._conceal_credit_us = 0
        return True

    def _advance(self) -> Step | None:
        """One move along the sequence; None where it made no sound, because that was concealed before."""
        wanted = self._next
        assert wanted is not None
        if not self._queue:
            return self._underrun()
        packet = self._queue.pop(wanted, None)
        if packet is not None:
            self._conceal_credit_us = 0
            self._move_to(wanted + 1, packet.media_us + packet.duration_us)
            self._duration_us = packet.duration_us
            self._has_paused = is_silent(packet.level)
            return Step(Verdict.PLAY, packet.duration_us, packet)
        return self._missing(wanted)

    def _missing(self, wanted: int) -> Step | None:
        follower = self._queue[min(self._queue)]
        gap_us = (follower.sequence - wanted) * self._duration_us
        if gap_us > _LONGEST_GAP_US:
            self.counters["lost"] += follower.sequence - wanted
            self._move_to(follower.sequence, follower.media_us)
            return None
        self.counters["lost"] += 1
        self._move_to(wanted + 1, self._position_us + self._duration_us)
        if self._conceal_credit_us >= self._duration_us:
            self._conceal_credit_us -= self._duration_us
            return None
        is_next = follower.sequence == wanted + 1
        self.counters["recovered" if is_next and follower.has_fec else "concealed"] += 1
        return Step(Verdict.RECOVER if is_next else Verdict.CONCEAL, self._duration_us, follower if is_next else None)

    def _underrun(self) -> Step:
        if self._has_paused:  # what follows silence needs no concealment
            self._next = None
            return Step(Verdict.IDLE)
        self._conceal_credit_us += 20_000
        if self._conceal_credit_us > _IDLE_AFTER_US:
            self._next = None
            return Step(Verdict.IDLE)
        self.counters["underruns"] += 1
        return Step(Verdict.UNDERRUN, 20_000)

    def _move_to(self, sequence: int, position_us: int) -> None:
        self._next = self._oldest_wanted = sequence
        self._position_us = position_us


def _signed(difference: int, bits: int) -> int:
    """`difference` of two counters of `bits` bits as the shortest way from one to the other."""
    half = 1 << (bits - 1)
    return (difference + half) % (1 << bits) - half
