"""The gate before every room, the same for all protocols: who may come in, as what, and who must wait.

Before admit() returns, nothing of the room may reach the caller and nothing of the caller's the room; wait_for_host()
is called last, right before the conference is joined, because it looks at everything once more.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from config.gate import GateSettings
from crypto.passcode import HasherBusy
from mcu.capacity import Allowance
from mcu.media import Grade
from signaling.antechamber import Antechamber
from signaling.call_request import Admission, CallRequest, admission_to, policy_of
from signaling.faces import Clock, Load, MonotonicClock, RoomSource, RunningRooms, Verifier
from signaling.lines import LineFull, Lines
from signaling.network_access import NetworkAccess
from signaling.network_check import NetworkCheck
from signaling.passcode_check import PasscodeCheck
from signaling.refusal import Refusal, Refused, WaitReason
from signaling.tries import Block, source_key
from signaling.waiting import Told, Waiting, nobody_is_told
from store.errors import StoreError
from store.rooms import Room

__all__ = [
    "Admission", "Block", "CallRequest", "Clock", "Gate", "MonotonicClock", "Refusal", "Refused", "RoomSource",
    "RunningRooms", "Verifier", "WaitReason", "Waiting", "policy_of",
]  # fmt: skip

logger = logging.getLogger(__name__)

_ANSWER_AGAIN_S = 2.0
_LESS = {Allowance.SMALL: "small-pictures", Allowance.SOUND: "sound-only"}
_SAYS_NOTHING = (
    Refusal.UNKNOWN_ROOM, Refusal.SLOW_DOWN, Refusal.TOO_MANY_TRIES, Refusal.CAPACITY, Refusal.NETWORK,
)  # fmt: skip


class Gate:
    """One for the whole server; all protocols come through it."""

    def __init__(
        self,
        rooms: RoomSource,
        running: RunningRooms,
        verifier: Verifier,
        settings: GateSettings | None = None,
        clock: Clock | None = None,
        load: Load | None = None,
        access: NetworkAccess | None = None,
    ) -> None:
        """`load`: what the machine has left; None, and nobody gets less because of it.

        `access`: whether the network knows who calls; None, and nobody is asked.
        """
        settings = settings or GateSettings()
        self.counters: Counter[str] = Counter()
        """Cumulative: "admitted-guest", "admitted-host", "admitted-small-pictures", "admitted-sound-only", "promoted",
        "refused-<reason>", "blocks"."""
        self._rooms = rooms
        self._running = running
        self._load = load
        self._network = NetworkCheck(access, rooms)
        self._retry_after_s = settings.busy_retry_after_s
        self._clock = clock or MonotonicClock()
        self._passcodes = PasscodeCheck(verifier, settings, self._clock, self.counters)
        self._lines = Lines(most=settings.max_in_line, most_per_source=settings.max_in_line_per_source)
        self._antechamber = Antechamber(running, settings, self._clock, self._checked_again, self._on_network)

    async def admit(self, request: CallRequest) -> Admission:
        """Check room, passcode and seats; may take seconds for sources that keep failing. Raises Refused."""
        source = _line_of(request)
        async with self._asked(request, source):
            request = await self._network.check(request)
            await self._passcodes.slow_down(source)
            self._passcodes.charge(request)
            room = await self._visible_room(request)
            if room is None:
                await self._passcodes.refuse_unknown(request, source)
            admission = admission_to(room, await self._passcodes.role(room, request, source), request)
            self._check_seat(room, admission)
            admission = self._allowed(admission)
        self.counters[f"admitted-{admission.role}"] += 1
        self._note_less(admission)
        return admission

    async def check_network(self, request: CallRequest) -> str:
        """As whom the network knows the caller, for calls that ask for no room yet. Raises Refused."""
        if not self._network.is_on:
            return ""
        async with self._asked(request, _line_of(request)):
            return (await self._network.check(request)).network_identity

    async def promote(self, admission: Admission, passcode: str) -> None:
        """Check the host passcode that a guest inside keyed in, counted like those before the gate. Raises Refused."""
        request = replace(admission.request, room=admission.policy.number, passcode=passcode)
        source = _line_of(request)
        async with self._asked(request, source):
            await self._passcodes.slow_down(source)
            self._passcodes.charge(request)
            room = await self._rooms.find(request.room)
            if room is None:
                raise Refused(Refusal.UNKNOWN_ROOM)
            await self._passcodes.host(room, request, source)
        self.counters["promoted"] += 1

    def check_media(self, admission: Admission, grade: Grade) -> None:
        """Raises Refused(ENCRYPTION_REQUIRED) where the room asks for a better lock than what was negotiated."""
        if grade < admission.policy.required_grade:
            raise self._refused(admission.request, Refused(Refusal.ENCRYPTION_REQUIRED))

    def is_refused(self, source: str, *, is_trusted: bool = False) -> bool:
        """Whether this source failed so often that it is refused for now, whatever it asks for."""
        line = _line(source, is_trusted=is_trusted)
        return self._passcodes.sources.pace(line, self._clock.now()).retry_after_s > 0

    # ---- waiting ----------------------------------------------------------------------------------------------

    async def wait_for_host(self, admission: Admission, told: Told = nobody_is_told) -> Admission:
        """Return once the caller may join now, checked again with everything that changed. Raises Refused.

        That is when a host is in and the room is open, or when a host lets this caller in. `told` is called with what
        is waited for, if anything, and again when that changes.
        """
        try:
            return self._allowed(await self._antechamber.wait(admission, told))
        except Refused as refused:
            raise self._refused(admission.request, refused) from None

    def waiting(self, room: str) -> list[Waiting]:
        """Who waits outside this room."""
        return self._antechamber.people.of(room)

    def waiting_rooms(self) -> list[str]:
        """Numbers of the rooms outside of which somebody waits."""
        return self._antechamber.people.rooms()

    def let_in(self, room: str, waiting: int) -> bool:
        """A host lets one in who waits, whatever it is that is waited for; False when nobody of that number waits."""
        return self._antechamber.let_in(room, waiting)

    def turn_away(self, room: str, waiting: int) -> bool:
        """A host does not want one who waits; False when nobody of that number waits."""
        return self._antechamber.turn_away(room, waiting)

    def observe_waiting(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with a room's number when the people outside it change; returns "stop observing"."""
        return self._antechamber.people.observe(callback)

    def room_changed(self, number: str) -> None:
        """The stored room was changed or deleted: those waiting for it are checked again at once."""
        self._antechamber.changes.report(number)

    # ---- blocks -----------------------------------------------------------------------------------------------

    def blocked(self) -> list[Block]:
        """Rooms that strangers cannot find now."""
        return self._passcodes.rooms.blocked(self._clock.now())

    def unblock(self, number: str) -> bool:
        """End the block of a room (a host or an administrator asked); False when there is none."""
        return self._passcodes.rooms.unblock(number, self._clock.now())

    def observe(self, callback: Callable[[Block], None]) -> Callable[[], None]:
        """Call `callback` when a room becomes blocked, so that its host is told; returns "stop observing"."""
        observers = self._passcodes.observers
        observers.append(callback)

        def stop() -> None:
            if callback in observers:
                observers.remove(callback)

        return stop

    def gauges(self) -> dict[str, int]:
        """Sizes of the gate's tables, for the metrics."""
        return {
            "sources": len(self._passcodes.sources),
            "calls": len(self._passcodes.calls),
            "rooms": len(self._passcodes.rooms),
            "in-line": len(self._lines),
            "waiting-for-host": len(self._antechamber.people),
            "blocked": len(self.blocked()),
        }

    # ---- parts of it ------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _asked(self, request: CallRequest, source: str) -> AsyncIterator[None]:
        """The turn of one question; whatever goes wrong becomes a Refused, counted and logged."""
        try:
            async with self._lines.turn(source):
                yield
        except LineFull:
            raise self._refused(request, Refused(Refusal.SLOW_DOWN, retry_after_s=_ANSWER_AGAIN_S)) from None
        except HasherBusy:
            raise self._refused(request, Refused(Refusal.CAPACITY, retry_after_s=_ANSWER_AGAIN_S)) from None
        except StoreError as error:
            logger.error("call=%s cannot be admitted: %s", request.call, error)
            raise self._refused(request, Refused(Refusal.CAPACITY, retry_after_s=_ANSWER_AGAIN_S)) from None
        except Refused as refused:
            raise self._refused(request, refused) from None

    async def _visible_room(self, request: CallRequest) -> Room | None:
        """The room, unless it is blocked for this caller: from there on it is an unknown number in every respect."""
        room = await self._rooms.find(request.room) if request.room else None
        return None if room is None or self._passcodes.is_hidden(room, request) else room

    def _check_seat(self, room: Room, admission: Admission) -> None:
        # Another program may have changed the room: what holds for callers holds for those inside too.
        self._running.follow(admission.policy)
        if self._running.count(room.number) >= room.max_participants:
            raise Refused(Refusal.FULL)
        if not admission.request.can_wait and self._antechamber.is_locked_for(admission):
            raise Refused(Refusal.LOCKED)

    async def _checked_again(self, admission: Admission) -> Admission:
        """The admission as of now. Raises Refused."""
        room = await self._rooms.find(admission.policy.number)
        if room is None:
            raise Refused(Refusal.UNKNOWN_ROOM)
        if room.generation != admission.generation and not admission.request.is_invited:
            left = self._passcodes.calls.left(admission.request.call)
            raise Refused(Refusal.PASSCODE_REQUIRED, tries_left=left)
        current = replace(
            admission_to(room, admission.role, admission.request),
            allowance=admission.allowance,
            is_let_in=admission.is_let_in,
        )
        self._check_seat(room, current)
        return current

    async def _on_network(self, admission: Admission) -> Admission:
        """As whom the network knows the caller now. Raises Refused, StoreError."""
        return replace(admission, request=await self._network.check(admission.request, admission.policy.number))

    # ---- load

    def _allowed(self, admission: Admission) -> Admission:
        """With what the machine has left for it now, never more than it was told before. Raises Refused."""
        if self._load is None:
            return admission
        allowance = self._load.allowance(admission.policy.number, admission.request.call)
        if allowance is Allowance.NONE:
            raise Refused(Refusal.CAPACITY, retry_after_s=self._retry_after_s)
        return replace(admission, allowance=min(allowance, admission.allowance))

    def _note_less(self, admission: Admission) -> None:
        if (less := _LESS.get(admission.allowance)) is None:
            return
        self.counters[f"admitted-{less}"] += 1
        request = admission.request
        logger.info(
            "call=%s source=%s protocol=%s room=%s admitted with %s: the machine is busy",
            request.call, request.source, request.protocol, admission.policy.number, less,
        )  # fmt: skip

    def _refused(self, request: CallRequest, refused: Refused) -> Refused:
        self.counters[f"refused-{refused.reason}"] += 1
        # Of an unknown number nothing is logged: it may hold a passcode that was dialled without its mark.
        room = "?" if refused.reason in _SAYS_NOTHING else request.room
        logger.info(
            "call=%s source=%s protocol=%s room=%s refused: %s",
            request.call, request.source, request.protocol, room, refused.reason,
        )  # fmt: skip
        return refused


def _line_of(request: CallRequest) -> str:
    return _line(request.source, is_trusted=request.is_trusted)


def _line(source: str, *, is_trusted: bool) -> str:
    """Those who are signed in do not pay for strangers behind the same address."""
    return ("=" if is_trusted else "") + source_key(source)
