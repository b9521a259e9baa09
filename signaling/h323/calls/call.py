"""One incoming H.323 call up to its room: gate, leg, Connect, channels, then its visit (DESIGN.md, "One call in").

Channels follow the answer in H.323, so a call that the gate lets on, or that the attendant is to ask, is answered at
once; whether its lock is good enough is seen, and said in picture and sound, when the channels stand.
"""

from __future__ import annotations

import ipaddress

from mcu.capacity import Allowance
from mcu.fleet.worker import Worker
from mcu.media import Grade, Kind, place_of
from mcu.worker.messages import LegOpened, OpenLeg, Transport
from signaling.admission import Admission, CallRequest, Refusal, Refused
from signaling.h323.call_handle import CallHandle
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.calls import password
from signaling.h323.calls.dialled import caller_name, dialled
from signaling.h323.calls.incoming import IncomingConversation
from signaling.h323.calls.offer import may_encrypt, own_media, ports_of, traversing_of
from signaling.h323.calls.refusals import release_for
from signaling.h323.calls.services import Services
from signaling.h323.media_security import MediaSecurity
from signaling.network_access import Proof, names
from signaling.visiting_call import VisitingCall


class RoomCall(VisitingCall):
    """See VisitingCall."""

    _talk: IncomingConversation
    _services: Services

    def __init__(self, call: CallHandle, services: Services) -> None:
        assert call.setup is not None
        self._call = call
        self._setup = call.setup
        self._number = services.fleet.next_leg_id()
        talk = IncomingConversation(call, self._number, services)
        super().__init__(talk, services, services.settings.ring_interval_s)

    async def _agree(self, worker: Worker, admission: Admission | None) -> None:
        await self._accept(worker, admission)
        await self._talk.settled()

    def _ask_passcode(self) -> None:
        """By H.243 as well; the answer comes when the attendant's question is heard and seen."""
        self._talk.on_password = lambda text: password.key_in(text, self._talk.on_digit)
        self._call.carry(password.ask(self._call.control, self._number))

    def _end(self, error: Exception) -> None:
        release = release_for(error)
        self._call.release(cause=release.cause, reason=release.reason)

    async def _request(self) -> CallRequest:
        """Who is calling which room. The passcode is cut off here; only the gate sees it. Raises Refused."""
        wanted = dialled(self._setup.called, self._services.own_names)
        if not wanted.is_valid:
            raise Refused(Refusal.UNKNOWN_ROOM)
        source = self._call.remote[0]
        identity = self._services.identify(self._call)
        return CallRequest(
            source=source,
            protocol="h323",
            room=wanted.room,
            passcode=wanted.passcode,
            name=(identity.name if identity else "") or caller_name(self._setup, source),
            is_trusted=identity is not None,
            identity=identity.alias if identity else "",
            call=f"h323-{self._number}",
            has_secure_signalling=ipaddress.ip_address(source.partition("%")[0]).is_loopback,
            local=self._call.local[0],
            claimed=names(*(alias.text for alias in self._setup.calling)),
            proof=Proof.NONE if identity is None else Proof.H235,
        )

    async def _accept(self, worker: Worker, admission: Admission | None) -> None:
        """Open the leg, and answer with what it may have. Raises WorkerError."""
        call, setup, settings = self._call, self._setup, self._services.settings
        room = self._talk.room or place_of(self._number)
        order = OpenLeg(
            self._number, room, Transport.PORTS, tuple(Kind), call.local[0], call.remote[0],
            has_traversal=call.peer_traversal is not None,
        )  # fmt: skip
        self._talk.watch(worker)
        opened = await worker.open_leg(order)
        policy = None if admission is None else admission.policy
        security = MediaSecurity() if may_encrypt(settings, policy) else None
        tokens = security.answer(setup.tokens) if security is not None else []
        media = self._media(opened, admission, security if tokens else None)
        call.control.prepare(media.capability_set())
        self._talk.start(media)
        fast_start = media.answer_fast_start(setup.fast_start) if setup.fast_start else []
        conference_id = self._services.conference_id(room)
        call.accept(conference_id=conference_id, fast_start=fast_start, tokens=tokens)

    def _media(self, opened: LegOpened, admission: Admission | None, security: MediaSecurity | None) -> CallMedia:
        """A terminal without keys is not turned away by its channels: it is told why it may not come in."""
        allowance = Allowance.FULL if admission is None else admission.allowance
        must_encrypt = admission is not None and admission.policy.must_encrypt and security is not None
        grade = Grade.AUTHENTICATED if self._call.account else Grade.OPPORTUNISTIC
        settings, peer = self._services.settings, self._call.peer_traversal
        wishes = Wishes(own_media(settings, allowance), must_encrypt, grade, key_lifetime_s=settings.key_lifetime_s)
        traversal = None if peer is None else traversing_of(opened, settings, peer)
        return CallMedia(self._call.control, wishes, ports_of(opened), security, traversal)
