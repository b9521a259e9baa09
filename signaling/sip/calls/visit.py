"""Where a SIP call is once its media is agreed: with the attendant, outside a room, in it, or in the test room."""

from __future__ import annotations

import asyncio
import logging

from mcu.fleet.worker import Worker
from mcu.media import place_of
from signaling.admission import Admission, CallRequest, Refusal, Refused
from signaling.attendant.desk import Desk, can_be_told, can_send_digits
from signaling.attendant.reception import Doors, Reception
from signaling.sip.call_handle import IncomingCall
from signaling.sip.calls.conversation import Conversation
from signaling.sip.calls.stay import RoomStay
from signaling.sip.services import Services

logger = logging.getLogger(__name__)


class RoomVisit:
    """The way of one call from its negotiated media into a room, and what its keys do there."""

    def __init__(
        self,
        call: IncomingCall,
        talk: Conversation,
        services: Services,
        worker: Worker,
        request: CallRequest,
        name: str,
    ) -> None:
        self.answer_body = b""
        """Our answer to the offer of the INVITE, sent as soon as there is something to see or hear."""
        self._call = call
        self._talk = talk
        self._services = services
        self._worker = worker
        self._request = request
        self._stay = RoomStay(call, talk, services, worker, name)

    async def begin(self, admission: Admission | None, refusal: Refused | None) -> None:
        """Return when the caller is in a room. Raises SaidGoodbye, and Refused where nothing could be said."""
        desk, leg = self._services.desk, self._talk.leg
        self._talk.is_settled = not self._owes_answer
        if admission is not None and (desk is None or not can_be_told(leg.media)):
            await self._wait_silently(admission)
        elif desk is not None:
            await self._with_attendant(desk, admission, refusal)
        self._answer()
        logger.info("leg=%d room=%s sip call from %s joined", leg.id, self._talk.room, leg.remote_address)

    async def leave(self) -> None:
        """The call is over."""
        self._services.fleet.release(place_of(self._talk.leg.id))
        await self._stay.leave()

    async def _with_attendant(self, desk: Desk, admission: Admission | None, refusal: Refused | None) -> None:
        doors = Doors(lambda: self._talk.leg.media, lambda: not self._owes_answer, self._answer, self._connect)
        reception = Reception(desk, self._request, self._worker, self._talk.leg.id, doors)
        self._talk.on_digit = reception.receive_digit
        self._talk.on_media = reception.media_changed
        if admission is not None:
            await reception.wait(admission)
        elif desk.settings.is_test_room(self._request.room):
            await reception.test()
        else:
            self._check_keys(refusal)
            await reception.ask(refusal.reason if refusal is not None else None)

    def _check_keys(self, refusal: Refused | None) -> None:
        """The attendant is of no use to callers without keys. Raises Refused."""
        has_info = "INFO" in self._call.request.headers.get("Allow", "INFO").upper()
        media = self._talk.leg.media
        if not can_be_told(media) or not can_send_digits(media, has_messages=has_info):
            raise refusal or Refused(Refusal.UNKNOWN_ROOM)

    async def _wait_silently(self, admission: Admission) -> None:
        """For callers who neither hear nor see us: the telephone rings, as long as the gate lets them wait."""
        self._services.gate.check_media(admission, self._talk.leg.media.grade)
        ringing: list[asyncio.Task[None]] = []
        try:
            admitted = await self._services.gate.wait_for_host(
                admission, lambda _reason: ringing.append(asyncio.ensure_future(self._ring()))
            )
        finally:
            for task in ringing:
                task.cancel()
        await self._connect(admitted)

    async def _ring(self) -> None:
        while True:
            self._call.ring()
            await asyncio.sleep(self._services.settings.ring_interval_s)

    async def _connect(self, admission: Admission) -> None:
        await self._stay.connect(admission)

    @property
    def _owes_answer(self) -> bool:
        return bool(self.answer_body)

    def _answer(self) -> None:
        """200 to the INVITE, unless that has happened."""
        body, self.answer_body = self.answer_body, b""
        if body:
            self._talk.is_settled = True
            self._call.accept(body)
