"""An answered SIP call until its end, whoever dialled: offers and answers, INFO, digits, silence, keyframes.

Whoever sets the call up gives it a worker and a negotiation, then says what follows from media and digits:

    talk = Conversation(call, leg, services)
    talk.start(worker)                   # before the leg is opened there
    talk.negotiation = Negotiation(...)
    await talk.configure(media)          # raises Refused, WorkerError
    talk.on_digit = attendant.digit
    await talk.follow()                  # until the call is over
    talk.close()
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from mcu.fleet.worker import Worker, WorkerError
from mcu.media import Kind, LegMedia
from mcu.worker.messages import (
    AnyMessage,
    CameraFrame,
    ConfigureLeg,
    Dtmf,
    LegFailed,
    LegSilent,
    LegStats,
    PeerWantsKeyframe,
)
from signaling.admission import Admission, Refused
from signaling.digits import DigitPairs
from signaling.errors import SipError
from signaling.silence import SilenceWatch
from signaling.sip.calls import media_control
from signaling.sip.calls.dtmf import digit_of
from signaling.sip.calls.leg import SipLeg
from signaling.sip.calls.refusals import answer_to, answer_to_worker
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


class Conversation:
    """Follows one call; the media plane of its leg is kept in step with what is negotiated."""

    def __init__(
        self, call: AnsweredCall, leg: SipLeg, services: Services, room_system: RoomSystem | None = None
    ) -> None:
        """`room_system`: made before the call was answered, where the offer was ours."""
        self.leg = leg
        self.room = ""
        """Where the leg is, for the log."""
        self.admission: Admission | None = None
        """Set when the room is known: its demand on the lock then holds for every negotiation."""
        self.is_settled = False
        """Whether the first offer and answer are in effect; before, a re-INVITE is refused with 491."""
        self.on_digit: Callable[[str], None] = _ignore
        """Called once for each key press, whatever way it came (RFC 4733, INFO, in-band tones)."""
        self.on_media: Callable[[], None] = _nothing
        """Called after each renegotiation that took effect; `leg.media` is what holds now."""
        self.negotiation: Negotiation | None = None
        self._call = call
        self._services = services
        self.room_system = room_system or RoomSystem(leg.id, services, call.flow.local[0], call.flow.remote[0])
        """Floor control and far camera, where the peer has them."""
        self.room_system.leg, self.room_system.on_counted = leg, call.count
        self._worker: Worker | None = None
        self._late_answer: asyncio.Future[bytes] | None = None
        self._digits = DigitPairs()
        self._reopening: asyncio.Task[None] | None = None
        self._silence = SilenceWatch(services.settings.silent_s, self._went_silent)

    def start(self, worker: Worker) -> None:
        """The leg is about to be opened on `worker`; its events are followed, and close() frees it there."""
        self._worker = worker
        self.leg.on_pictures = self._reopen_soon
        worker.observe_leg(self.leg.id, self._leg_event)

    def close(self) -> None:
        """Watch no more and free the leg."""
        self._silence.stop()
        if self._reopening is not None:
            self._reopening.cancel()
        self.room_system.close()
        if self._worker is not None:
            self._worker.close_leg(self.leg.id)

    async def configure(self, media: LegMedia) -> None:
        """Put what was negotiated into effect. Raises Refused, WorkerError.

        The lock is checked first: keys of a leg that is refused never reach the media plane.
        """
        assert self._worker is not None
        if self.admission is not None:
            self._services.gate.check_media(self.admission, media.grade)
        await self._worker.configure_leg(ConfigureLeg(self.leg.id, media.streams))
        self.leg.media = media
        if self.negotiation is not None:
            self.room_system.apply(self.negotiation, media, self._worker)
        self._silence.expects_media = any(stream.receive for stream in media.streams)

    def entered(self, room: str) -> None:
        """The leg is in a room: from now on it may present, and its camera may be moved."""
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
            self._refuse(answer_to(error) if isinstance(error, Refused) else answer_to_worker(error))
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
            self._digit(digit, "info")

    def _kinds_of(self, labels: list[str]) -> set[Kind]:
        """The pictures that an RFC 5168 request names; without a name, or by one that nobody gave, the main one."""
        named = {stream.kind for stream in self.leg.media.streams if stream.label and stream.label in labels}
        return (named & {Kind.VIDEO, Kind.CONTENT}) or {Kind.VIDEO}

    # ---- the leg ----------------------------------------------------------------------------------------------

    def _leg_event(self, message: AnyMessage) -> None:
        """What concerns the call; KeyframeWanted is for the conference."""
        if isinstance(message, Dtmf):
            self._digit(message.digit, "rfc4733")
        elif isinstance(message, CameraFrame):
            self.room_system.camera_frame(message.data)
        elif isinstance(message, LegSilent):
            self._silence.silent(message.silent_s)
        elif isinstance(message, LegStats):
            if not message.is_silent:
                self._silence.stop()
        elif isinstance(message, LegFailed):
            logger.warning("leg=%d room=%s media failed: %s", self.leg.id, self.room, message.reason)
            self._call.hang_up()

    def _digit(self, digit: str, way: str) -> None:
        """Digits are counted, never logged: they may be a passcode."""
        self._call.count(f"digit-{way}")
        if self._digits.receive(digit, way, asyncio.get_running_loop().time()):
            self.on_digit(digit)

    def _went_silent(self) -> None:
        logger.info("leg=%d room=%s ended: no media", self.leg.id, self.room)
        self._call.hang_up()


def cannot_ask_for_keyframes(media: LegMedia) -> bool:
    """Whether a terminal that takes pictures knows neither PLI nor FIR."""
    stream = media.stream(Kind.VIDEO)
    return stream is not None and stream.send is not None and not (stream.has_pli or stream.has_fir)


def _ignore(_digit: str) -> None:
    """Nobody takes digits yet."""


def _nothing() -> None:
    """Nobody has to know."""
