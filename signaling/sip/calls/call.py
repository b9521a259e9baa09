"""One incoming SIP call up to its answer: gate, leg, negotiation, then its visit (DESIGN.md, "One call in")."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import unicodedata

from config.sip import SipSettings
from mcu.capacity import SMALL, Allowance
from mcu.fleet.worker import Worker
from mcu.media import Kind, place_of
from mcu.worker.messages import LegOpened, OpenLeg, Transport
from signaling import dialplan
from signaling.admission import Admission, CallRequest, Refusal, Refused
from signaling.attendant.reception import SaidGoodbye
from signaling.errors import SdpError, SipError
from signaling.network_access import Proof, names
from signaling.sip.call_handle import IncomingCall
from signaling.sip.calls.incoming import IncomingConversation
from signaling.sip.calls.leg import SipLeg
from signaling.sip.calls.refusals import answer_to
from signaling.sip.calls.room_system import kinds_for
from signaling.sip.registry.identity import Challenge, Identity
from signaling.sip.sdp import session
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer_answer import Negotiation
from signaling.sip.sdp.picture import WantedPicture
from signaling.sip.sdp.stream import flow_of
from signaling.sip.services import Services
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.trunk import Arrival
from signaling.sip.wire.fields import from_of
from signaling.sip.wire.message import Request
from signaling.sip.wire.uri import parse_uri
from signaling.visiting_call import VisitingCall

logger = logging.getLogger(__name__)

MAX_NAME_CHARACTERS = 64
_WITHHELD = "anonymous.invalid"


class RoomCall(VisitingCall):
    """See VisitingCall."""

    _talk: IncomingConversation
    _services: Services

    def __init__(self, call: IncomingCall, services: Services) -> None:
        self._call = call
        self._leg = SipLeg(services.fleet.next_leg_id(), call)
        super().__init__(IncomingConversation(call, self._leg, services), services, services.settings.ring_interval_s)
        self._name = caller_name(call)
        self._identity = ""
        self._arrival: Arrival | None = None

    async def _request(self) -> CallRequest:
        await self._identify()
        return self._call_request()

    async def _agree(self, worker: Worker, admission: Admission | None) -> None:
        if admission is not None:
            self._call.become_focus(admission.policy.number)
        await self._negotiate(worker, admission)
        self._talk.is_settled = not self._talk.owes_answer

    def _end(self, error: Exception) -> None:
        """An INVITE that waits gets the status; a call that was answered already a BYE."""
        if isinstance(error, SaidGoodbye) or not self._call.session.has_pending_offer:
            self._call.hang_up()
        else:
            answer = answer_to(error)
            self._call.reject(answer.status, answer.reason, answer.headers)

    async def _identify(self) -> None:
        """A caller who names a trunk or one of our terminals has to be it. Raises SipError 401 to ask for the proof."""
        services, request, flow = self._services, self._call.request, self._call.flow
        found: Arrival | Identity | Challenge | None = None
        if services.arrivals is not None:
            found = services.arrivals.find(request, flow)
        if found is None and services.identify is not None:
            found = services.identify(request, flow)
        if isinstance(found, Challenge):
            await asyncio.sleep(found.delay_s)
            raise SipError(found.status, found.reason, found.headers)
        if isinstance(found, Arrival):
            self._arrival = found
            logger.info("leg=%d came by trunk %s", self._leg.id, found.trunk)
        elif found is not None:
            self._identity, self._name = found.alias, found.name

    def _call_request(self) -> CallRequest:
        """Who is calling which room. The passcode is cut off the request here; only the gate sees it."""
        request = self._call.request
        uri = parse_uri(request.uri)
        dialled = dialplan.parse(uri.user) if self._arrival is None else dialplan.parse(self._arrival.room)
        request.uri = uri.without_passcode().serialize()
        if not dialled.is_valid:
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
            can_wait=offers_sound(request.body),
            local=self._call.flow.local[0],
            claimed=() if self._arrival is not None else claimed_names(request),
            proof=self._proof(),
        )

    def _proof(self) -> Proof:
        """`_identify` takes a name for proved by digest, or over the connection on which that was given."""
        is_proven = self._identity or (self._arrival is not None and self._arrival.is_proven)
        return Proof.DIGEST if is_proven else Proof.NONE

    async def _negotiate(self, worker: Worker, admission: Admission | None) -> None:
        """Agree on media; an INVITE without an offer is answered with ours at once. Raises Refused, SipError, ..."""
        negotiation = await self._open(worker, admission)
        if self._call.request.body:
            self._talk.answer_body, media = negotiation.answer(self._call.request.body)
            # Who dialled a room is told by the status of the INVITE that its lock is not good enough.
            self._talk.admission = admission
        else:
            self._call.accept(negotiation.offer())
            media = negotiation.receive_answer(await self._talk.late_answer())
        await self._talk.configure(media)

    async def _open(self, worker: Worker, admission: Admission | None) -> Negotiation:
        """Reserve what may be negotiated: what has no port is answered with none."""
        kinds = kinds_for(self._call.request.body)
        flow = self._call.flow
        self._talk.watch(worker)
        room = self._talk.room or place_of(self._leg.id)
        opened = await worker.open_leg(
            OpenLeg(self._leg.id, room, Transport.PORTS, kinds, flow.local[0], flow.remote[0])
        )
        local = self._talk.room_system.prepare(local_media(opened, self._services.settings, flow, admission))
        must_encrypt = admission is not None and admission.policy.must_encrypt
        self._talk.negotiation = Negotiation(local, secrets.randbits(47), must_encrypt=must_encrypt)
        return self._talk.negotiation


def offers_sound(body: bytes) -> bool:
    """Whether an offer takes sound of us, so that its caller can be told something; no offer may be answered so."""
    try:
        description = session.parse(body) if body else None
    except SdpError:
        return False
    return description is None or any(
        media.media == "audio" and media.port and flow_of(description, media).sends for media in description.media
    )


def local_media(opened: LegOpened, settings: SipSettings, flow: Flow, admission: Admission | None) -> LocalMedia:
    """What the net process reserved, for the negotiation; pictures are small or held where no others are allowed."""
    allowance = Allowance.FULL if admission is None else admission.allowance
    wanted = WantedPicture(settings.picture_width, settings.picture_height, bitrate_bps=settings.picture_bitrate_bps)
    if allowance is Allowance.SMALL:
        wanted = WantedPicture(SMALL.width, SMALL.height, SMALL.frame_rate, SMALL.bitrate_bps)
    return LocalMedia(
        address=opened.address,
        ports={Kind(kind): ports for kind, ports in opened.ports.items()},
        random_bytes=secrets.token_bytes,
        fingerprint=opened.fingerprint,
        ssrcs={Kind(kind): ssrc for kind, ssrc in opened.ssrcs.items() if kind in set(Kind)},
        cname=opened.cname,
        is_secure_signaling=flow.is_secure,
        peer_address=flow.remote[0],
        picture=wanted,
        held=frozenset() if allowance.has_pictures else frozenset(Kind) - {Kind.AUDIO},
        asks_for_encryption=admission is None or admission.policy.asks_for_encryption,
    )


def claimed_names(request: Request) -> tuple[str, ...]:
    """What the caller calls itself, which is nothing where it withholds that (RFC 3323 4.1.1.3)."""
    uri = from_of(request.headers).uri
    return () if uri.host.lower() == _WITHHELD else names(uri.user)


def caller_name(call: IncomingCall) -> str:
    """The name that the roster and the picture show: the display name, else the user part, else the address.

    Some terminals call themselves by what they dialled: a passcode in it is cut off.
    """
    origin = from_of(call.request.headers)
    shown = (origin.display_name or origin.uri.user).partition("**")[0]
    kept = (" " if unicodedata.category(char).startswith("Z") else char for char in shown)
    printable = "".join(char for char in kept if not unicodedata.category(char).startswith("C"))
    return " ".join(printable.split())[:MAX_NAME_CHARACTERS] or call.flow.remote[0]
