"""How many MAC addresses may appear on a port: whoever invents some must not cost more than a bounded rate. Pure."""

from __future__ import annotations


class Arrivals:
    """Tokens that come back at a constant rate."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate = rate_per_s
        self._burst = self._tokens = burst
        self._updated = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may appear."""
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
