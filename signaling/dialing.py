"""Dialling out, the same for every protocol: whom to call, how many at once, who is ringing, and how it ended.

A called party comes through the same gate as everybody: its room's seats, grade and blocks hold. What it needs not is
a passcode, because a host or an administrator called it; it gets the role that they chose.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

from config.dialing import DialingSettings
from mcu.fleet.worker import WorkerError
from mcu.participant import Role
from signaling.admission import Admission, CallRequest
from signaling.budget import CallBudget
from signaling.placed import MAX_TARGET_CHARACTERS, CallState, DialRefused, Outcome, PlacedCall, outcome_of
from signaling.refusal import Refused

logger = logging.getLogger(__name__)

MAX_RESULTS = 200
"""Calls that failed, kept for a moment so that hosts see why."""


class Gate(Protocol):
    """What a called party needs of signaling.admission.Gate."""

    async def admit(self, request: CallRequest) -> Admission:
        """Check the room. Raises Refused."""


class Attempt(Protocol):
    """What a protocol tells about the call that it makes."""

    @property
    def leg(self) -> int:
        """Number of the leg that the called party gets."""

    @property
    def admission(self) -> Admission:
        """To the room that it is called into."""

    def rings(self) -> None:
        """The called party is being alerted."""

    def joined(self) -> None:
        """It answered and is in the room; from now on it is a participant like others."""


class Plan(Protocol):
    """A target that a protocol knows how to reach."""

    @property
    def name(self) -> str:
        """For the roster, as long as the called party says nothing better."""

    @property
    def address(self) -> str:
        """Numeric address that is called first, "" where it is not known yet."""

    async def call(self, attempt: Attempt) -> None:
        """Call; returns when the answered call is over. Raises DialRefused where it was not answered, Refused."""


class Dials(Protocol):
    """A protocol that can call out."""

    protocol: str

    def plan(self, target: str) -> Plan | None:
        """How to reach a target; None where it means nothing to this protocol. Raises DialRefused."""


@dataclass(slots=True)
class _Order:
    """One call in progress; the Attempt of its plan."""

    placed: PlacedCall
    admission: Admission
    changed: Callable[[PlacedCall], None]
    answered: Callable[[_Order], None]
    has_joined: bool = False
    is_counted: bool = True
    """Whether it still counts among the calls that ring."""

    @property
    def leg(self) -> int:
        return self.placed.leg

    def rings(self) -> None:
        if self.placed.state is CallState.CALLING:
            self.placed.state = CallState.RINGING
            self.changed(self.placed)

    def joined(self) -> None:
        self.has_joined = True
        self.answered(self)


class Dialer:
    """All calls that the server makes. The composition root gives it the protocols that can."""

    def __init__(self, settings: DialingSettings, gate: Gate, next_leg: Callable[[], int]) -> None:
        self.settings = settings
        self.counters: Counter[str] = Counter()
        """Cumulative: "placed", "answered", and each outcome."""
        self._gate = gate
        self._next_leg = next_leg
        self._protocols: list[Dials] = []
        self._placed: dict[int, PlacedCall] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._all = CallBudget(settings.max_calls, 60 * settings.max_calls)
        self._rooms: dict[str, CallBudget] = {}
        self._observers: list[Callable[[PlacedCall], None]] = []

    def add(self, protocol: Dials) -> None:
        """Let it call out; protocols are asked in the order in which they were added."""
        self._protocols.append(protocol)

    def observe(self, callback: Callable[[PlacedCall], None]) -> Callable[[], None]:
        """Call back when a call was placed, rings, has ended or leaves the list; the result stops that."""
        self._observers.append(callback)
        return lambda: self._observers.remove(callback)

    def calls(self, room: str) -> list[PlacedCall]:
        """Who is being called into the room, and who did not come a moment ago."""
        return [placed for placed in self._placed.values() if placed.room == room]

    def rooms(self) -> set[str]:
        """Rooms that somebody is called into."""
        return {placed.room for placed in self._placed.values()}

    def gauges(self) -> dict[str, int]:
        """For the metrics."""
        states = Counter(str(placed.state) for placed in self._placed.values())
        return {str(state): states[str(state)] for state in (CallState.CALLING, CallState.RINGING)}

    async def dial(self, room: str, target: str, by: str, role: Role = Role.GUEST) -> int:
        """Call a target into a room; returns at once with the number of the call. Raises DialRefused.

        `target` is a registered terminal's alias, a telephone number or a URI; `by` is who ordered it.
        """
        target = target.strip()
        try:
            plan, protocol = self._plan(target)
            admission = await self._admit(room, plan, protocol, role)
            number = admission.policy.number
            self._take(number)
        except DialRefused as refused:
            self.counters[str(refused.outcome)] += 1
            raise
        placed = PlacedCall(self._next_leg(), number, _shown(target), role, by)
        order = _Order(placed, admission, self._changed, self._answered)
        self._placed[placed.leg] = placed
        self.counters["placed"] += 1
        logger.info("leg=%d room=%s by=%r calls %s target", placed.leg, number, by, protocol)
        task = asyncio.get_running_loop().create_task(self._run(order, plan))
        self._tasks[placed.leg] = task
        task.add_done_callback(lambda _: self._over(order))
        self._changed(placed)
        return placed.leg

    def cancel(self, room: str, leg: int) -> bool:
        """Give up a call that was not answered, or take its result off the list; False where there is none."""
        placed = self._placed.get(leg)
        if placed is None or placed.room != room:
            return False
        if placed.is_over:
            self._forget(leg)
        elif task := self._tasks.get(leg):
            placed.outcome = Outcome.CANCELLED
            task.cancel()
        return True

    async def hang_up(self) -> None:
        """End all calls that were made, answered or not, because the server stops."""
        tasks = list(self._tasks.values())
        for leg, task in self._tasks.items():
            if leg in self._placed:
                self._placed[leg].outcome = Outcome.CANCELLED
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- within -----------------------------------------------------------------------------------------------

    def _plan(self, target: str) -> tuple[Plan, str]:
        if not 0 < len(target) <= MAX_TARGET_CHARACTERS or not target.isprintable():
            raise DialRefused(Outcome.UNKNOWN_TARGET)
        first: DialRefused | None = None
        for protocol in self._protocols:
            try:
                plan = protocol.plan(target)
            except DialRefused as refused:
                # A terminal that is not registered here by this protocol may be by the next.
                first = first or refused
                continue
            if plan is not None:
                return plan, protocol.protocol
        raise first or DialRefused(Outcome.UNKNOWN_TARGET)

    async def _admit(self, room: str, plan: Plan, protocol: str, role: Role) -> Admission:
        request = CallRequest(
            source=plan.address,
            protocol=protocol,
            room=room,
            name=plan.name,
            is_invited=True,
            invited_as=role,
            call=f"dial-{self.counters['placed']}",
        )
        try:
            return await self._gate.admit(request)
        except Refused as refused:
            raise DialRefused(outcome_of(refused)) from None

    def _take(self, room: str) -> None:
        now = asyncio.get_running_loop().time()
        for number in [number for number, budget in self._rooms.items() if budget.is_idle(now)]:
            del self._rooms[number]
        settings = self.settings
        budget = self._rooms.setdefault(room, CallBudget(settings.max_calls_per_room, settings.calls_per_minute))
        if not budget.take(now):
            raise DialRefused(Outcome.TOO_MANY_CALLS)
        if not self._all.take(now):
            budget.give_back()
            raise DialRefused(Outcome.TOO_MANY_CALLS)

    async def _run(self, order: _Order, plan: Plan) -> None:
        """The edge of one call: whatever ends it becomes an outcome, where it was not answered."""
        placed = order.placed
        try:
            await plan.call(order)
        except DialRefused as refused:
            placed.outcome = placed.outcome or refused.outcome
        except Refused as refused:
            placed.outcome = placed.outcome or outcome_of(refused)
        except WorkerError as error:
            logger.warning("leg=%d room=%s worker: %s", placed.leg, placed.room, error.reason)
        except Exception:
            logger.exception("leg=%d room=%s the call failed", placed.leg, placed.room)

    def _over(self, order: _Order) -> None:
        """The call's task has ended, maybe before it began."""
        self._rings_no_more(order)
        self._tasks.pop(order.leg, None)
        if not order.has_joined:
            self._failed(order.placed, order.placed.outcome or Outcome.FAILED)

    def _answered(self, order: _Order) -> None:
        self.counters["answered"] += 1
        self._rings_no_more(order)
        self._forget(order.leg)

    def _rings_no_more(self, order: _Order) -> None:
        if order.is_counted:
            order.is_counted = False
            self._all.give_back()
            if budget := self._rooms.get(order.placed.room):
                budget.give_back()

    def _failed(self, placed: PlacedCall, outcome: Outcome) -> None:
        self.counters[str(outcome)] += 1
        logger.info("leg=%d room=%s was not reached: %s", placed.leg, placed.room, outcome)
        placed.state, placed.outcome = CallState.ENDED, outcome
        if outcome is Outcome.CANCELLED or len(self._placed) > MAX_RESULTS:
            self._forget(placed.leg)
            return
        asyncio.get_running_loop().call_later(self.settings.result_shown_s, self._forget, placed.leg)
        self._changed(placed)

    def _forget(self, leg: int) -> None:
        placed = self._placed.pop(leg, None)
        if placed is not None:
            self._changed(placed)

    def _changed(self, placed: PlacedCall) -> None:
        for observer in list(self._observers):
            try:
                observer(placed)
            except Exception:
                logger.exception("room=%s an observer of calls failed", placed.room)


def _shown(target: str) -> str:
    """The target without a passcode in its user part, escaped or not: `sip:1001**2468@10.0.0.3` is a room elsewhere."""
    before, mark, rest = unquote(target).partition("**")
    host = rest[rest.rindex("@") :] if "@" in rest else ""
    return before + host if mark else target
