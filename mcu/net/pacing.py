"""Spreads the packets of a large picture, so that a burst carries a few milliseconds of a leg's rate.

An ordinary picture goes out at once: each further send costs the net process as much as protecting all its packets.
"""

from __future__ import annotations

import math


class Pacer:
    """A token bucket that holds one burst; the packet that exceeds it is still let through and paid for later."""

    def __init__(self, rate_bps: int, burst_ms: int, min_burst_bytes: int = 0) -> None:
        self._burst_ms = burst_ms
        self._min_burst_bytes = min_burst_bytes
        self._rate_bps = 0
        self._tokens = math.inf
        self._filled_us = 0
        self.set_rate(rate_bps)

    def set_rate(self, rate_bps: int) -> None:
        """From now on; tokens in hand are kept within the new burst."""
        if rate_bps == self._rate_bps:
            return
        self._rate_bps = rate_bps
        self._burst_bytes = max(self._min_burst_bytes, rate_bps * self._burst_ms / 8000)
        self._tokens = min(self._tokens, self._burst_bytes)

    def budget_bytes(self, now_us: int) -> float:
        """How much may be sent now; nothing when not positive."""
        self._tokens = min(self._burst_bytes, self._tokens + self._rate_bps * (now_us - self._filled_us) / 8_000_000)
        self._filled_us = now_us
        return self._tokens

    def spend(self, size_bytes: int) -> None:
        """So much was sent."""
        self._tokens -= size_bytes
