"""One WebSocket of a join page, from the first message to the last."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
from dataclasses import replace

from mcu.fleet.worker import WorkerError
from signaling.admission import Refusal, Refused
from signaling.webrtc import protocol
from signaling.webrtc.call import Call, request_of
from signaling.webrtc.controls import control
from signaling.webrtc.errors import CallError, MessageError
from signaling.webrtc.limits import MessageBudget
from signaling.webrtc.protocol import Bye, Joined, Pong, Problem, ServerMessage, serialize
from signaling.webrtc.seat import Seat
from signaling.webrtc.seats import Seats
from signaling.webrtc.services import Link, Visitor

logger = logging.getLogger(__name__)

_ASK_AGAIN = (Refusal.PASSCODE_REQUIRED, Refusal.PASSCODE_WRONG)


class Session:
    """Reads messages, answers them, and owns the tasks of this WebSocket."""

    def __init__(self, seats: Seats, visitor: Visitor, link: Link) -> None:
        settings = seats.services.settings
        self._seats = seats
        self._settings = settings
        self._visitor = visitor
        self._link = link
        self._budget = MessageBudget(settings.messages_per_s, settings.message_burst)
        self._id = secrets.token_hex(8)
        self._call: Call | None = None
        self._seat: Seat | None = None
        self._is_idle = False
        self._tasks: asyncio.TaskGroup
        self._joining: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Serve the WebSocket until it closes; a seat taken on it is kept for a while."""
        if not self._seats.open_socket(self._visitor.source):
            return await self._dismiss("too-many-connections")
        try:
            async with asyncio.TaskGroup() as self._tasks:
                background = [self._tasks.create_task(self._watch()), self._tasks.create_task(self._push())]
                try:
                    await self._read()
                finally:
                    self._end(background)
        except Exception:
            logger.exception("session=%s ended by a fault of ours", self._id)
            self._send(Bye("failed"))
        finally:
            self._seats.close_socket(self._visitor.source)
            await self._link.close()
        return None

    # ---- messages

    async def _read(self) -> None:
        async for data in self._link.messages():
            try:
                if not self._budget.take(self._seats.now()):
                    raise MessageError("too-fast", "slow down")
                if not await self._receive(protocol.parse(data)):
                    return
            except MessageError as error:
                self._seats.counters[f"message-{error.code}"] += 1
                self._send(Problem(error.code, error.detail))
                # What a role forbids is a slip of the page, not an attack on the parser.
                if error.code != "not-allowed" and self._budget.strike():
                    self._send(Bye("protocol"))
                    return
            except WorkerError as error:
                logger.warning("session=%s worker failed: %s", self._id, error.reason)
                self._send(Problem("failed"))

    async def _receive(self, message: protocol.AnyPageMessage) -> bool:
        """Carry out one message; False ends the WebSocket."""
        match message:
            case protocol.Ping():
                self._send(Pong(message.id))
            case protocol.Leave():
                if self._seat is not None:
                    await self._seats.give_up(self._seat, "left")
                return False
            case protocol.Join():
                await self._join(message)
            case protocol.Answer():
                await self._answer(message)
            case protocol.RestartIce() if self._seat is not None:
                await self._seat.restart_ice(self._settings.restart_interval_s, self._seats.services.relays)
            case protocol.Camera() if self._seat is None:
                if self._call is not None:
                    self._call.is_camera_on = message.is_on
            case _ if self._seat is None:
                raise MessageError("unexpected", "not before joining a room")
            case _:
                await control(self._seat, message)
        return True

    async def _join(self, message: protocol.Join) -> None:
        if self._seat is not None or self._call is not None:
            raise MessageError("unexpected", "already joining")
        if message.session:
            await self._resume(message)
            return
        self._call = Call(self._seats, self._visitor, self._link, self._id)
        self._joining = self._tasks.create_task(self._run_call(self._call, message))

    async def _resume(self, message: protocol.Join) -> None:
        seat = self._seats.find(message.session)
        # Who is not on the network joins anew, to be told why not.
        known = await self._on_network(seat) if seat is not None else None
        if seat is None or known is None or self._seats.find(message.session) is not seat:
            self._send(protocol.Refused("session-expired"))
            return
        if seat.participant.network_identity != known:
            seat.participant.network_identity = known
            seat.conference.leg_changed(seat.leg.id)
        self._seats.services.calls.moved(seat.leg.id, self._visitor.source, self._visitor.local_address)
        self._seat = seat
        person, policy = seat.participant, seat.conference.policy
        self._send(
            Joined(
                person.id,
                person.role,
                message.session,
                policy.number,
                policy.name,
                is_resumed=True,
                allowance=person.allowance.name.lower(),
            )
        )
        old = seat.attach(self._link)
        if old is not None:
            # A socket that died with its network takes its time to close.
            self._tasks.create_task(old.close())
        seat.make_offer()

    async def _on_network(self, seat: Seat) -> str | None:
        """As whom, None where it may not: another network than before may have brought the page back."""
        request = replace(request_of(self._visitor, self._id, seat.room), name=seat.participant.name)
        try:
            return await self._seats.services.gate.check_network(request)
        except Refused:
            return None

    async def _answer(self, message: protocol.Answer) -> None:
        if self._seat is not None:
            is_good = await self._seat.take_answer(message)
        elif self._call is not None:
            is_good = self._call.take_answer(message)
        else:
            raise MessageError("unexpected", "there is no offer")
        if not is_good and self._budget.strike():
            raise MessageError("bad-answer", "three answers were no use")

    # ---- the call

    async def _run_call(self, call: Call, message: protocol.Join) -> None:
        """The edge of a call: whatever ends it becomes a message to the page."""
        try:
            self._seat = await call.run(message)
        except Refused as refused:
            self._refuse(refused)
        except CallError as error:
            await self._dismiss(error.code)
        except WorkerError as error:
            logger.warning("session=%s no leg: %s", self._id, error.reason)
            await self._dismiss("failed")
        except Exception:
            logger.exception("session=%s call failed", self._id)
            await self._dismiss("failed")
        finally:
            self._call = None
        if self._seat is not None:
            self._seat.make_offer()

    def _refuse(self, refused: Refused) -> None:
        reason = refused.reason
        self._seats.counters[f"refused-{reason}"] += 1
        tries_left = refused.tries_left if reason in _ASK_AGAIN else None
        retry_after_s = refused.retry_after_s if math.isfinite(refused.retry_after_s) else 0.0
        self._send(protocol.Refused(str(reason), retry_after_s, tries_left))

    # ---- background

    async def _watch(self) -> None:
        """A WebSocket that leads nowhere does not stay."""
        while self._seat is not None or self._call is not None or not self._is_idle:
            self._is_idle = self._seat is None and self._call is None
            await asyncio.sleep(self._settings.join_timeout_s)
        await self._dismiss("idle")

    async def _push(self) -> None:
        """The roster, when it changed, a few times a second."""
        while True:
            seat = self._seat
            if seat is not None and seat.link is self._link:
                await seat.roster_due.wait()
                seat.roster_due.clear()
                if seat.link is self._link:
                    seat.push_roster()
            await asyncio.sleep(self._settings.roster_interval_s)

    def _end(self, background: list[asyncio.Task[None]]) -> None:
        for task in background:
            task.cancel()
        if self._joining is not None:
            self._joining.cancel()
        if self._seat is not None:
            self._seat.detach(self._link)
            self._seats.detached()

    def _send(self, message: ServerMessage) -> None:
        self._link.send(serialize(message))

    async def _dismiss(self, reason: str) -> None:
        with contextlib.suppress(ConnectionError):
            self._send(Bye(reason))
        await self._link.close()
