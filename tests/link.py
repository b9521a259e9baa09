"""A link between two ends with loss, delay, jitter and a queue before a narrow part; seeded, on anybody's clock."""

from __future__ import annotations

import random
from dataclasses import dataclass

CYCLE = 200
"""Packets of which random loss takes its exact share."""
_LENGTHS = (1.0, 0.5, 1.5)
"""Of bursts, one after the other, in parts of their mean."""


@dataclass(frozen=True, slots=True)
class Path:
    """What one direction does to packets."""

    loss: float = 0.0
    """Fraction lost, wherever the queue stands: of every CYCLE packets, or one burst in as many as make its share."""
    burst: float = 1.0
    """Mean number of packets lost in a row; 1 is loss at random."""
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """At most so much more delay for a packet, which may overtake none."""
    rate_bps: int = 0
    """0: as fast as they come."""
    queue_bytes: int = 64_000
    """What waits before the narrow part; what comes when it is full is lost."""


class Losses:
    """Which packets of a path are lost, by their number: the same at each run, and in every few seconds of it.

    Chance decides where in a cycle, not whether: a test that looks for seconds sees what the path is like.
    """

    def __init__(self, path: Path, chance: random.Random) -> None:
        self._path = path
        self._chance = chance
        self._position = self._length = self._cycles = 0
        self._lost: frozenset[int] = frozenset()

    def loses_next(self) -> bool:
        """Whether the next packet is lost."""
        if self._path.loss <= 0:
            return False
        if self._position == self._length:
            self._plan()
        self._position += 1
        return self._position - 1 in self._lost

    def _plan(self) -> None:
        path = self._path
        self._position = 0
        self._cycles += 1
        if path.burst == 1:
            self._length = CYCLE
            self._lost = frozenset(self._chance.sample(range(CYCLE), round(path.loss * CYCLE)))
            return
        self._length = round(path.burst / path.loss)
        lost = min(self._length, round(path.burst * _LENGTHS[self._cycles % len(_LENGTHS)]))
        first = self._chance.randrange(self._length - lost + 1)
        self._lost = frozenset(range(first, first + lost))


class Link:
    """One direction. offer() tells when a packet comes out at the other end."""

    def __init__(self, path: Path, seed: int = 1) -> None:
        self.lost = self.overflowed = self.passed = 0
        self._random = random.Random(seed)
        self.path = path
        self._free_us = 0.0
        self._last_us = 0.0

    @property
    def path(self) -> Path:
        """May be replaced at any time."""
        return self._path

    @path.setter
    def path(self, path: Path) -> None:
        self._path = path
        self._losses = Losses(path, self._random)

    def offer(self, size_bytes: int, now_us: int) -> int | None:
        """When (in microseconds) a packet given now arrives; None where it is lost."""
        path = self._path
        waiting_us = max(0.0, self._free_us - now_us)
        if path.rate_bps and (waiting_us * path.rate_bps / 8e6 + size_bytes) > path.queue_bytes:
            self.overflowed += 1
            return None
        if path.rate_bps:
            self._free_us = now_us + waiting_us + size_bytes * 8e6 / path.rate_bps
        if self._losses.loses_next():
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
