"""When pictures are read and decoded: shortly before the tick that shows them, many in one go.

A frame that is decoded on arrival waits for the tick anyway; but each one wakes two threads, each on a cold cache,
which doubles what decoding costs. Pure: time comes in with each call, in microseconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

_LEAST_LEAD_US = 5_000
_FACTOR = 2.0
"""The lead over the time that decoding takes: processors may be busy with others."""
_SHRINKS_BY = 3
_LAST_US = 1_500
"""No reading is closer to its tick: what comes later is shown by the next one."""


class Intake:
    """Two or three readings before each tick, the later the closer; the first as early as decoding needs it."""

    def __init__(self) -> None:
        self.decoding_us = 0.0
        """How long what arrives between two ticks takes to decode; to be kept up to date."""

    def next_us(self, now_us: int, tick_us: int, interval_us: int) -> int:
        """When to read next, after a reading at `now_us`; `tick_us` is some tick, ticks lie `interval_us` apart."""
        missed = (now_us + 2 * _LAST_US - tick_us) // interval_us + 1
        tick_us += max(0, missed) * interval_us
        left_us = tick_us - now_us
        lead_us = min(max(round(self.decoding_us * _FACTOR), 0) + _LEAST_LEAD_US, interval_us - _LAST_US)
        return tick_us - (lead_us if left_us > lead_us else max(left_us // _SHRINKS_BY, _LAST_US))
