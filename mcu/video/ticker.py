"""When pictures are made: a grid of absolute times, what is missed is left out, how late ticks start is measured.

Pure: time comes in with each call, in microseconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

from collections import deque

_KEPT = 500


class Ticker:
    """Ticks lie at whole multiples of 1/rate second, so that all processes of a worker agree on them."""

    def __init__(self, rate: int, now_us: int) -> None:
        self._rate = rate
        self.step = 1
        """Every so many of the grid are taken; see take_every()."""
        self._index = self._index_at(now_us) + 1
        self._lateness_us: deque[int] = deque(maxlen=_KEPT)
        self.skipped = 0

    @property
    def interval_us(self) -> int:
        """From one tick to the next."""
        return 1_000_000 * self.step // self._rate

    @property
    def rate(self) -> float:
        """Ticks a second."""
        return self._rate / self.step

    @property
    def lateness_us(self) -> int:
        """How late the last tick started."""
        return self._lateness_us[-1] if self._lateness_us else 0

    def take_every(self, step: int) -> None:
        """From the next tick on take every so many of the grid."""
        if step != self.step:
            self.step = step
            self._index += -self._index % step

    @property
    def next_us(self) -> int:
        """When the next tick is to start."""
        return self._time_of(self._index)

    def start(self, now_us: int) -> int | None:
        """The nominal time of the tick that starts now, None when it is too early; whole ticks missed are skipped."""
        if now_us < self.next_us:
            return None
        self._lateness_us.append(now_us - self.next_us)
        current = self._index_at(now_us)
        self.skipped += (current - self._index) // self.step
        self._index = current + self.step
        return self._time_of(current)

    def lateness_p99_ms(self) -> float:
        """How late 99 of 100 of the last ticks started at most."""
        if not self._lateness_us:
            return 0.0
        ordered = sorted(self._lateness_us)
        return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] / 1000

    def _time_of(self, index: int) -> int:
        return -(-index * 1_000_000 // self._rate)

    def _index_at(self, now_us: int) -> int:
        index = now_us * self._rate // 1_000_000
        return index - index % self.step
