"""One call that came in, the same for every protocol: gate, media, its visit, and why it ends (DESIGN.md)."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod

from mcu.fleet.worker import Worker, WorkerError
from mcu.media import place_of
from signaling.admission import Admission, CallRequest, Refusal, Refused
from signaling.attendant.reception import SaidGoodbye
from signaling.errors import SignalingError
from signaling.services import CallServices
from signaling.visit import IncomingTalk, RoomVisit, admit

logger = logging.getLogger(__name__)


class VisitingCall(ABC):
    """Runs one call; everything it took is given back when run() returns."""

    def __init__(self, talk: IncomingTalk, services: CallServices, ring_interval_s: float) -> None:
        self._talk = talk
        self._services = services
        self._ring_interval_s = ring_interval_s
        self._visit: RoomVisit | None = None

    async def run(self) -> None:
        """Until the call is over. Never raises except when cancelled."""
        try:
            await self._talk.run(self._guarded_set_up())
        except* Exception:
            logger.exception("leg=%d room=%s the call failed", self._talk.leg.id, self._talk.room)
        finally:
            self._services.calls.gone(self._talk.leg.id)
            if self._visit is not None:
                await self._visit.leave()

    async def _set_up(self) -> None:
        talk, services = self._talk, self._services
        request = await self._request()
        services.calls.arrived(talk.leg.id, request, self._off_network)
        admission, refusal = await admit(services, request, is_told=request.can_wait)
        talk.room = "" if admission is None else admission.policy.number
        worker = await services.fleet.worker_for(talk.room or place_of(talk.leg.id))
        self._visit = RoomVisit(talk, services, worker, request, self._ring_interval_s)
        await self._agree(worker, admission)
        if refusal is not None and refusal.reason is Refusal.PASSCODE_REQUIRED:
            self._ask_passcode()
        await self._visit.begin(admission, refusal)

    @abstractmethod
    async def _request(self) -> CallRequest:
        """Who is calling which room. The passcode is cut off the call here; only the gate sees it. Raises Refused."""

    @abstractmethod
    async def _agree(self, worker: Worker, admission: Admission | None) -> None:
        """Open the leg and agree on its media. Raises Refused, WorkerError, SignalingError."""

    @abstractmethod
    def _end(self, error: Exception) -> None:
        """Tell the caller in the protocol's words why it is over: what _set_up() raised."""

    def _off_network(self) -> None:
        """The network knows the caller no more, and it is in no room yet."""
        logger.info("leg=%d room=%s ended with its session", self._talk.leg.id, self._talk.room)
        self._end(Refused(Refusal.NETWORK))

    def _ask_passcode(self) -> None:
        """The attendant is about to: a protocol that has a message of its own for it asks as well."""
        return

    async def _guarded_set_up(self) -> None:
        talk = self._talk
        try:
            await self._set_up()
        except (SaidGoodbye, Refused, SignalingError, WorkerError) as error:
            level = logging.WARNING if isinstance(error, WorkerError) else logging.INFO
            logger.log(level, "leg=%d room=%s not let in: %s", talk.leg.id, talk.room, error)
            self._end(error)
        except Exception as error:
            logger.exception("leg=%d room=%s setting up failed", talk.leg.id, talk.room)
            self._end(error)
