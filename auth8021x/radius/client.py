"""The RADIUS client on asyncio: moves datagrams, keeps one timer, hands out answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from auth8021x.errors import NoAnswerError
from auth8021x.radius.client_core import ClientCore
from auth8021x.radius.request import Answered, GaveUp, Request, ServerChanged

logger = logging.getLogger(__name__)


class Lanes(Protocol):
    """The sockets or connections towards one server."""

    def send(self, lane: int, octets: bytes) -> None:
        """Send on one of them, which is made first where it has to be."""

    def close(self) -> None:
        """Close them all."""


MakeLanes = Callable[["RadiusClient", int], Lanes]
"""Makes the lanes of a server by its number; what comes in goes to RadiusClient.receive()."""


class RadiusClient:
    """Asks the servers of a core. Close it."""

    def __init__(
        self, core: ClientCore, make_lanes: MakeLanes, changed: Callable[[str, bool], None] | None = None
    ) -> None:
        self.core = core
        self._loop = asyncio.get_running_loop()
        self._lanes = [make_lanes(self, number) for number in range(len(core.servers))]
        self._answers: dict[int, asyncio.Future[Answered]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._changed = changed
        self._is_closed = False

    async def ask(self, request: Request) -> Answered:
        """The answer to a request. Raises NoAnswerError."""
        if self._is_closed:
            raise NoAnswerError("the client is closed")
        ticket = self.core.ask(request, self._loop.time())
        answer: asyncio.Future[Answered] = self._loop.create_future()
        self._answers[ticket] = answer
        try:
            self._work()
            return await answer
        finally:
            del self._answers[ticket]
            self.core.cancel(ticket)

    def receive(self, server: int, lane: int, octets: bytes) -> None:
        """For the lanes: something came in."""
        if not self._is_closed:
            self.core.receive(server, lane, octets, self._loop.time())
            self._work()

    def lane_lost(self, server: int, lane: int) -> None:
        """For the lanes: a connection broke."""
        if not self._is_closed:
            self.core.lane_lost(server, lane, self._loop.time())
            self._work()

    def close(self) -> None:
        """Close all sockets; whoever waits gets NoAnswerError."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for lanes in self._lanes:
            lanes.close()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(NoAnswerError("the client is closed"))

    def _work(self) -> None:
        for datagram in self.core.datagrams_to_send():
            self._lanes[datagram.server].send(datagram.lane, datagram.octets)
        while (event := self.core.next_event()) is not None:
            if isinstance(event, ServerChanged):
                logger.warning("radius=%s %s", event.server, "answers again" if event.is_up else "does not answer")
                if self._changed is not None:
                    self._changed(event.server, event.is_up)
            else:
                self._settle(event)
        self._arm()

    def _settle(self, event: Answered | GaveUp) -> None:
        answer = self._answers.get(event.ticket)
        if answer is None or answer.done():
            return
        if isinstance(event, Answered):
            answer.set_result(event)
        else:
            answer.set_exception(NoAnswerError(event.failure.value))

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self.core.next_timeout()
        self._timer = None if due is None else self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.core.handle_timeout(self._loop.time())
        self._work()
