"""Questions to the net process that wait for their answer."""

from __future__ import annotations

import asyncio

from mcu.fleet.worker import WorkerError
from mcu.worker.messages import AnyMessage, LegConfigured, LegFailed, LegOpened, Message

_TIMEOUT_S = 10.0


class Answers:
    """At most one question of a kind for each leg."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[type[Message], int], asyncio.Future[AnyMessage]] = {}

    def expect(self, kind: type[Message], leg: int) -> asyncio.Future[AnyMessage]:
        """What will hold the answer. Raises WorkerError when it is being waited for already."""
        if (kind, leg) in self._waiting:
            raise WorkerError("busy")
        future: asyncio.Future[AnyMessage] = asyncio.get_running_loop().create_future()
        self._waiting[kind, leg] = future
        future.add_done_callback(lambda _: self._waiting.pop((kind, leg), None))
        return future

    def take(self, message: LegOpened | LegConfigured) -> None:
        """An answer has come; one that nobody waits for is ignored."""
        if future := self._waiting_for(type(message), message.leg):
            future.set_result(message)

    def fail(self, message: LegFailed) -> bool:
        """The leg failed; whether somebody waited for an answer about it, and was told."""
        for kind in (LegOpened, LegConfigured):
            if future := self._waiting_for(kind, message.leg):
                future.set_exception(WorkerError(message.reason))
                return True
        return False

    def lose(self) -> None:
        """Nothing that is waited for will come any more."""
        for future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(WorkerError("worker-lost"))

    def _waiting_for(self, kind: type[Message], leg: int) -> asyncio.Future[AnyMessage] | None:
        future = self._waiting.get((kind, leg))
        return None if future is None or future.done() else future


async def within_time(future: asyncio.Future[AnyMessage]) -> AnyMessage:
    """The answer. Raises WorkerError when it failed or takes longer than 10 s."""
    try:
        return await asyncio.wait_for(future, _TIMEOUT_S)
    except TimeoutError:
        raise WorkerError("worker-timeout") from None
