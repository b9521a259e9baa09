"""How long a disk lasts, at the rate at which it fills now."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 60.0
_LEAST_S = 5.0
"""Less says little: blocks are counted late."""


class SpaceForecast:
    """Takes what is free now and then; whoever else writes on that disk is in it."""

    def __init__(self, min_free_bytes: int) -> None:
        """Recordings end when less than `min_free_bytes` is left."""
        self._min_free_bytes = min_free_bytes
        self._seen: deque[tuple[float, int, int]] = deque()
        self.is_low = False
        """Less is free than has to be."""

    def note(self, now_s: float, free_bytes: int, written_bytes: int) -> None:
        """What is free now, and how much one recording has written so far."""
        self.is_low = free_bytes < self._min_free_bytes
        self._seen.append((now_s, free_bytes, written_bytes))
        while now_s - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()

    @property
    def left_s(self) -> float | None:
        """Until recordings end for lack of room; None while nobody can say, or nothing is used up."""
        if not self._seen:
            return None
        (began_s, free_then, written_then), (now_s, free_now, written_now) = self._seen[0], self._seen[-1]
        used = max(free_then - free_now, written_now - written_then)
        if now_s - began_s < _LEAST_S or used <= 0:
            return None
        return max(0, free_now - self._min_free_bytes) * (now_s - began_s) / used
