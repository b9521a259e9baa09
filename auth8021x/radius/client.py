"""The RADIUS client on asyncio: moves datagrams, keeps one timer, hands out answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from auth8021x.errors import NoAnswerError
from auth8021x.radius.client_core import ClientCore
from auth8021x.radius.request import Answered, Request, ServerChanged

logger = logging.getLogger(__name__)

_CLOSED: Final = "the client is closed"


class Lanes(Protocol):
    """The sockets or connections towards one server."""

    def send(self, lane: int, octets: bytes) -> None:
        """Send on one of them, which is made first where it has to be."""

    def close(self) -> None:
        """Close them all."""


MakeLanes = Callable[["RadiusClient", int], Lanes]
"""Makes the lanes of a server by its number; what comes in goes to RadiusClient.receive()."""
Done = Callable[[Answered | NoAnswerError], None]
"""Is told what came of a request."""


class RadiusClient:
    """Asks the servers of a core. Close it."""

    def __init__(
        self, core: ClientCore, make_lanes: MakeLanes, changed: Callable[[str, bool], None] | None = None
    ) -> None:
        self.core = core
        self._loop = asyncio.get_running_loop()
        self._lanes = [make_lanes(self, number) for number in range(len(core.servers))]
        self._waiting: dict[int, Done] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._changed = changed
        self._is_closed = False

    async def ask(self, request: Request) -> Answered:
        """The answer to a request. Raises NoAnswerError."""
        answer: asyncio.Future[Answered] = self._loop.create_future()
        ticket = self._begin(request, partial(_settle, answer))
        try:
            return await answer
        finally:
            self._waiting.pop(ticket, None)
            self.core.cancel(ticket)

    def begin(self, request: Request, done: Done) -> None:
        """The same for who does not wait: `done` may be called before this returns, and is called once."""
        self._begin(request, done)

    def receive(self, server: int, lane: int, octets: bytes) -> None:
        """For the lanes: something came in."""
        if not self._is_closed:
            self.core.receive(server, lane, octets, self._loop.time())
            self._hand_out()  # what comes in brings no deadline forward

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
        waiting, self._waiting = self._waiting, {}
        for done in waiting.values():
            _tell(done, NoAnswerError(_CLOSED))

    def _begin(self, request: Request, done: Done) -> int:
        if self._is_closed:
            done(NoAnswerError(_CLOSED))
            return 0
        ticket = self.core.ask(request, self._loop.time())
        self._waiting[ticket] = done
        self._work()
        return ticket

    def _work(self) -> None:
        for datagram in self.core.datagrams_to_send():
            self._lanes[datagram.server].send(datagram.lane, datagram.octets)
        self._hand_out()
        self._arm()

    def _hand_out(self) -> None:
        while (event := self.core.next_event()) is not None:
            if isinstance(event, ServerChanged):
                logger.warning("radius=%s %s", event.server, "answers again" if event.is_up else "does not answer")
                if self._changed is not None:
                    self._changed(event.server, event.is_up)
            elif (done := self._waiting.pop(event.ticket, None)) is not None:
                _tell(done, event if isinstance(event, Answered) else NoAnswerError(event.failure.value))

    def _arm(self) -> None:
        due = self.core.next_timeout()
        if due is None or (self._timer is not None and self._timer.when() <= due):
            return  # a timer that rings too early is cheaper than a new one for each request
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.core.handle_timeout(self._loop.time())
        self._work()


def _tell(done: Done, outcome: Answered | NoAnswerError) -> None:
    try:
        done(outcome)
    except Exception:
        # Whatever it is: others wait for theirs, and for the timer.
        logger.exception("radius: whoever asked")


def _settle(answer: asyncio.Future[Answered], outcome: Answered | NoAnswerError) -> None:
    if answer.done():
        return
    if isinstance(outcome, Answered):
        answer.set_result(outcome)
    else:
        answer.set_exception(outcome)
