"""One incoming SIP call from its INVITE to its end: gate, leg, negotiation, conference (DESIGN.md, "One call in")."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import unicodedata

from config.sip import SipSettings
from mcu.fleet.worker import Worker, WorkerError
from mcu.media import Grade, Kind, LegMedia
from mcu.worker.messages import (
    AnyMessage,
    ConfigureLeg,
    Dtmf,
    LegFailed,
    LegOpened,
    LegSilent,
    LegStats,
    OpenLeg,
    PeerWantsKeyframe,
    Transport,
)
from signaling import dialplan
from signaling.admission import Admission, CallRequest, Refusal, Refused
from signaling.errors import SipError
from signaling.sip import media_control
from signaling.sip.call_handle import IncomingCall
from signaling.sip.dtmf import digit_of
from signaling.sip.events import Cancelled, Confirmed, Ended, InfoReceived, Offered
from signaling.sip.fields import from_of
from signaling.sip.leg import SipLeg
from signaling.sip.offer_answer import Negotiation
from signaling.sip.refusals import answer_to, answer_to_worker
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.picture import WantedPicture
from signaling.sip.services import Services
from signaling.sip.silence import SilenceWatch
from signaling.sip.transaction import Flow
from signaling.sip.uri import parse_uri

logger = logging.getLogger(__name__)

MAX_NAME_CHARACTERS = 64


class RoomCall:
    """Runs one call; everything it took is given back when run() returns."""

    def __init__(self, call: IncomingCall, services: Services) -> None:
        self._call = call
        self._services = services
        self._leg = SipLeg(services.fleet.next_leg_id(), call)
        self._name = caller_name(call)
        self._worker: Worker | None = None
        self._negotiation: Negotiation | None = None
        self._admission: Admission | None = None
        self._room = ""
        self._has_joined = False
        self._late_answer: asyncio.Future[bytes] | None = None
        self._silence = SilenceWatch(services.settings.silent_s, self._went_silent)

    async def run(self) -> None:
        """Until the call is over. Never raises except when cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                set_up = group.create_task(self._guarded_set_up())
                await self._follow()
                set_up.cancel()
        except* Exception:
            logger.exception("leg=%d room=%s the call failed", self._leg.id, self._room)
        finally:
            self._silence.stop()
            if self._worker is not None:
                self._worker.close_leg(self._leg.id)
            try:
                self._call.hang_up()
            finally:
                if self._has_joined:
                    await self._services.calls.leave(self._room, self._leg.id)

    # ---- setting up -------------------------------------------------------------------------------------------

    async def _guarded_set_up(self) -> None:
        try:
            await self._set_up()
        except Refused as refused:
            logger.info("leg=%d room=%s refused: %s", self._leg.id, self._room, refused.reason)
            self._refuse(answer_to(refused))
        except WorkerError as error:
            logger.warning("leg=%d room=%s worker: %s", self._leg.id, self._room, error.reason)
            self._refuse(answer_to_worker(error))
        except SipError as error:
            logger.info("leg=%d room=%s not agreed: %s", self._leg.id, self._room, error)
            self._refuse(error)
        except Exception:
            logger.exception("leg=%d room=%s setting up failed", self._leg.id, self._room)
            self._refuse(SipError(500, "Server Internal Error"))

    async def _set_up(self) -> None:
        admission = await self._services.gate.admit(self._call_request())
        self._room = admission.policy.number
        self._admission = admission
        self._worker = await self._services.fleet.worker_for(self._room)
        opened = await self._worker.open_leg(self._open_leg())
        self._worker.observe_leg(self._leg.id, self._leg_event)
        must_encrypt = admission.policy.required_grade > Grade.CLEAR
        self._negotiation = Negotiation(
            local_media(opened, self._services.settings, self._call.flow),
            secrets.randbits(47),
            must_encrypt=must_encrypt,
        )
        if self._call.request.body:
            answer, media = self._negotiation.answer(self._call.request.body)
            await self._configure(media)
            await self._enter(await self._wait_for_host())
            self._call.accept(answer)
        else:
            await self._wait_for_host()
            self._late_answer = asyncio.get_running_loop().create_future()
            self._call.accept(self._negotiation.offer())
            await self._configure(self._negotiation.receive_answer(await self._late_answer))
            # The peer took its time over the answer: passcode, lock and seats may be others now.
            await self._enter(await self._wait_for_host())
        logger.info("leg=%d room=%s sip call from %s joined", self._leg.id, self._room, self._leg.remote_address)

    def _call_request(self) -> CallRequest:
        """Who is calling which room. The passcode is cut off the request here; only the gate sees it."""
        request = self._call.request
        uri = parse_uri(request.uri)
        dialled = dialplan.parse(uri.user)
        request.uri = uri.without_passcode().serialize()
        # A bare address is for the attendant, who is not in yet.
        if not dialled.is_valid or dialled.is_attendant:
            raise Refused(Refusal.UNKNOWN_ROOM)
        source = self._call.flow.remote[0]
        return CallRequest(
            source=source,
            protocol="sip",
            room=dialled.room,
            passcode=dialled.passcode,
            name=self._name,
            call=f"sip-{self._leg.id}",
            has_secure_signalling=self._call.flow.is_secure or ipaddress.ip_address(source).is_loopback,
        )

    def _open_leg(self) -> OpenLeg:
        """Ports for audio and video always, so that a re-INVITE may add video; for content where it is offered."""
        has_slides = b"a=content:slides" in self._call.request.body
        kinds = (Kind.AUDIO, Kind.VIDEO, Kind.CONTENT) if has_slides else (Kind.AUDIO, Kind.VIDEO)
        flow = self._call.flow
        return OpenLeg(self._leg.id, self._room, Transport.PORTS, kinds, flow.local[0], flow.remote[0])

    async def _configure(self, media: LegMedia) -> None:
        """Check the lock first: keys of a leg that is refused never reach the media plane."""
        assert self._worker is not None
        assert self._admission is not None
        self._services.gate.check_media(self._admission, media.grade)
        await self._worker.configure_leg(ConfigureLeg(self._leg.id, media.streams))
        self._leg.media = media
        self._silence.expects_media = any(stream.receive for stream in media.streams)

    async def _wait_for_host(self) -> Admission:
        assert self._admission is not None
        ringing = asyncio.ensure_future(self._ring()) if self._admission.policy.waits_for_host else None
        try:
            self._admission = await self._services.gate.wait_for_host(self._admission)
        finally:
            if ringing is not None:
                ringing.cancel()
        return self._admission

    async def _ring(self) -> None:
        while True:
            self._call.ring()
            await asyncio.sleep(self._services.settings.ring_interval_s)

    async def _enter(self, admission: Admission) -> None:
        self._has_joined = True
        await self._services.calls.connect(self._leg, admission, self._name)

    def _refuse(self, error: SipError) -> None:
        """An INVITE that waits gets the status; a call that was answered already (late offer) a BYE."""
        if self._call.session.has_pending_offer:
            self._call.reject(error.status, error.reason, error.headers)
        else:
            self._call.hang_up()

    # ---- afterwards -------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            event = await self._call.next_event()
            if isinstance(event, Ended | Cancelled):
                logger.info("leg=%d room=%s sip call ended", self._leg.id, self._room)
                return
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
        elif self._negotiation is not None and self._negotiation.has_open_offer:
            try:
                await self._configure(self._negotiation.receive_answer(body))
                self._services.calls.leg_changed(self._room, self._leg.id)
            except (SipError, Refused, WorkerError):
                self._call.hang_up()
        elif self._worker is not None and _cannot_ask_for_keyframes(self._leg.media):
            # What came before our answer did may be lost on it.
            self._worker.send("net", PeerWantsKeyframe(self._leg.id))

    async def _renegotiate(self, body: bytes) -> None:
        """A re-INVITE: hold, resume, other codecs, more streams. A refused one leaves the call as it was."""
        negotiation = self._negotiation
        if negotiation is None or not self._has_joined:
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
            await self._configure(media)
        except (Refused, WorkerError) as error:
            negotiation.revert()
            self._refuse(answer_to(error) if isinstance(error, Refused) else answer_to_worker(error))
            return
        self._call.accept(answer)
        self._services.calls.leg_changed(self._room, self._leg.id)

    def _info(self, event: InfoReceived) -> None:
        if event.content_type == media_control.CONTENT_TYPE:
            if self._worker is not None and media_control.wants_keyframe(event.body):
                self._worker.send("net", PeerWantsKeyframe(self._leg.id))
        elif (digit := digit_of(event.content_type, event.body)) is not None:
            self._digit(digit, "info")

    def _digit(self, digit: str, way: str) -> None:
        """Digits are counted, never logged: they may be a passcode."""
        self._call.count(f"digit-{way}")
        if self._services.on_digit is not None:
            self._services.on_digit(self._leg.id, digit)

    def _leg_event(self, message: AnyMessage) -> None:
        """What concerns the call; KeyframeWanted is for the conference."""
        if isinstance(message, Dtmf):
            self._digit(message.digit, "rfc4733")
        elif isinstance(message, LegSilent):
            self._silence.silent(message.silent_s)
        elif isinstance(message, LegStats):
            if not message.is_silent:
                self._silence.stop()
        elif isinstance(message, LegFailed):
            logger.warning("leg=%d room=%s media failed: %s", self._leg.id, self._room, message.reason)
            self._call.hang_up()

    def _went_silent(self) -> None:
        logger.info("leg=%d room=%s ended: no media", self._leg.id, self._room)
        self._call.hang_up()


def _cannot_ask_for_keyframes(media: LegMedia) -> bool:
    """Whether a terminal that takes pictures knows neither PLI nor FIR."""
    stream = media.stream(Kind.VIDEO)
    return stream is not None and stream.send is not None and not (stream.has_pli or stream.has_fir)


def local_media(opened: LegOpened, settings: SipSettings, flow: Flow) -> LocalMedia:
    """What the net process reserved, for the negotiation."""
    return LocalMedia(
        address=opened.address,
        ports={Kind(kind): ports for kind, ports in opened.ports.items()},
        random_bytes=secrets.token_bytes,
        fingerprint=opened.fingerprint,
        ssrcs={Kind(kind): ssrc for kind, ssrc in opened.ssrcs.items() if kind in set(Kind)},
        cname=opened.cname,
        is_secure_signaling=flow.is_secure,
        peer_address=flow.remote[0],
        picture=WantedPicture(
            settings.picture_width, settings.picture_height, bitrate_bps=settings.picture_bitrate_bps
        ),
    )


def caller_name(call: IncomingCall) -> str:
    """The name that the roster and the picture show: the display name, else the user part, else the address.

    Some terminals call themselves by what they dialled: a passcode in it is cut off.
    """
    origin = from_of(call.request.headers)
    shown = (origin.display_name or origin.uri.user).partition("**")[0]
    kept = (" " if unicodedata.category(char).startswith("Z") else char for char in shown)
    printable = "".join(char for char in kept if not unicodedata.category(char).startswith("C"))
    return " ".join(printable.split())[:MAX_NAME_CHARACTERS] or call.flow.remote[0]
