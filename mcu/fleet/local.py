"""All workers on this machine."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter

from mcu.fleet.local_worker import LocalWorker


class LocalFleet:
    """All workers of this machine; a room stays with the worker that it was given."""

    def __init__(self, workers: list[LocalWorker]) -> None:
        if not workers:
            raise ValueError("a fleet needs a worker")
        self.workers = workers
        self._rooms: dict[str, LocalWorker] = {}
        self._legs = itertools.count(1)

    def start(self) -> None:
        """Start all workers."""
        for worker in self.workers:
            worker.start()

    async def ready(self) -> None:
        """Return when all workers can take calls. Raises WorkerError."""
        await asyncio.gather(*(worker.ready() for worker in self.workers))

    async def stop(self) -> None:
        """Stop all workers."""
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    def next_leg_id(self) -> int:
        """A leg number that was never used since the server started."""
        return next(self._legs)

    async def worker_for(self, room: str) -> LocalWorker:
        """The worker that holds `room`; a new room goes where the fewest rooms are."""
        if room not in self._rooms:
            load = Counter(worker.number for worker in self._rooms.values())
            self._rooms[room] = min(self.workers, key=lambda worker: load[worker.number])
        return self._rooms[room]

    def release(self, room: str) -> None:
        """The room is closed; its next conference may live elsewhere."""
        self._rooms.pop(room, None)
