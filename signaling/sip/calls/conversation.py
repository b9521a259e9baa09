"""An answered SIP call until its end, whoever dialled: offers and answers, INFO, digits, silence, keyframes.

Whoever sets the call up gives it a worker and a negotiation, then says what follows from media and digits:

    talk = SipConversation(call, leg, services)
    talk.watch(worker)                   # before the leg is opened there
    talk.negotiation = Negotiation(...)
    await talk.configure(media)          # raises Refused, WorkerError
    talk.on_digit = attendant.digit
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from mcu.fleet.worker import WorkerError
from mcu.media import Kind, LegMedia
from mcu.participant import Participant
from mcu.worker.messages import PeerWantsKeyframe
from signaling.admission import Refused
from signaling.conversation import Conversation
from signaling.errors import SipError
from signaling.sip.calls import media_control
from signaling.sip.calls.dtmf import digit_of
from signaling.sip.calls.leg import SipLeg
from signaling.sip.calls.refusals import answer_to
from signaling.sip.calls.room_system import RoomSystem
from signaling.sip.sdp.offer_answer import Negotiation
from signaling.sip.services import Services
from signaling.sip.sessions.events import Cancelled, Confirmed, Ended, InfoReceived, Offered, SessionEvent
from signaling.sip.transactions.transaction import Flow

logger = logging.getLogger(__name__)


class AnsweredCall(Protocol):
    """What a conversation needs of a call (signaling.sip.call_handle)."""

    @property
    def flow(self) -> Flow:
        """Where the call comes from, and to which address of ours."""

    async def next_event(self) -> SessionEvent:
        """What happens next; the last one is Ended or Cancelled."""

    def accept(self, body: bytes) -> None:
        """200 to the re-INVITE that waits."""

    def reject(self, status: int, reason: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Refuse the re-INVITE that waits."""

    def hang_up(self) -> None:
        """End the call whatever its state."""

    async def reinvite(self, offer: bytes) -> bytes:
        """The answer to an offer of ours. Raises CallRefused, SipError."""

    def count(self, event: str) -> None:
        """Count something that happened in this call."""


class SipConversation(Conversation[SipLeg]):
    """Follows one call; the media plane of its leg is kept in step with what is negotiated."""

    def __init__(
        self, call: AnsweredCall, leg: SipLeg, services: Services, room_system: RoomSystem | None = None
    ) -> None:
        """`room_system`: made before the call was answered, where the offer was ours."""
        super().__init__(leg, services.gate, services.settings.silent_s)
        self.is_settled = False
        """Whether the first offer and answer are in effect; before, a re-INVITE is refused with 491."""
        self.negotiation: Negotiation | None = None
        self._call = call
        self.room_system = room_system or RoomSystem(leg.id, services, call.flow.local[0], call.flow.remote[0])
        """Floor control and far camera, where the peer has them."""
        self.room_system.leg, self.room_system.on_counted = leg, call.count
        self._late_answer: asyncio.Future[bytes] | None = None
        self._reopening: asyncio.Task[None] | None = None
        leg.on_pictures = self._reopen_soon

    def close(self) -> None:
        """Watch no more and free the leg, once."""
        if self._reopening is not None:
            self._reopening.cancel()
        self.room_system.close()
        super().close()

    async def configure(self, media: LegMedia) -> None:
        """See Conversation."""
        await super().configure(media)
        if self.negotiation is not None and self._worker is not None:
            self.room_system.apply(self.negotiation, media, self._worker)

    def entered(self, room: str, person: Participant) -> None:
        """See Conversation."""
        del person
        self.room_system.entered(room)

    def hang_up(self) -> None:
        """End the call whatever its state."""
        self._call.hang_up()

    async def late_answer(self) -> bytes:
        """The answer that the ACK of our first 2xx brings, where the offer was ours."""
        self._late_answer = asyncio.get_running_loop().create_future()
        return await self._late_answer

    # ---- the peer ---------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Until the call is over."""
        while True:
            event = await self._call.next_event()
            if isinstance(event, Ended | Cancelled):
                logger.info("leg=%d room=%s sip call ended", self.leg.id, self.room)
                return
            await self.take(event)

    async def take(self, event: SessionEvent) -> None:
        """One event of the call, in the order in which they happened."""
        if isinstance(event, Confirmed):
            await self._confirmed(event.body)
        elif isinstance(event, Offered):
            await self._renegotiate(event.body)
        elif isinstance(event, InfoReceived):
            self._info(event)

    async def _confirmed(self, body: bytes) -> None:
        """The ACK: it brings the answer where the offer was ours."""
        future = self._late_answer
        if future is not None and not future.done():
            future.set_result(body)
        elif self.negotiation is not None and self.negotiation.has_open_offer:
            try:
                await self.configure(self.negotiation.receive_answer(body))
                self.on_media()
            except (SipError, Refused, WorkerError):
                self._call.hang_up()
        elif self._worker is not None and cannot_ask_for_keyframes(self.leg.media):
            # What came before our answer did may be lost on it.
            self._worker.send("net", PeerWantsKeyframe(self.leg.id))

    async def _renegotiate(self, body: bytes) -> None:
        """A re-INVITE: hold, resume, other codecs, more streams. A refused one leaves the call as it was."""
        negotiation = self.negotiation
        if negotiation is None or not self.is_settled:
            self._call.reject(491)
            return
        if not body:
            self._call.accept(negotiation.offer())
            return
        try:
            answer, media = negotiation.answer(body)
        except SipError as error:
            self._refuse(error)
            return
        try:
            await self.configure(media)
        except (Refused, WorkerError) as error:
            negotiation.revert()
            self._refuse(answer_to(error))
            return
        self._call.accept(answer)
        self.on_media()

    def _reopen_soon(self) -> None:
        if self.negotiation is not None and self.negotiation.release():
            self._reopening = asyncio.get_running_loop().create_task(self._reopen(self.negotiation))

    async def _reopen(self, negotiation: Negotiation) -> None:
        """Offer the pictures that were held; the call goes on as it was where the peer does not take them."""
        if not self.is_settled or negotiation.has_open_offer:
            return  # the exchange that is on its way, or its next one, reopens them
        try:
            answer = await self._call.reinvite(negotiation.offer())
            await self.configure(negotiation.receive_answer(answer))
        except (SipError, Refused, WorkerError) as error:
            negotiation.withdraw()
            logger.info("leg=%d room=%s keeps sound only: %s", self.leg.id, self.room, error)
            return
        self.on_media()

    def _refuse(self, error: SipError) -> None:
        self._call.reject(error.status, error.reason, error.headers)

    def _info(self, event: InfoReceived) -> None:
        if event.content_type == media_control.CONTENT_TYPE:
            if self._worker is not None and media_control.wants_keyframe(event.body):
                for kind in self._kinds_of(media_control.stream_ids(event.body)):
                    self._worker.send("net", PeerWantsKeyframe(self.leg.id, kind))
        elif (digit := digit_of(event.content_type, event.body)) is not None:
            self._keys(digit, "info")

    def _kinds_of(self, labels: list[str]) -> set[Kind]:
        """The pictures that an RFC 5168 request names; without a name, or by one that nobody gave, the main one."""
        named = {stream.kind for stream in self.leg.media.streams if stream.label and stream.label in labels}
        return (named & {Kind.VIDEO, Kind.CONTENT}) or {Kind.VIDEO}

    # ---- what all conversations have --------------------------------------------------------------------------

    def _camera_frame(self, data: bytes) -> None:
        self.room_system.camera_frame(data)

    def _count(self, event: str) -> None:
        self._call.count(event)


def cannot_ask_for_keyframes(media: LegMedia) -> bool:
    """Whether a terminal that takes pictures knows neither PLI nor FIR."""
    stream = media.stream(Kind.VIDEO)
    return stream is not None and stream.send is not None and not (stream.has_pli or stream.has_fir)
