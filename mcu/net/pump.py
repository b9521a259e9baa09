"""Lets legs with waiting packets send in turns, so that a picture for hundreds of legs does not hold the loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

_PACE_S = 0.005
_BUDGET_US = 3_000
"""Then sockets and channels get their turn before the next leg."""


class Pump:
    """`send(leg, now_us)` sends what a leg may send now; it calls fill() again when more waits."""

    def __init__(self, send: Callable[[int, int], None]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._now: deque[int] = deque()
        self._later: set[int] = set()
        self._is_running = False
        self._next: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None

    def fill(self, leg: int) -> None:
        """`leg` has packets: it sends in this turn of the loop, or in 5 ms when it has just sent its burst."""
        if self._is_running:
            self._later.add(leg)
            return
        self._now.append(leg)
        self._schedule()

    def close(self) -> None:
        """Send no more."""
        for handle in (self._next, self._timer):
            if handle is not None:
                handle.cancel()

    def _schedule(self) -> None:
        if self._next is None:
            self._next = self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._next = None
        self._is_running = True
        now_us = started_us = time.monotonic_ns() // 1000
        while self._now and now_us - started_us < _BUDGET_US:
            self._send(self._now.popleft(), now_us)
            now_us = time.monotonic_ns() // 1000
        self._is_running = False
        if self._now:
            self._schedule()
        if self._later and self._timer is None:
            self._timer = self._loop.call_later(_PACE_S, self._again)

    def _again(self) -> None:
        self._timer = None
        self._now.extend(self._later)
        self._later.clear()
        self._schedule()
