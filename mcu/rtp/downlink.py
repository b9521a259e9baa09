"""What the path to one peer carries, as far as its reports tell (draft-ietf-rmcat-gcc-02 section 6).

Nothing is assumed until something goes wrong. Heavy loss, a queue that stands (round trips that stay long) or a REMB
below what is sent bring the estimate down to what arrived, at once. Then it is held, and grows. What is sent says
little about a path that carries much more, so it is filled for a moment before the estimate goes there. Each trouble
soon after the last doubles the time for which the estimate is held, so that a path is not tried all the time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import sqrt

UNKNOWN_BPS = 4_000_000
"""No trouble was seen: more than any of our outputs takes."""
LEAST_BPS = 100_000
LIGHT_LOSS, HEAVY_LOSS, GROSS_LOSS = 0.02, 0.10, 0.25
"""Section 6: below the first a path may take more, above the second less; what is between may be its nature.
Some bursts on a bad path look like the second for a moment, so it counts over some seconds, and the third at once."""
_KEPT_SHARE = 0.9
"""Of what arrived while a queue grew; less than that empties it."""
_GROWTH, _WARY_GROWTH = 1.08, 1.04
"""A second (section 5.5: 8 %); the second one while some packets are lost."""
_SENT_SHARE = 1.5
"""The estimate grows so far beyond what is sent (section 5.5), and then by probes."""
_PROBE_GAIN = 1.6
PROBE_US = 1_200_000
"""So long that one of the peer's reports, a second apart, is about it."""
_WINDOW_US, _LONG_WINDOW_US = 2_000_000, 5_000_000
_LEAST_EXPECTED = 60
"""Packets whose loss says something."""
_DEVIATIONS = 2.0
"""So many standard deviations the loss of a few packets strays from that of their path: at 5 %, 8 of 75 may be lost."""
_HELD_US, _LONGEST_HELD_US = 15_000_000, 480_000_000
_FORGIVEN_AFTER = 4
"""So many times as long as it was held without trouble, and the next trouble is a first one again."""
_QUEUE_US = 120_000
"""A round trip longer than the shortest by this, and by a third, may be a queue."""
_QUEUE_SAMPLES, _LONG_QUEUE_SAMPLES, _TRIAL_SAMPLES = 5, 3, 2
"""It is one when so many in a row are long: a busy machine delays some reports, too, but not all, nor all alike."""
_LONG_QUEUE_US = 1_000_000
"""Such a queue has to be emptied sooner."""
_STANDING_SHARE = 2 / 3
"""A queue that stands does not shrink by more than a third from one round trip to the next."""
_AT_ONCE_US = 300_000
"""Reports that come together after a pause tell of one queue once."""
_OWN_QUEUE_BPS = 250_000
"""Who is sent less than this and answers late is busy, mostly, behind a path that is not full."""
_BASE_US = 60_000_000
"""For so long the shortest round trip counts; routes change."""
_SETTLING_US = 1_500_000
"""And two round trips: for so long reports tell of what was sent before."""
_MAX_STEP_US = 5_000_000
_MAX_SAMPLES = 64


@dataclass(frozen=True, slots=True)
class Arrival:
    """What reports of the peer, come together, tell of the time since the last ones."""

    expected: int
    """Packets of all streams, first copies only."""
    lost: int
    sent_bytes: int
    """In all, since the leg began to send."""
    round_trip_us: int = 0
    """Measured now; 0 where it was not."""


class RoundTrips:
    """Whether a queue stands on the path: the latest round trips against the shortest of the last minute or two."""

    def __init__(self) -> None:
        self.latest_us = 0
        self._shortest = self._before = 0
        self._began_us = self._counted_us = 0
        self._long = self._excess_us = 0

    def add(self, round_trip_us: int, now_us: int, *, may_be_long: bool = True) -> None:
        """One was measured; while a queue of before may still empty itself, a long one says nothing."""
        self.latest_us = round_trip_us
        if now_us - self._began_us > _BASE_US:
            self._before, self._shortest, self._began_us = self._shortest, round_trip_us, now_us
        self._shortest = min(self._shortest or round_trip_us, round_trip_us)
        before_us, self._excess_us = self._excess_us, round_trip_us - self.base_us
        if not may_be_long or self._excess_us <= max(_QUEUE_US, self.base_us // 3):
            self._long = 0
        elif self._excess_us < _STANDING_SHARE * before_us:
            self._long = 1
        elif now_us - self._counted_us >= _AT_ONCE_US:
            self._long += 1
            self._counted_us = now_us

    @property
    def base_us(self) -> int:
        """Without a queue; 0 while unknown."""
        return min(self._shortest, self._before or self._shortest)

    def has_queue(self, samples: int = _QUEUE_SAMPLES) -> bool:
        """So many in a row were long, or fewer where the queue is."""
        is_long = self._excess_us > _LONG_QUEUE_US
        return self._long >= (min(samples, _LONG_QUEUE_SAMPLES) if is_long else samples)

    def forget_queue(self) -> None:
        """What is sent changes now: look anew."""
        self._long = 0


class Downlink:
    """Fed with every report; `bitrate_bps` is what all streams to the peer may take together."""

    def __init__(self, now_us: int, sent_bytes: int = 0) -> None:
        """`sent_bytes` is what had gone out before."""
        self.bitrate_bps = UNKNOWN_BPS
        self.troubles = 0
        """How often the path was found to carry less than it was given."""
        self._trips = RoundTrips()
        self._losses: deque[tuple[int, int, int]] = deque(maxlen=_MAX_SAMPLES)
        self._sent: deque[tuple[int, int]] = deque([(now_us, sent_bytes)], maxlen=_MAX_SAMPLES)
        self._held_us = 0
        self._held_until_us = 0
        self._found_bps = 0
        """What the path was found to carry at the last trouble; 0 where there was none, or it is long over."""
        self._proven_bps = 0
        """What a probe showed since the last trouble."""
        self._probe_bps = 0
        """What the path is filled to now, until reports tell of it at `_probed_us`."""
        self._probed_us = 0
        self._settled_us = 0
        self._grown_us = now_us

    @property
    def is_limited(self) -> bool:
        """Whether anything is known that would keep an output from the peer."""
        return self.bitrate_bps < UNKNOWN_BPS

    @property
    def sent_bps(self) -> int:
        """What went out of late, repeats left out."""
        (first_us, first), (last_us, last) = self._sent[0], self._sent[-1]
        return (last - first) * 8_000_000 // (last_us - first_us) if last_us > first_us else 0

    def receive_arrival(self, arrival: Arrival, now_us: int) -> None:
        """Reports came."""
        self._note(arrival, now_us)
        loss, recent = self._loss(now_us - _LONG_WINDOW_US), self._loss(now_us - _WINDOW_US)
        # More is tried than the path carried once: the first sign that it still does not is enough.
        is_trial = 0 < self._found_bps < max(self.sent_bps, self._probe_bps)
        is_heavy = self._loses(HEAVY_LOSS, now_us - _LONG_WINDOW_US) or self._loses(
            HEAVY_LOSS if is_trial else GROSS_LOSS, now_us - _WINDOW_US
        )
        has_queue = self._has_queue(_TRIAL_SAMPLES if is_trial else _QUEUE_SAMPLES)
        if self._probe_bps:
            self._judge_probe(is_heavy or self._has_queue(1), now_us)
        elif is_heavy or has_queue:
            self._trouble(int(self.sent_bps * (1 - max(loss, recent)) * _KEPT_SHARE), now_us)
        elif now_us >= self._held_until_us and not has_queue and recent < HEAVY_LOSS:
            self._grow(_GROWTH if loss < LIGHT_LOSS else _WARY_GROWTH, now_us)
        else:
            self._grown_us = now_us

    def receive_estimate(self, bitrate_bps: int, now_us: int) -> None:
        """The peer's own word (REMB): only less than what is sent, and only beside a queue or loss of our own counts.

        Chromium takes random loss and the pauses of paced pictures for a narrow path, and follows what it is sent down.
        """
        has_signs = self._has_queue(_QUEUE_SAMPLES) or self._loses(HEAVY_LOSS, now_us - _WINDOW_US)
        if has_signs and 0 < bitrate_bps < min(self.bitrate_bps, self.sent_bps):
            self._trouble(bitrate_bps, now_us)

    def wanted_probe(self, now_us: int) -> int:
        """The rate in bit/s to which the path should be filled for PROBE_US now, with whatever fits; 0: none."""
        is_free = self.is_limited and not self._probe_bps and now_us >= max(self._held_until_us, self._settled_us)
        return int(self.bitrate_bps * _PROBE_GAIN) if is_free and self.bitrate_bps >= self._ceiling_bps else 0

    def begin_probe(self, bitrate_bps: int, now_us: int, *, can_fill: bool = True) -> None:
        """The path is filled to this; where nothing can fill it, what is sent next is the trial."""
        if can_fill:
            self._probe_bps = bitrate_bps
            self._probed_us = now_us + PROBE_US + _SETTLING_US + self._trips.latest_us
        else:
            self._proven_bps = bitrate_bps

    @property
    def _ceiling_bps(self) -> int:
        return max(int(self.sent_bps * _SENT_SHARE), self._proven_bps)

    def _judge_probe(self, is_trouble: bool, now_us: int) -> None:
        """A path that cannot be filled further carries what it is given all the same."""
        self._grown_us = now_us
        if is_trouble:
            self._probe_bps = 0
            self._held_us = min(max(_HELD_US, 2 * self._held_us), _LONGEST_HELD_US)
            self._held_until_us = now_us + self._held_us
            self._settle(now_us + 2 * PROBE_US)  # what fills a long queue takes its time to leave it
        elif now_us >= self._probed_us:
            self._proven_bps, self._probe_bps = self._probe_bps, 0
            self.bitrate_bps = min(UNKNOWN_BPS, self._proven_bps)

    def _note(self, arrival: Arrival, now_us: int) -> None:
        is_settled = now_us >= self._settled_us
        if arrival.expected > 0 and is_settled:
            self._losses.append((now_us, min(max(0, arrival.lost), arrival.expected), arrival.expected))
        while self._losses and self._losses[0][0] <= now_us - _LONG_WINDOW_US:
            self._losses.popleft()
        self._sent.append((now_us, arrival.sent_bytes))
        while len(self._sent) > 2 and self._sent[1][0] <= now_us - _WINDOW_US:
            self._sent.popleft()
        if arrival.round_trip_us > 0:
            self._trips.add(arrival.round_trip_us, now_us, may_be_long=is_settled)

    def _loss(self, since_us: int) -> float:
        lost, expected = self._counts(since_us)
        return lost / expected

    def _loses(self, share: float, since_us: int) -> bool:
        """Whether the path loses more than this, and it is not chance."""
        lost, expected = self._counts(since_us)
        return lost - _DEVIATIONS * sqrt(lost) > share * expected

    def _counts(self, since_us: int) -> tuple[int, int]:
        """Packets lost and expected; none of one where so few were expected that they say nothing."""
        counts = [(lost, expected) for at_us, lost, expected in self._losses if at_us > since_us]
        expected = sum(expected for _, expected in counts)
        return (sum(lost for lost, _ in counts), expected) if expected >= _LEAST_EXPECTED else (0, 1)

    def _has_queue(self, samples: int) -> bool:
        return self._trips.has_queue(samples) and self.sent_bps > _OWN_QUEUE_BPS

    def _trouble(self, bitrate_bps: int, now_us: int) -> None:
        """Down at once. What belongs to one trouble counts once for the time that it is held."""
        if now_us > self._settled_us or not self.troubles:
            is_first = now_us - self._held_until_us > _FORGIVEN_AFTER * self._held_us
            self._held_us = _HELD_US if is_first else min(2 * self._held_us, _LONGEST_HELD_US)
            self.troubles += 1
        self.bitrate_bps = max(LEAST_BPS, min(self.bitrate_bps, bitrate_bps))
        self._found_bps = self.bitrate_bps
        self._grown_us = now_us
        self._proven_bps = self._probe_bps = 0
        self._held_until_us = now_us + self._held_us
        self._settle(now_us)

    def _settle(self, now_us: int) -> None:
        self._settled_us = now_us + _SETTLING_US + 2 * self._trips.latest_us
        self._losses.clear()
        self._trips.forget_queue()

    def _grow(self, growth: float, now_us: int) -> None:
        step_s = min(now_us - self._grown_us, _MAX_STEP_US) / 1_000_000
        self._grown_us = now_us
        if self.is_limited:
            grown_bps = min(int(self.bitrate_bps * growth**step_s), self._ceiling_bps)
            self.bitrate_bps = min(UNKNOWN_BPS, max(self.bitrate_bps, grown_bps))
        else:
            self._found_bps = 0
