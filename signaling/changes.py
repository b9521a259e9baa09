"""Callers who wait for something to change in a room: a bounded number, woken early rather than late."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from signaling.faces import Clock, RunningRooms
from signaling.lines import LineFull

_MIN_PAUSE_S = 0.05


class Changes:
    """Wakes those who wait for a room when its conference or its stored settings change, and every `recheck_s`."""

    def __init__(self, running: RunningRooms, clock: Clock, *, most: int, recheck_s: float) -> None:
        self._running = running
        self._clock = clock
        self._most = most
        self._recheck_s = recheck_s
        self._events: dict[str, set[asyncio.Event]] = {}
        self._waiting = 0
        self.version = 0
        """Grows with every report; read it before looking, and give it to wait()."""

    def __len__(self) -> int:
        return self._waiting

    def report(self, number: str) -> None:
        """The stored room changed."""
        self.version += 1
        for event in self._events.get(number, ()):
            event.set()

    async def wait(self, number: str, *, since: int) -> None:
        """Return after a change, early at worst. Raises LineFull when too many wait."""
        if self._waiting >= self._most:
            raise LineFull(number)
        event = asyncio.Event()
        self._waiting += 1
        self._events.setdefault(number, set()).add(event)
        try:
            if self.version != since:
                event.set()
            await self._first(event.wait(), self._running.wait(number), self._clock.sleep(self._recheck_s))
            # A room whose wait() returns at once must not make us spin.
            await self._clock.sleep(_MIN_PAUSE_S)
        finally:
            self._waiting -= 1
            self._events[number].discard(event)
            if not self._events[number]:
                del self._events[number]

    async def _first(self, *waits: Coroutine[object, object, object]) -> None:
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
