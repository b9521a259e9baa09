"""One incoming SIP call up to its answer: gate, leg, negotiation, conference (DESIGN.md, "One call in")."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import unicodedata

from config.sip import SipSettings
from mcu.fleet.worker import Worker, WorkerError
from mcu.media import Grade, Kind
from mcu.worker.messages import LegOpened, OpenLeg, Transport
from signaling import dialplan
from signaling.admission import Admission, CallRequest, Refusal, Refused
from signaling.errors import SipError
from signaling.sip.call_handle import IncomingCall
from signaling.sip.conversation import Conversation
from signaling.sip.fields import from_of
from signaling.sip.identity import Challenge
from signaling.sip.leg import SipLeg
from signaling.sip.offer_answer import Negotiation
from signaling.sip.refusals import answer_to, answer_to_worker
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.picture import WantedPicture
from signaling.sip.services import Services
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
        self._talk = Conversation(call, self._leg, services)
        self._talk.on_digit = self._digit
        self._identity = ""
        self._has_joined = False

    async def run(self) -> None:
        """Until the call is over. Never raises except when cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                set_up = group.create_task(self._guarded_set_up())
                await self._talk.follow()
                set_up.cancel()
        except* Exception:
            logger.exception("leg=%d room=%s the call failed", self._leg.id, self._talk.room)
        finally:
            self._talk.close()
            try:
                self._call.hang_up()
            finally:
                if self._has_joined:
                    await self._services.calls.leave(self._talk.room, self._leg.id)

    async def _guarded_set_up(self) -> None:
        talk = self._talk
        try:
            await self._set_up()
        except Refused as refused:
            logger.info("leg=%d room=%s refused: %s", self._leg.id, talk.room, refused.reason)
            self._refuse(answer_to(refused))
        except WorkerError as error:
            logger.warning("leg=%d room=%s worker: %s", self._leg.id, talk.room, error.reason)
            self._refuse(answer_to_worker(error))
        except SipError as error:
            logger.info("leg=%d room=%s not agreed: %s", self._leg.id, talk.room, error)
            self._refuse(error)
        except Exception:
            logger.exception("leg=%d room=%s setting up failed", self._leg.id, talk.room)
            self._refuse(SipError(500, "Server Internal Error"))

    async def _set_up(self) -> None:
        await self._identify()
        admission = await self._services.gate.admit(self._call_request())
        room = self._talk.room = admission.policy.number
        self._talk.admission = admission
        self._call.become_focus(room)
        worker = await self._services.fleet.worker_for(room)
        negotiation = await self._open(worker, must_encrypt=admission.policy.required_grade > Grade.CLEAR)
        if self._call.request.body:
            answer, media = negotiation.answer(self._call.request.body)
            await self._talk.configure(media)
            await self._enter(await self._wait_for_host(admission))
            self._call.accept(answer)
        else:
            admission = await self._wait_for_host(admission)
            self._call.accept(negotiation.offer())
            await self._talk.configure(negotiation.receive_answer(await self._talk.late_answer()))
            # The peer took its time over the answer: passcode, lock and seats may be others now.
            await self._enter(await self._wait_for_host(admission))
        logger.info("leg=%d room=%s sip call from %s joined", self._leg.id, room, self._leg.remote_address)

    async def _identify(self) -> None:
        """A caller who names one of our terminals has to be it. Raises SipError 401 to ask for the proof."""
        if self._services.identify is None:
            return
        found = self._services.identify(self._call.request, self._call.flow)
        if isinstance(found, Challenge):
            await asyncio.sleep(found.delay_s)
            raise SipError(found.status, found.reason, found.headers)
        if found is not None:
            self._identity, self._name = found.alias, found.name

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
            is_trusted=bool(self._identity),
            identity=self._identity,
            call=f"sip-{self._leg.id}",
            has_secure_signalling=self._call.flow.is_secure or ipaddress.ip_address(source).is_loopback,
        )

    async def _open(self, worker: Worker, *, must_encrypt: bool) -> Negotiation:
        """Ports for audio and video always, so that a re-INVITE may add video; for content where it is offered."""
        has_slides = b"a=content:slides" in self._call.request.body
        kinds = (Kind.AUDIO, Kind.VIDEO, Kind.CONTENT) if has_slides else (Kind.AUDIO, Kind.VIDEO)
        flow = self._call.flow
        self._talk.start(worker)
        opened = await worker.open_leg(
            OpenLeg(self._leg.id, self._talk.room, Transport.PORTS, kinds, flow.local[0], flow.remote[0])
        )
        local = local_media(opened, self._services.settings, flow)
        self._talk.negotiation = Negotiation(local, secrets.randbits(47), must_encrypt=must_encrypt)
        return self._talk.negotiation

    async def _wait_for_host(self, admission: Admission) -> Admission:
        ringing = asyncio.ensure_future(self._ring()) if admission.policy.waits_for_host else None
        try:
            self._talk.admission = await self._services.gate.wait_for_host(admission)
        finally:
            if ringing is not None:
                ringing.cancel()
        return self._talk.admission

    async def _ring(self) -> None:
        while True:
            self._call.ring()
            await asyncio.sleep(self._services.settings.ring_interval_s)

    async def _enter(self, admission: Admission) -> None:
        self._has_joined = True
        await self._services.calls.connect(self._leg, admission, self._name)
        self._talk.on_media = self._media_changed
        self._talk.is_settled = True

    def _media_changed(self) -> None:
        self._services.calls.leg_changed(self._talk.room, self._leg.id)

    def _digit(self, digit: str) -> None:
        if self._services.on_digit is not None:
            self._services.on_digit(self._leg.id, digit)

    def _refuse(self, error: SipError) -> None:
        """An INVITE that waits gets the status; a call that was answered already (late offer) a BYE."""
        if self._call.session.has_pending_offer:
            self._call.reject(error.status, error.reason, error.headers)
        else:
            self._call.hang_up()


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
