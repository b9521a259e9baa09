"""One incoming H.323 call up to its room: gate, leg, Connect, channels, then its visit (DESIGN.md, "One call in").

Channels follow the answer in H.323, so a call that the gate lets on, or that the attendant is to ask, is answered at
once; whether its lock is good enough is seen, and said in picture and sound, when the channels stand.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging

from mcu.capacity import Allowance
from mcu.fleet.worker import Worker, WorkerError
from mcu.media import Grade, Kind, place_of
from mcu.worker.messages import LegOpened, OpenLeg, Transport
from signaling.admission import Admission, CallRequest, Refusal, Refused
from signaling.attendant.reception import SaidGoodbye
from signaling.h323.call_handle import CallHandle
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.calls import password
from signaling.h323.calls.dialled import caller_name, dialled
from signaling.h323.calls.incoming import IncomingConversation
from signaling.h323.calls.offer import own_media, ports_of
from signaling.h323.calls.refusals import NO_WORKER, NORMAL, Release, release_for
from signaling.h323.calls.services import Services
from signaling.h323.media_security import MediaSecurity
from signaling.visit import RoomVisit, admit

logger = logging.getLogger(__name__)


class RoomCall:
    """Runs one call; everything it took is given back when run() returns."""

    def __init__(self, call: CallHandle, services: Services) -> None:
        assert call.setup is not None
        self._call = call
        self._setup = call.setup
        self._services = services
        self._number = services.fleet.next_leg_id()
        self._talk = IncomingConversation(call, self._number, services)
        self._visit: RoomVisit | None = None

    async def run(self) -> None:
        """Until the call is over. Never raises except when cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                set_up = group.create_task(self._guarded_set_up())
                await self._talk.follow()
                set_up.cancel()
        except* Exception:
            logger.exception("leg=%d room=%s the call failed", self._number, self._talk.room)
        finally:
            self._talk.close()
            try:
                self._call.release()
            finally:
                if self._visit is not None:
                    await self._visit.leave()

    async def _guarded_set_up(self) -> None:
        talk = self._talk
        try:
            await self._set_up()
        except SaidGoodbye as goodbye:
            logger.info("leg=%d room=%s the attendant said good-bye", self._number, talk.room)
            self._release(release_for(goodbye.reason) if goodbye.reason is not None else NORMAL)
        except Refused as refused:
            logger.info("leg=%d room=%s refused: %s", self._number, talk.room, refused.reason)
            self._release(release_for(refused.reason))
        except WorkerError as error:
            logger.warning("leg=%d room=%s worker: %s", self._number, talk.room, error.reason)
            self._release(NO_WORKER)
        except Exception:
            logger.exception("leg=%d room=%s setting up failed", self._number, talk.room)
            self._release(NO_WORKER)

    async def _set_up(self) -> None:
        request = self._call_request()
        admission, refusal = await admit(self._services, request, is_told=True)
        room = "" if admission is None else admission.policy.number
        worker = await self._services.fleet.worker_for(room or place_of(self._number))
        ring_interval_s = self._services.settings.ring_interval_s
        visit = self._visit = RoomVisit(self._talk, self._services, worker, request, request.name, ring_interval_s)
        self._talk.room = room
        await self._accept(worker, admission)
        await self._talk.settled()
        if refusal is not None and refusal.reason is Refusal.PASSCODE_REQUIRED:
            # The answer comes when the attendant is there, whose question is heard and seen meanwhile.
            self._talk.on_password = lambda text: password.key_in(text, self._talk.on_digit)
            self._call.carry(password.ask(self._call.control, self._number))
        await visit.begin(admission, refusal)

    def _call_request(self) -> CallRequest:
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
        )

    async def _accept(self, worker: Worker, admission: Admission | None) -> None:
        """Open the leg, and answer with what it may have. Raises WorkerError."""
        call, setup, settings = self._call, self._setup, self._services.settings
        room = self._talk.room or place_of(self._number)
        order = OpenLeg(self._number, room, Transport.PORTS, tuple(Kind), call.local[0], call.remote[0])
        self._talk.watch(worker)
        opened = await worker.open_leg(order)
        security = MediaSecurity() if settings.encryption != "off" else None
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
        must_encrypt = admission is not None and admission.policy.required_grade > Grade.CLEAR and security is not None
        grade = Grade.AUTHENTICATED if self._call.account else Grade.OPPORTUNISTIC
        own = own_media(self._services.settings, allowance)
        return CallMedia(self._call.control, Wishes(own, must_encrypt, grade), ports_of(opened), security)

    def _release(self, release: Release) -> None:
        self._call.release(cause=release.cause, reason=release.reason)
