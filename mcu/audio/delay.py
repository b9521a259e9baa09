"""How long packets of one source must wait so that late ones arrive in time, learnt from their arrivals."""

from __future__ import annotations

from collections import deque

MAX_DELAY_US = 200_000
_BIN_US = 5_000
_BINS = MAX_DELAY_US // _BIN_US + 1
_FORGETTING = 0.998
"""Weight of the past at each packet: about 10 s are remembered at 50 packets a second."""
ACCEPTED_LATE, ACCEPTED_OF_REPEATS = 0.01, 0.006
"""The share of packets that may come too late; less where some of them come a second time, since others never do."""
_MAX_WEIGHT = 1e6
_PACKETS_A_JUDGEMENT = 10
"""The wait shrinks slowly anyway; it grows at once."""
_WINDOW_US = 2_000_000
_WINDOWS = 5


class DelayEstimator:
    """Keeps the smallest transit of the last 10 s and a fading histogram of how much later packets came."""

    def __init__(self) -> None:
        self._minima: deque[tuple[int, int]] = deque(maxlen=_WINDOWS)
        self._histogram = [0.0] * _BINS
        self._total = 0.0
        self._weight = 1.0
        """Of the next packet: it grows instead of all others shrinking."""
        self._base_us: int | None = None
        self._until_judged = 0
        self.accepted_late = ACCEPTED_LATE
        self.target_us = 0
        """The wait that all but the latest packets need, 0..MAX_DELAY_US; 0 while they come regularly."""

    @property
    def base_us(self) -> int:
        """The smallest transit: arrival minus media time; an arbitrary number, since the clocks differ."""
        return self._base_us or 0

    def add(self, transit_us: int, now_us: int) -> None:
        """Take note of a packet whose arrival minus media time is `transit_us`."""
        self._slide(transit_us, now_us)
        late = min(_BINS - 1, max(0, transit_us - self.base_us) // _BIN_US)
        self._histogram[late] += self._weight
        self._total += self._weight
        self._weight /= _FORGETTING
        self._until_judged -= 1
        if self._until_judged > 0 and (not late or late * _BIN_US < self.target_us):
            return
        self._until_judged = _PACKETS_A_JUDGEMENT
        self._judge()

    def _judge(self) -> None:
        accepted = self.accepted_late * self._total
        highest, beyond = _BINS - 1, self._histogram[_BINS - 1]
        while highest and beyond <= accepted:
            highest -= 1
            beyond += self._histogram[highest]
        self.target_us = min(MAX_DELAY_US, (highest + 1) * _BIN_US) if highest else 0
        if self._weight > _MAX_WEIGHT:
            self._histogram = [each / self._weight for each in self._histogram]
            self._total /= self._weight
            self._weight = 1.0

    def _slide(self, transit_us: int, now_us: int) -> None:
        if not self._minima or now_us - self._minima[-1][0] >= _WINDOW_US:
            self._minima.append((now_us, transit_us))
        elif transit_us < self._minima[-1][1]:
            self._minima[-1] = (self._minima[-1][0], transit_us)
        else:
            return
        base = min(transit for _, transit in self._minima)
        if self._base_us is not None:
            self._shift(int((base - self._base_us) / _BIN_US))
        self._base_us = base

    def _shift(self, bins: int) -> None:
        """The base rose by so many bins (fell, when negative): what was late against the old one is less so now."""
        if bins == 0:
            return
        moved = [0.0] * _BINS
        for late, weight in enumerate(self._histogram):
            moved[min(_BINS - 1, max(0, late - bins))] += weight
        self._histogram = moved
