"""A server and a participant joined by a link that loses, repeats and delays, with a clock of its own."""

from __future__ import annotations

import heapq
import itertools
from random import Random

from signaling.bfcp.client import FloorClient
from signaling.bfcp.events import Event, FloorRequested
from signaling.bfcp.message import RELIABLE, UNRELIABLE
from signaling.bfcp.server import FloorServer

CONFERENCE, USER, FLOOR = 4711, 12, 1


class Pair:
    """`server` answers every request by `policy`."""

    def __init__(self, *, loss: float = 0.0, is_reliable: bool = False, seed: int = 1, grants: bool = True) -> None:
        version = RELIABLE if is_reliable else UNRELIABLE
        self.server = FloorServer(CONFERENCE, USER, FLOOR, version, 100)
        self.client = FloorClient(CONFERENCE, USER, FLOOR, version, 500)
        self.server_events: list[Event] = []
        self.client_events: list[Event] = []
        self.now = 0.0
        self.grants = grants
        self.sent: list[bytes] = []
        self._loss = loss
        self._random = Random(seed)
        self._under_way: list[tuple[float, int, object, bytes]] = []
        self._order = itertools.count()

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.now + seconds
        self._work()
        while (due := self._next()) is not None and due <= end:
            self.now = max(self.now, due)
            while self._under_way and self._under_way[0][0] <= self.now:
                _, _, to, data = heapq.heappop(self._under_way)
                to.receive(data, self.now)  # type: ignore[attr-defined]
                self._work()
            for core in (self.server, self.client):
                if (timeout := core.next_timeout()) is not None and timeout <= self.now:
                    core.handle_timeout(self.now)
            self._work()
        self.now = end

    def _next(self) -> float | None:
        times = [self._under_way[0][0]] if self._under_way else []
        times += [timeout for core in (self.server, self.client) if (timeout := core.next_timeout()) is not None]
        return min(times, default=None)

    def _work(self) -> None:
        while (event := self.server.next_event()) is not None:
            self.server_events.append(event)
            if isinstance(event, FloorRequested):
                (self.server.grant if self.grants else self.server.deny)(event.request, self.now)
        while (event := self.client.next_event()) is not None:
            self.client_events.append(event)
        for origin, to in ((self.server, self.client), (self.client, self.server)):
            for data in origin.data_to_send():  # type: ignore[attr-defined]
                self.sent.append(data)
                if self._random.random() >= self._loss:
                    heapq.heappush(self._under_way, (self.now + 0.02, next(self._order), to, data))
