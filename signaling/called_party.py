"""One call that we make into a room once it is answered, the same for every protocol: in, and until its end."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from mcu.fleet.worker import Worker, WorkerError
from signaling.admission import Refused
from signaling.dialing import Attempt
from signaling.errors import SignalingError
from signaling.placed import DialRefused, outcome_of
from signaling.services import CallServices
from signaling.stay import RoomStay, Talk

logger = logging.getLogger(__name__)


class CalledParty:
    """What it took is given back when follow() returns."""

    def __init__(
        self, talk: Talk, services: CallServices, worker: Worker, attempt: Attempt, name: str, local: str
    ) -> None:  # fmt: skip
        """`local`: our address that it is talked to from."""
        self._talk = talk
        self._services = services
        self._attempt = attempt
        self._local = local
        self._stay = RoomStay(talk, services, worker, name)
        self._failure: Exception | None = None

    async def follow(self, enter: Callable[[], Awaitable[None]]) -> None:
        """Until somebody hangs up; `enter` agrees on media, then calls join(). Raises DialRefused where it fails."""
        try:
            await self._talk.run(self._guarded(enter))
        finally:
            await self._stay.leave()
        if self._failure is not None:
            raise DialRefused(outcome_of(self._failure)) from self._failure

    async def join(self) -> None:
        """Through the gate into the room. Raises Refused, WorkerError."""
        leg, asked = self._talk.leg, self._attempt.admission
        # Who was called may have been a name, and in any of several sites: now it is known where it is.
        met = replace(asked, request=replace(asked.request, source=leg.remote_address, local=self._local))
        admission = await self._services.gate.wait_for_host(met, lambda _reason: None)
        await self._stay.connect(admission)
        self._attempt.joined()
        logger.info("leg=%d room=%s %s joined", leg.id, self._talk.room, leg.remote_address)

    async def _guarded(self, enter: Callable[[], Awaitable[None]]) -> None:
        try:
            await enter()
        except Exception as error:
            if not isinstance(error, Refused | SignalingError | WorkerError):
                logger.exception("leg=%d room=%s the answered call failed", self._talk.leg.id, self._talk.room)
            self._failure = error
            self._talk.hang_up()
