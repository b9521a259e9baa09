"""The attendant at work for one leg: carries out what its core wants, in a place of the media plane.

Neutral to protocols. A call in its own protocol makes one, feeds it digits, and awaits ask() or wait():

    reception = Reception(desk, request, worker, leg, doors)
    talk.on_digit = reception.receive_digit
    await reception.ask(refusal)         # returns when the caller is in a room; raises SaidGoodbye
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from mcu.fleet.worker import Worker, WorkerError
from mcu.media import LegMedia
from mcu.place import Place
from mcu.worker.messages import AnyMessage
from signaling.attendant.actions import Action, Ask, Enter, EnterTestRoom, HangUp, Say, Show
from signaling.attendant.attendant import Attendant
from signaling.attendant.desk import Desk
from signaling.attendant.testing import TestVisit
from signaling.call_request import Admission, CallRequest
from signaling.refusal import Refusal, Refused, WaitReason

logger = logging.getLogger(__name__)


class SaidGoodbye(Exception):
    """The caller was told why there is no room to go to: hang up."""

    def __init__(self, reason: Refusal | None = None) -> None:
        super().__init__(str(reason or "good-bye"))
        self.reason = reason
        """What the gate said last, where it has refused."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What only the protocol of the call can do."""

    media: Callable[[], LegMedia]
    """What is agreed with the caller now."""
    is_answered: Callable[[], bool]
    """Whether the caller sees and hears us already; before, a refusal is for the protocol to tell."""
    answer: Callable[[], None]
    """Answer the call: from now on the caller is to see and hear something."""
    connect: Callable[[Admission], Awaitable[None]]
    """Take the configured leg into its conference. Raises Refused."""


class Reception:
    """One caller, from the first question to the door of a room."""

    def __init__(self, desk: Desk, request: CallRequest, worker: Worker, leg: int, doors: Doors) -> None:
        self._desk = desk
        self._request = request
        self._place = Place(worker, leg)
        self._doors = doors
        self._attendant = Attendant(desk.settings, request.room)
        self._happened = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None
        self._taken = ExitStack()
        self._has_place = False
        self._refused: Refused | None = None
        self._last_refusal: Refusal | None = None
        self._test: TestVisit | None = None
        worker.observe_leg(leg, self._heard)

    # ---- the call

    async def ask(self, refusal: Refusal | None = None) -> None:
        """Ask for room and passcode; `refusal` is what the gate said to what was dialled. Raises SaidGoodbye."""
        self._desk.counters["asked"] += 1
        self._attendant.start(self._now(), refusal)
        await self._run()

    async def wait(self, admission: Admission) -> None:
        """Take an admitted caller in, now or after waiting. Raises SaidGoodbye; Refused if nothing could be said."""
        self._begin(self._enter(admission))
        await self._run()

    async def test(self) -> None:
        """The test room, until its time is over or the caller leaves. Raises SaidGoodbye, Refused."""
        with self._desk.test(), self._taken:
            self._open()
            self._test = TestVisit(self._desk.settings, self._place)
            try:
                await self._test.run()
            finally:
                self._test = None
                self._place.leave()
        raise SaidGoodbye

    def receive_digit(self, digit: str) -> None:
        """The caller pressed a key, whatever way it came."""
        if self._test is not None:
            self._test.receive_digit(digit)
        else:
            self._attendant.receive_digit(digit, self._now())
            self._happened.set()

    def media_changed(self) -> None:
        """The leg was renegotiated."""
        if self._place.is_entered:
            self._place.enter(self._doors.media())

    # ---- carrying out

    async def _run(self) -> None:
        try:
            while True:
                self._happened.clear()
                while (action := self._attendant.next_action()) is not None:
                    if await self._is_end(action):
                        return
                if self._refused is not None:
                    raise self._refused
                await self._until_something_happens()
        finally:
            if self._asking is not None:
                self._asking.cancel()
                await asyncio.gather(self._asking, return_exceptions=True)
            self._place.leave()
            self._taken.close()

    async def _until_something_happens(self) -> None:
        deadline = self._attendant.next_timeout()
        try:
            async with asyncio.timeout_at(deadline):
                await self._happened.wait()
        except TimeoutError:
            self._attendant.handle_timeout(self._now())

    async def _is_end(self, action: Action) -> bool:
        """Carry one action out; whether it took the caller to the room. Raises SaidGoodbye."""
        match action:
            case Show() if action.panel is not None:
                self._open()
                self._place.show(action.panel)
            case Say():
                self._open()
                self._place.say(*action.prompts, interrupt=action.is_interrupting)
            case Ask():
                self._begin(self._ask(action.room, action.passcode))
            case EnterTestRoom():
                await self._try_test()
            case Enter():
                self._desk.counters["entered"] += 1
                return True
            case HangUp():
                self._desk.counters["goodbyes"] += 1
                raise SaidGoodbye(self._last_refusal)
            case _:
                pass
        return False

    def _open(self) -> None:
        """Let the caller see and hear something. Raises Refused where too many do."""
        if not self._has_place:
            self._taken.enter_context(self._desk.place(self._request.source))
            self._has_place = True
        if not self._place.is_entered:
            if not self._doors.is_answered():
                self._doors.answer()
            self._place.enter(self._doors.media())

    async def _try_test(self) -> None:
        try:
            await self.test()
        except Refused as refused:
            self._attendant.refused(refused.reason, self._now())

    # ---- asking the gate

    def _begin(self, work: Awaitable[None]) -> None:
        self._asking = asyncio.ensure_future(self._guarded(work))

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Whatever the gate says becomes a fact for the core."""
        try:
            await work
        except Refused as refused:
            self._last_refusal = refused.reason
            if self._doors.is_answered():
                self._attendant.refused(refused.reason, self._now())
            else:
                self._refused = refused
        except WorkerError as error:
            logger.warning("leg=%d call=%s worker: %s", self._place.leg, self._request.call, error.reason)
            self._attendant.refused(Refusal.CAPACITY, self._now())
        except Exception:
            logger.exception("leg=%d call=%s asking failed", self._place.leg, self._request.call)
            self._attendant.refused(Refusal.CAPACITY, self._now())
        else:
            self._attendant.admitted(self._now())
        self._happened.set()

    async def _ask(self, room: str, passcode: str | None) -> None:
        admission = await self._desk.gate.admit(replace(self._request, room=room, passcode=passcode))
        await self._enter(admission)

    async def _enter(self, admission: Admission) -> None:
        """Wait where that is needed, then go in. Raises Refused."""
        self._attendant.room = admission.policy.number
        self._desk.gate.check_media(admission, self._doors.media().grade)
        while True:
            admission = await self._desk.gate.wait_for_host(admission, self._told)
            # Room and keys may have changed meanwhile: a caller may renegotiate while it waits.
            self._desk.gate.check_media(admission, self._doors.media().grade)
            self._place.leave(admission.policy.number)
            try:
                return await self._doors.connect(admission)
            except Refused as refused:
                # Locked between the gate and the door: back to waiting.
                if refused.reason is not Refusal.LOCKED:
                    raise

    def _told(self, reason: WaitReason) -> None:
        self._desk.counters["waited"] += 1
        self._attendant.waiting(reason, self._now())
        self._happened.set()

    def _heard(self, message: AnyMessage) -> None:
        if self._test is not None:
            self._test.heard(message)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
