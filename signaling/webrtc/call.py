"""One call in, by browser: the gate, a leg on a worker, an offer and its answer, then the room."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import NoReturn, TypeVar

from crypto.secret import Secret
from mcu.fleet.worker import Worker
from mcu.leg import HangUp
from mcu.media import Grade, Kind, LegMedia
from mcu.participant import Participant
from mcu.worker.messages import AnyMessage, ConfigureLeg, LegConnected, LegFailed, LegOpened, OpenLeg, Transport
from signaling.admission import Admission, CallRequest, Refusal, Refused, WaitReason
from signaling.network_access import Proof
from signaling.webrtc.errors import CallError
from signaling.webrtc.leg import WebrtcLeg
from signaling.webrtc.negotiation import Agreed, Negotiation, Rejected
from signaling.webrtc.patience import Patience
from signaling.webrtc.protocol import Answer, Join, Joined, Problem, Waiting, clean_name, serialize
from signaling.webrtc.seat import Seat
from signaling.webrtc.seats import Seats
from signaling.webrtc.services import Link, Visitor

logger = logging.getLogger(__name__)

Outcome = TypeVar("Outcome")
_KINDS = (Kind.AUDIO, Kind.VIDEO, Kind.CONTENT)


@dataclass(slots=True)
class _Attempt:
    """The leg of a call that is not in a room yet."""

    leg: int
    worker: Worker
    opened: LegOpened
    connected: asyncio.Future[None]
    failed: asyncio.Future[Exception]
    """Why there is nothing more to wait for."""

    def observe(self, message: AnyMessage) -> None:
        """An event of the worker about this leg."""
        if isinstance(message, LegConnected) and not self.connected.done():
            self.connected.set_result(None)
        elif isinstance(message, LegFailed) and not self.failed.done():
            self.failed.set_result(CallError(HangUp.MEDIA_FAILED, message.reason))

    def off_network(self) -> None:
        """The network knows the caller no more."""
        if not self.failed.done():
            self.failed.set_result(Refused(Refusal.NETWORK))

    async def unless_it_fails(self, work: Awaitable[Outcome]) -> Outcome:
        """What `work` comes to. Raises CallError when the leg fails before, Refused when its session ends."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self.failed), return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else self._give_up()
        finally:
            task.cancel()

    def check(self) -> None:
        """Raises CallError when the leg has failed, Refused when its session is over."""
        if self.failed.done():
            self._give_up()

    def _give_up(self) -> NoReturn:
        raise self.failed.result()


class Call:
    """The steps from `join` to the seat. `run` is awaited once; answers come in by `take_answer`."""

    def __init__(self, seats: Seats, visitor: Visitor, link: Link, call: str) -> None:
        self._seats = seats
        self._services = seats.services
        self._visitor = visitor
        self._link = link
        self._call = call
        self._negotiation: Negotiation | None = None
        self._answered: asyncio.Future[LegMedia] = asyncio.get_running_loop().create_future()
        self.is_camera_on = True

    async def run(self, join: Join) -> Seat:
        """Take the caller to a seat. Raises Refused, CallError, WorkerError; then nothing is left behind."""
        name = clean_name(join.name)
        if not name:
            raise CallError("no-name")
        admission = await self._services.gate.admit(self._request(join, name))
        room = admission.policy.number
        worker = await self._services.fleet.worker_for(room)
        leg = self._services.fleet.next_leg_id()
        try:
            return await self._enter(admission, worker, leg, name)
        except BaseException:
            await self._services.calls.leave(room, leg)
            worker.close_leg(leg)
            raise

    def take_answer(self, answer: Answer) -> bool:
        """The browser's answer; False when it is no use."""
        if self._negotiation is None:
            return False
        result = self._negotiation.receive_answer(answer)
        if isinstance(result, Rejected):
            self._link.send(serialize(Problem("bad-answer", result.detail)))
            self._answered.set_exception(CallError("bad-answer", result.detail))
            return False
        if isinstance(result, Agreed):
            self._answered.set_result(result.media)
        return result is not None

    async def _enter(self, admission: Admission, worker: Worker, leg: int, name: str) -> Seat:
        gate, room = self._services.gate, admission.policy.number
        visitor = self._visitor
        opened = await worker.open_leg(OpenLeg(leg, room, Transport.ICE, _KINDS, visitor.local_address, visitor.source))
        loop = asyncio.get_running_loop()
        attempt = _Attempt(leg, worker, opened, loop.create_future(), loop.create_future())
        worker.observe_leg(leg, attempt.observe)
        self._services.calls.arrived(leg, admission.request, attempt.off_network)
        media = await self._negotiate(attempt, has_video=admission.allowance.has_pictures)
        gate.check_media(admission, media.grade)
        await self._wait_for_media(attempt)
        browser = WebrtcLeg(leg, self._visitor.source, media)
        participant = await self._go_in(attempt, admission, browser, name)
        attempt.check()
        conference = self._services.conferences.get(room)
        if conference is None or participant.id not in conference.participants or self._negotiation is None:
            # Shown the door while coming in.
            raise CallError(HangUp.CONFERENCE_ENDED)
        settings = self._services.settings
        patience = Patience(settings.seat_socket_s, settings.seat_silence_s)
        seat = Seat(
            participant,
            browser,
            worker,
            conference,
            self._negotiation,
            patience,
            self._seats.services.gate,
            self._seats.now,
            self._seats.services.dialer,
        )
        seat.switch_camera(self.is_camera_on)
        token = self._seats.add(seat)
        self._services.calls.follow(leg, admission, lambda there, person: self._moved(seat, there, person))
        self._link.send(
            serialize(
                Joined(
                    participant.id,
                    participant.role,
                    token,
                    room,
                    admission.policy.name,
                    allowance=participant.allowance.name.lower(),
                )
            )
        )
        seat.attach(self._link)
        return seat

    def _moved(self, seat: Seat, there: Admission, person: Participant) -> None:
        conference = self._services.conferences.get(there.policy.number)
        if conference is not None:
            seat.move(person, conference)

    async def _negotiate(self, attempt: _Attempt, *, has_video: bool) -> LegMedia:
        grade = Grade.AUTHENTICATED if self._visitor.is_secure else Grade.OPPORTUNISTIC
        relays = self._services.relays
        self._negotiation = Negotiation(
            secrets.randbits(62), grade, attempt.opened, relays.issue(str(attempt.leg), time.time()),
            is_relay_only=relays.is_relay_only, has_simulcast=self._services.settings.has_simulcast,
            has_video=has_video,
        )  # fmt: skip
        offer = self._negotiation.next_offer()
        if offer is not None:
            self._link.send(serialize(offer))
        try:
            async with asyncio.timeout(self._services.settings.answer_timeout_s):
                media = await self._answered
        except TimeoutError as error:
            raise CallError("no-answer") from error
        await attempt.worker.configure_leg(ConfigureLeg(attempt.leg, media.streams))
        return media

    async def _wait_for_media(self, attempt: _Attempt) -> None:
        """A seat is for those whom media reaches: without this a blocked UDP port would leave a silent card behind."""
        try:
            async with asyncio.timeout(self._services.settings.media_timeout_s):
                await attempt.unless_it_fails(attempt.connected)
        except TimeoutError as error:
            raise CallError("no-media") from error

    async def _go_in(self, attempt: _Attempt, admission: Admission, browser: WebrtcLeg, name: str) -> Participant:
        """Wait where that is needed, then take the seat. Raises Refused, CallError, WorkerError."""
        while True:
            waited = self._services.gate.wait_for_host(admission, self._told)
            admission = await attempt.unless_it_fails(waited)
            self._services.gate.check_media(admission, browser.media.grade)
            browser.is_camera_on = self.is_camera_on
            try:
                return await self._services.calls.connect(browser, admission, name)
            except Refused as refused:
                # Locked between the gate and the door: back to waiting.
                if refused.reason is not Refusal.LOCKED:
                    raise

    def _told(self, reason: WaitReason) -> None:
        self._link.send(serialize(Waiting(reason)))

    def _request(self, join: Join, name: str) -> CallRequest:
        return replace(
            request_of(self._visitor, self._call, join.room.lower()),
            passcode=Secret(join.passcode) if join.passcode else None,
            name=name,
        )


def request_of(visitor: Visitor, call: str, room: str) -> CallRequest:
    """What a page asks of the gate."""
    return CallRequest(
        source=visitor.source,
        protocol="webrtc",
        room=room,
        is_trusted=visitor.is_trusted,
        identity=visitor.identity,
        call=call,
        has_secure_signalling=visitor.is_secure,
        local=visitor.local_address,
        proof=Proof.SIGN_IN if visitor.is_trusted else Proof.NONE,
    )
