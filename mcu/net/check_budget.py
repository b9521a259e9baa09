"""How many ICE checks of addresses that have passed none yet are looked at: each costs what a hundred packets do."""

from __future__ import annotations

_WINDOW_US = 1_000_000


class CheckBudget:
    """One for the whole process."""

    def __init__(self, max_per_s: int) -> None:
        self._max_per_s = max_per_s
        self._window_us = self._taken = 0

    def take(self, now_us: int) -> bool:
        """Whether one more may be looked at."""
        if now_us - self._window_us > _WINDOW_US:
            self._window_us, self._taken = now_us, 0
        self._taken += 1
        return self._taken <= self._max_per_s
