"""How many pictures a second are made: all of them, or every other one while the processors have no time for all.

Decoding and sound go on as they are; composing and encoding are what halving saves. Pure: time comes in with each
call, in microseconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

_LATE_SHARE = 0.5
"""A tick that starts so much of an interval late is late."""
_MEMORY_TICKS = 40
_HALVES_AT, _WELL_AT = 0.5, 0.1
"""Shares of late ticks; from none to the first it takes 28 late ticks in a row, over a second."""
_BUSY_SHARE = 0.6
"""Full again only when the work of a tick fits into so much of the full interval."""
_CALM_US = 5_000_000
_MOST_CALM_US = 60_000_000
_RELAPSE_US = 30_000_000


class Pace:
    """`step` is 1, or 2 where every other tick is left out; it goes back slowly, and more slowly after a relapse."""

    def __init__(self, interval_us: int) -> None:
        """`interval_us` is that of the full rate."""
        self.step = 1
        self._interval_us = interval_us
        self._late = 0.0
        self._calm_since_us = 0
        self._calm_us = _CALM_US
        self._full_since_us = -_RELAPSE_US

    def note(self, now_us: int, late_us: int, busy_us: int) -> None:
        """A tick ends now: so late it started, so long it took."""
        is_late = late_us >= self._interval_us * _LATE_SHARE
        self._late += (is_late - self._late) / _MEMORY_TICKS
        if self.step == 1:
            if self._late > _HALVES_AT:
                self._halve(now_us)
        elif self._late > _WELL_AT or busy_us > self._interval_us * _BUSY_SHARE:
            self._calm_since_us = now_us
        elif now_us - self._calm_since_us >= self._calm_us:
            self.step, self._late, self._full_since_us = 1, 0.0, now_us

    def _halve(self, now_us: int) -> None:
        has_relapsed = now_us - self._full_since_us < _RELAPSE_US
        self._calm_us = min(_MOST_CALM_US, self._calm_us * 2) if has_relapsed else _CALM_US
        self.step, self._late, self._calm_since_us = 2, 0.0, now_us
