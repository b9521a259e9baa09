"""How much of something passes in a second: for what a peer can bring about in other processes by each packet."""

from __future__ import annotations

_WINDOW_US = 1_000_000


class Ration:
    """Pure; one for each leg and kind of message."""

    __slots__ = ("_max_per_s", "_taken", "_window_us")

    def __init__(self, max_per_s: int) -> None:
        self._max_per_s = max_per_s
        self._window_us = self._taken = 0

    def take(self, now_us: int) -> bool:
        """Whether one more may pass."""
        if now_us - self._window_us >= _WINDOW_US:
            self._window_us, self._taken = now_us, 0
        self._taken += 1
        return self._taken <= self._max_per_s
