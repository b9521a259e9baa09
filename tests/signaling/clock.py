"""A clock that only moves when a test says so."""

from __future__ import annotations

import asyncio


class VirtualClock:
    """now() and sleep() of signaling.faces.Clock; advance() wakes sleepers in order."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.time + seconds, future))
        await future

    async def advance(self, seconds: float) -> None:
        end = self.time + seconds
        await self.settle()
        while due := [entry for entry in self._sleepers if entry[0] <= end and not entry[1].done()]:
            when, future = min(due, key=lambda entry: entry[0])
            self.time = max(self.time, when)
            self._sleepers.remove((when, future))
            future.set_result(None)
            await self.settle()
        self.time = end

    async def settle(self) -> None:
        """Let every task run until it waits."""
        for _ in range(20):
            await asyncio.sleep(0)
