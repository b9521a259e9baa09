"""One call that we make into a room: Setup, ringing, Connect, channels, gate, conference; then it is like others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from crypto.h235.diffie_hellman import GROUPS
from mcu.fleet.worker import Worker
from mcu.media import Kind
from mcu.worker.messages import OpenLeg, Transport
from signaling.called_party import CalledParty
from signaling.dialing import Attempt
from signaling.h323.call.causes import Cause
from signaling.h323.call.events import Alerting, Connected, Released
from signaling.h323.call.message import CallIdentity
from signaling.h323.call.setup import SetupRequest
from signaling.h323.call_handle import CallHandle
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.calls.conversation import CallEvent, H323Conversation
from signaling.h323.calls.offer import may_encrypt, own_media, ports_of, traversing_of
from signaling.h323.calls.services import Services
from signaling.h323.media_security import MediaSecurity
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias
from signaling.h323.transport.call_signalling import CallSignalling
from signaling.placed import DialRefused, Outcome

_OFFERED_GROUPS = tuple(group for group in GROUPS.values() if group.bits <= 2048)
"""chan_ooh323 cannot read a Setup with a half key of more bits: it stands in an addition to ClearToken (dhkeyext)."""
_OUTCOMES: dict[int, Outcome] = {
    Cause.USER_BUSY: Outcome.BUSY,
    Cause.CALL_REJECTED: Outcome.DECLINED,
    Cause.NO_ANSWER: Outcome.NO_ANSWER,
    Cause.NO_USER_RESPONDING: Outcome.NO_ANSWER,
    Cause.UNALLOCATED_NUMBER: Outcome.UNKNOWN_TARGET,
    Cause.SUBSCRIBER_ABSENT: Outcome.NOT_REGISTERED,
    Cause.NO_ROUTE_TO_DESTINATION: Outcome.UNREACHABLE,
    Cause.DESTINATION_OUT_OF_ORDER: Outcome.UNREACHABLE,
    Cause.INCOMPATIBLE_DESTINATION: Outcome.NOT_ACCEPTABLE,
}


@dataclass(frozen=True, slots=True)
class Callee:
    """Whom to call and how."""

    name: str
    address: Address
    aliases: tuple[Alias, ...]
    ring_timeout_s: float
    ask_back: Callable[[bytes], None] | None = None
    """Of a terminal behind a firewall, at `address` from outside: has it open the connection for a callIdentifier."""


class _RingingConversation(H323Conversation):
    """A call until its answer, which the maker of the call waits for."""

    def __init__(self, call: CallHandle, attempt: Attempt, services: Services) -> None:
        super().__init__(call, attempt.leg, services)
        self.answered = asyncio.Event()
        self.outcome = Outcome.FAILED
        """Why it was not answered."""
        self._attempt = attempt

    def take(self, event: CallEvent) -> None:
        """Progress of our Setup, and all that other calls know."""
        match event:
            case Alerting():
                self._attempt.rings()
            case Connected():
                self.vouched_for()
                self.answered.set()
            case Released():
                is_denied = event.reason == "securityDenied"
                self.outcome = Outcome.NOT_ALLOWED if is_denied else _OUTCOMES.get(event.cause, Outcome.FAILED)
            case _:
                super().take(event)


class OutCall:
    """One attempt; what it took is given back when run() returns."""

    def __init__(self, signalling: CallSignalling, services: Services, attempt: Attempt, callee: Callee) -> None:
        self._signalling = signalling
        self._services = services
        self._attempt = attempt
        self._callee = callee
        self._room = attempt.admission.policy.number

    async def run(self) -> None:
        """Call and talk until the end. Raises DialRefused, WorkerError."""
        worker = await self._services.fleet.worker_for(self._room)
        identity = self._signalling.new_identity(self._services.conference_id(self._room))
        try:
            call = await self._connect(identity)
        except (OSError, TimeoutError):
            raise DialRefused(Outcome.UNREACHABLE) from None
        talk = _RingingConversation(call, self._attempt, self._services)
        try:
            request = await self._request(talk, call, worker)
            call.place(request, identity)
            await self._follow(talk, worker, call.local[0])
        finally:
            talk.close()
            call.release()

    async def _connect(self, identity: CallIdentity) -> CallHandle:
        """To the callee, or by it (H.460.18). Raises OSError, TimeoutError."""
        callee = self._callee
        if callee.ask_back is None:
            return await self._signalling.connect(callee.address, called=callee.aliases)
        ask = partial(callee.ask_back, identity.identifier)
        return await self._signalling.call_through(identity.identifier, callee.address[0], ask, callee.aliases)

    async def _request(self, talk: _RingingConversation, call: CallHandle, worker: Worker) -> SetupRequest:
        """The connection stands: reserve what the channels need, and say whom we call."""
        admission, leg = self._attempt.admission, self._attempt.leg
        talk.room, talk.admission = self._room, admission
        talk.watch(worker)
        kinds = tuple(Kind)
        is_hidden = self._callee.ask_back is not None
        order = OpenLeg(
            leg, self._room, Transport.PORTS, kinds, call.local[0], call.remote[0], has_traversal=is_hidden
        )  # fmt: skip
        opened = await worker.open_leg(order)
        settings = self._services.settings
        security = MediaSecurity(_OFFERED_GROUPS) if may_encrypt(settings, admission.policy) else None
        own, must_encrypt = own_media(settings, admission.allowance), admission.policy.must_encrypt
        wishes = Wishes(own, must_encrypt, key_lifetime_s=settings.key_lifetime_s)
        traversal = traversing_of(opened, settings, None) if is_hidden else None
        media = CallMedia(call.control, wishes, ports_of(opened), security, traversal)
        call.control.prepare(media.capability_set())
        talk.start(media)
        return SetupRequest(
            called=self._callee.aliases,
            called_address=None if is_hidden else self._callee.address,
            has_hidden_callee=is_hidden,
            goal="invite",
            fast_start=tuple(media.propose_fast_start()) if settings.has_fast_start else (),
            tokens=tuple(security.offer()) if security is not None else (),
            display=admission.policy.name,
        )

    async def _follow(self, talk: _RingingConversation, worker: Worker, local: str) -> None:
        """Until somebody hangs up; whoever answers goes through the gate into the room."""
        services = self._services
        party = CalledParty(talk, services, worker, self._attempt, self._callee.name, local)

        async def enter() -> None:
            try:
                async with asyncio.timeout(self._callee.ring_timeout_s):
                    await talk.answered.wait()
            except TimeoutError:
                raise DialRefused(Outcome.NO_ANSWER) from None
            await talk.settled()
            services.gate.check_media(self._attempt.admission, talk.leg.media.grade)
            await party.join()

        await party.follow(enter)
        if not talk.answered.is_set():
            raise DialRefused(talk.outcome)
