"""Where a call is once its media is agreed: with the attendant, outside a room, in it, or in the test room."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from mcu.fleet.worker import Worker
from mcu.media import place_of
from signaling.admission import Admission, CallRequest, Refusal, Refused
from signaling.attendant.desk import Desk, can_be_told, can_send_digits
from signaling.attendant.reception import Doors, Reception
from signaling.services import CallServices
from signaling.stay import RoomStay, Talk

logger = logging.getLogger(__name__)


class IncomingTalk(Talk, Protocol):
    """A call that came in. Some protocols answer before they agree on media, others when there is something to see."""

    @property
    def owes_answer(self) -> bool:
        """Whether the caller still hears it ring."""

    @property
    def has_key_messages(self) -> bool:
        """Whether keys may come in messages of the signalling protocol."""

    def answer(self) -> None:
        """Answer, unless that has happened."""

    def ring(self) -> None:
        """Say that it rings, while the answer is owed."""


class RoomVisit:
    """The way of one call from its negotiated media into a room, and what its keys do there."""

    def __init__(
        self,
        talk: IncomingTalk,
        services: CallServices,
        worker: Worker,
        request: CallRequest,
        ring_interval_s: float,
    ) -> None:
        self._talk = talk
        self._services = services
        self._worker = worker
        self._request = request
        self._ring_interval_s = ring_interval_s
        self._stay = RoomStay(talk, services, worker, request.name)

    async def begin(self, admission: Admission | None, refusal: Refused | None) -> None:
        """Return when the caller is in a room. Raises SaidGoodbye, and Refused where nothing could be said."""
        desk, leg = self._services.desk, self._talk.leg
        if admission is not None and (desk is None or not can_be_told(leg.media)):
            await self._wait_silently(admission)
        elif desk is not None:
            await self._with_attendant(desk, admission, refusal)
        self._talk.answer()
        logger.info("leg=%d room=%s %s call from %s joined", leg.id, self._talk.room, leg.protocol, leg.remote_address)

    async def leave(self) -> None:
        """The call is over."""
        self._services.fleet.release(place_of(self._talk.leg.id))
        await self._stay.leave()

    async def _with_attendant(self, desk: Desk, admission: Admission | None, refusal: Refused | None) -> None:
        talk = self._talk
        doors = Doors(lambda: talk.leg.media, lambda: not talk.owes_answer, talk.answer, self._stay.connect)
        reception = Reception(desk, self._request, self._worker, talk.leg.id, doors)
        talk.on_digit = reception.receive_digit
        talk.on_media = reception.media_changed
        if admission is not None:
            await reception.wait(admission)
        elif desk.settings.is_test_room(self._request.room):
            await reception.test()
        else:
            self._check_keys(refusal)
            await reception.ask(refusal.reason if refusal is not None else None)

    def _check_keys(self, refusal: Refused | None) -> None:
        """The attendant is of no use to callers without keys. Raises Refused."""
        media = self._talk.leg.media
        if not can_be_told(media) or not can_send_digits(media, has_messages=self._talk.has_key_messages):
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
        await self._stay.connect(admitted)

    async def _ring(self) -> None:
        while self._talk.owes_answer:
            self._talk.ring()
            await asyncio.sleep(self._ring_interval_s)


async def admit(
    services: CallServices, request: CallRequest, *, is_told: bool
) -> tuple[Admission | None, Refused | None]:
    """What the gate says to the room dialled; neither where the attendant is to ask. Raises Refused."""
    desk = services.desk
    has_attendant = desk is not None and is_told
    if not request.room or (desk is not None and desk.settings.is_test_room(request.room)):
        if not has_attendant:
            raise Refused(Refusal.UNKNOWN_ROOM)
        await services.gate.check_network(request)
        return None, None
    try:
        return await services.gate.admit(request), None
    except Refused as refused:
        if not has_attendant or not _leads_to_the_attendant(request, refused):
            raise
        return None, refused


def _leads_to_the_attendant(request: CallRequest, refused: Refused) -> bool:
    """A passcode that was not dialled is asked for, an unknown number is asked for again.

    Who dialled a passcode knows how to dial: the end of the call says what is wrong with it, as it does for words,
    which have no keys. A blocked room is an unknown number here too: the gate's answer is all that is looked at.
    """
    if request.passcode:
        return False
    is_number = request.room.isascii() and request.room.isdigit()
    return refused.reason is Refusal.PASSCODE_REQUIRED or (refused.reason is Refusal.UNKNOWN_ROOM and is_number)
