"""A link between two ends with loss, delay, jitter and a queue before a narrow part; seeded, on anybody's clock."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Path:
    """What one direction does to packets."""

    loss: float = 0.0
    """Fraction lost, wherever the queue stands."""
    burst: float = 1.0
    """Mean number of packets lost in a row (Gilbert's two states); 1 is loss at random."""
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """At most so much more delay for a packet, which may overtake none."""
    rate_bps: int = 0
    """0: as fast as they come."""
    queue_bytes: int = 64_000
    """What waits before the narrow part; what comes when it is full is lost."""


class Link:
    """One direction. offer() tells when a packet comes out at the other end."""

    def __init__(self, path: Path, seed: int = 1) -> None:
        self.path = path
        self.lost = self.overflowed = self.passed = 0
        self._random = random.Random(seed)
        self._is_losing = False
        self._free_us = 0.0
        self._last_us = 0.0

    def offer(self, size_bytes: int, now_us: int) -> int | None:
        """When (in microseconds) a packet given now arrives; None where it is lost."""
        path = self.path
        waiting_us = max(0.0, self._free_us - now_us)
        if path.rate_bps and (waiting_us * path.rate_bps / 8e6 + size_bytes) > path.queue_bytes:
            self.overflowed += 1
            return None
        if path.rate_bps:
            self._free_us = now_us + waiting_us + size_bytes * 8e6 / path.rate_bps
        if self._loses():
            self.lost += 1
            return None
        self.passed += 1
        leaves_us = max(float(now_us), self._free_us)
        arrives_us = leaves_us + 1000 * (path.delay_ms + path.jitter_ms * self._random.random())
        self._last_us = max(self._last_us, arrives_us)
        return round(self._last_us)

    def queued_ms(self, now_us: int) -> float:
        """How long a packet given now would wait before the narrow part."""
        return max(0.0, self._free_us - now_us) / 1000

    def _loses(self) -> bool:
        """Gilbert: the mean stay in the losing state is `burst` packets, its share of all packets `loss`."""
        path = self.path
        if path.loss <= 0:
            return False
        if self._is_losing:
            self._is_losing = self._random.random() >= 1 / path.burst
        else:
            begins = path.loss / (path.burst * (1 - path.loss))
            self._is_losing = self._random.random() < begins
        if path.burst == 1:
            self._is_losing = self._random.random() < path.loss
        return self._is_losing
