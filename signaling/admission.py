"""The gate before every room, the same for all protocols: who may come in, as what, and who must wait.

Before admit() returns, nothing of the room may reach the caller and nothing of the caller's the room; wait_for_host()
is called last, right before the conference is joined, because it looks at everything once more.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NoReturn

from config.gate import GateSettings
from crypto.passcode import HasherBusy
from mcu.media import Grade
from mcu.participant import Role
from mcu.policy import LayoutMode, RecordPolicy, RoomPolicy
from signaling.changes import Changes
from signaling.faces import Clock, MonotonicClock, RoomSource, RunningRooms, Verifier
from signaling.lines import LineFull, Lines
from signaling.refusal import Refusal, Refused
from signaling.tries import Block, CallTries, RoomTries, SourceTries, source_key
from store.errors import StoreError
from store.rooms import Room

__all__ = [
    "Admission", "Block", "CallRequest", "Clock", "Gate", "MonotonicClock", "Refusal", "Refused", "RoomSource",
    "RunningRooms", "Verifier", "policy_of",
]  # fmt: skip

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallRequest:
    """Somebody wants to come in."""

    source: str
    """Transport address of the peer (never a header's), without port."""
    protocol: str
    """"sip" or "webrtc"."""
    room: str
    """Number or alias as dialled; dialplan.parse() gives it."""
    passcode: str | None = field(default=None, repr=False)
    name: str = ""
    is_trusted: bool = False
    """Signed in, registered, or already inside (a reconnect): a block of the room does not concern them."""
    call: str = ""
    """Unique id of the call attempt, for its three tries; the same for every try of one call."""
    has_secure_signalling: bool = False
    """The passcode came over TLS (or loopback): rooms of the authenticated grade take none otherwise."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The gate is open for this caller, as long as wait_for_host() agrees."""

    policy: RoomPolicy
    role: Role
    generation: int
    """Of the room's passcodes when this one was checked."""
    request: CallRequest
    """Without its passcode."""


_ANSWER_AGAIN_S = 2.0


class Gate:
    """One for the whole server; all protocols come through it."""

    def __init__(
        self,
        rooms: RoomSource,
        running: RunningRooms,
        verifier: Verifier,
        settings: GateSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._rooms = rooms
        self._running = running
        self._verifier = verifier
        self._settings = settings = settings or GateSettings()
        self._clock = clock or MonotonicClock()
        self._call_tries = CallTries(settings)
        self._source_tries = SourceTries(settings)
        self._room_tries = RoomTries(settings)
        self._lines = Lines(most=settings.max_in_line, most_per_source=settings.max_in_line_per_source)
        self._observers: list[Callable[[Block], None]] = []
        self._changes = Changes(running, self._clock, most=settings.max_waiting, recheck_s=settings.recheck_s)
        self.counters: Counter[str] = Counter()
        """Cumulative: "admitted-guest", "admitted-host", "refused-<reason>", "blocks"."""

    async def admit(self, request: CallRequest) -> Admission:
        """Check room, passcode, lock and seats; may take seconds for sources that keep failing. Raises Refused."""
        # Those who are signed in do not pay for strangers behind the same address.
        source = ("=" if request.is_trusted else "") + source_key(request.source)
        try:
            async with self._lines.turn(source):
                admission = await self._admit(request, source)
        except LineFull:
            raise self._refused(request, Refused(Refusal.SLOW_DOWN, retry_after_s=_ANSWER_AGAIN_S)) from None
        except HasherBusy:
            raise self._refused(request, Refused(Refusal.CAPACITY, retry_after_s=_ANSWER_AGAIN_S)) from None
        except StoreError as error:
            logger.error("call=%s cannot be admitted: %s", request.call, error)
            raise self._refused(request, Refused(Refusal.CAPACITY, retry_after_s=_ANSWER_AGAIN_S)) from None
        except Refused as refused:
            raise self._refused(request, refused) from None
        self.counters[f"admitted-{admission.role}"] += 1
        return admission

    async def wait_for_host(self, admission: Admission) -> Admission:
        """Return once the caller may join now, checked again with everything that changed. Raises Refused."""
        try:
            return await self._wait_for_host(admission)
        except Refused as refused:
            raise self._refused(admission.request, refused) from None

    def check_media(self, admission: Admission, grade: Grade) -> None:
        """Raises Refused(ENCRYPTION_REQUIRED) where the room asks for a better lock than what was negotiated."""
        if grade < admission.policy.required_grade:
            raise self._refused(admission.request, Refused(Refusal.ENCRYPTION_REQUIRED))

    def room_changed(self, number: str) -> None:
        """The stored room was changed or deleted: those waiting for it are checked again at once."""
        self._changes.report(number)

    def blocked(self) -> list[Block]:
        """Rooms that strangers cannot find now."""
        return self._room_tries.blocked(self._clock.now())

    def unblock(self, number: str) -> bool:
        """End the block of a room (a host or an administrator asked); False when there is none."""
        return self._room_tries.unblock(number, self._clock.now())

    def observe(self, callback: Callable[[Block], None]) -> Callable[[], None]:
        """Call `callback` when a room becomes blocked, so that its host is told; returns "stop observing"."""
        self._observers.append(callback)

        def stop() -> None:
            if callback in self._observers:
                self._observers.remove(callback)

        return stop

    def gauges(self) -> dict[str, int]:
        """Sizes of the gate's tables, for the metrics."""
        return {
            "sources": len(self._source_tries),
            "calls": len(self._call_tries),
            "rooms": len(self._room_tries),
            "in-line": len(self._lines),
            "waiting-for-host": len(self._changes),
            "blocked": len(self.blocked()),
        }

    # ---- admit ------------------------------------------------------------------------------------------------

    async def _admit(self, request: CallRequest, source: str) -> Admission:
        await self._slow_down(source)
        has_passcode = bool(request.passcode)
        if has_passcode and not self._call_tries.charge(request.call):
            raise Refused(Refusal.TOO_MANY_TRIES)
        room = await self._visible_room(request)
        if room is None:
            await self._refuse_unknown(request, source)
        role = await self._role(room, request, source) if has_passcode else self._role_without(room, request)
        self._check_seat(room, role)
        return _admission(room, role, request)

    async def _slow_down(self, source: str) -> None:
        pace = self._source_tries.pace(source, self._clock.now())
        if pace.retry_after_s > 0:
            raise Refused(Refusal.SLOW_DOWN, retry_after_s=pace.retry_after_s)
        if pace.delay_s > 0:
            await self._clock.sleep(pace.delay_s)

    async def _visible_room(self, request: CallRequest) -> Room | None:
        """The room, unless it is blocked for this caller: from there on it is an unknown number in every respect."""
        room = await self._rooms.find(request.room) if request.room else None
        return None if room is None or self._is_hidden(room, request) else room

    def _is_hidden(self, room: Room, request: CallRequest) -> bool:
        return not request.is_trusted and self._room_tries.is_blocked(room.number, self._clock.now())

    async def _refuse_unknown(self, request: CallRequest, source: str) -> NoReturn:
        if request.passcode:
            await self._verifier.match(request.passcode, (None, None))
        self._source_tries.failed(source, self._clock.now())
        raise Refused(Refusal.UNKNOWN_ROOM)

    def _role_without(self, room: Room, request: CallRequest) -> Role:
        if room.guest_hash is not None:
            raise Refused(Refusal.PASSCODE_REQUIRED, tries_left=self._call_tries.left(request.call))
        return Role.GUEST

    async def _role(self, room: Room, request: CallRequest, source: str) -> Role:
        if room.required_grade >= Grade.AUTHENTICATED and not request.has_secure_signalling:
            self._call_tries.refund(request.call)
            raise Refused(Refusal.ENCRYPTION_REQUIRED)
        is_host, is_guest = await self._verifier.match(request.passcode or "", (room.host_hash, room.guest_hash))
        if self._is_hidden(room, request):
            # Guesses that were already under way when the room became blocked count for nothing, right or wrong.
            self._source_tries.failed(source, self._clock.now())
            raise Refused(Refusal.UNKNOWN_ROOM)
        if is_host or is_guest:
            self._source_tries.passed(source, self._clock.now())
        if is_host or is_guest or (room.guest_hash is None and room.host_hash is None):
            self._call_tries.refund(request.call)
            return Role.HOST if is_host else Role.GUEST
        self._count_wrong(room, source)
        left = self._call_tries.left(request.call)
        raise Refused(Refusal.PASSCODE_WRONG if left else Refusal.TOO_MANY_TRIES, tries_left=left)

    def _count_wrong(self, room: Room, source: str) -> None:
        now = self._clock.now()
        self._source_tries.failed(source, now)
        block = self._room_tries.failed(room.number, now)
        if block is None:
            return
        self.counters["blocks"] += 1
        logger.warning(
            "room=%s blocked for strangers for %.0f s (block %d)", block.room, block.remaining_s, block.blocks
        )
        for observer in list(self._observers):
            observer(block)

    def _check_seat(self, room: Room, role: Role) -> None:
        running = self._running
        # Another program may have changed the room: what holds for callers holds for those inside too.
        running.follow(policy_of(room))
        is_empty = running.count(room.number) == 0
        if role is not Role.HOST and (running.is_locked(room.number) or (is_empty and room.is_locked)):
            raise Refused(Refusal.LOCKED)
        if running.count(room.number) >= room.max_participants:
            raise Refused(Refusal.FULL)

    # ---- waiting ----------------------------------------------------------------------------------------------

    async def _wait_for_host(self, admission: Admission) -> Admission:
        number = admission.policy.number
        deadline = self._clock.now() + self._settings.host_wait_s
        while True:
            # The version is read before the check, so that no change in between is slept through.
            version = self._changes.version
            current = await self._checked_again(admission)
            if not self._must_wait(current):
                return current
            if self._clock.now() >= deadline:
                raise Refused(Refusal.HOST_ABSENT)
            try:
                await self._changes.wait(number, since=version)
            except LineFull:
                raise Refused(Refusal.CAPACITY, retry_after_s=self._settings.recheck_s) from None

    async def _checked_again(self, admission: Admission) -> Admission:
        room = await self._rooms.find(admission.policy.number)
        if room is None:
            raise Refused(Refusal.UNKNOWN_ROOM)
        if room.generation != admission.generation:
            raise Refused(Refusal.PASSCODE_REQUIRED, tries_left=self._call_tries.left(admission.request.call))
        self._check_seat(room, admission.role)
        return _admission(room, admission.role, admission.request)

    def _must_wait(self, admission: Admission) -> bool:
        policy = admission.policy
        return policy.waits_for_host and admission.role is not Role.HOST and not self._running.host_is_in(policy.number)

    def _refused(self, request: CallRequest, refused: Refused) -> Refused:
        self.counters[f"refused-{refused.reason}"] += 1
        # Of an unknown number nothing is logged: it may hold a passcode that was dialled without its mark.
        room = "?" if refused.reason in _SAYS_NOTHING else request.room
        logger.info(
            "call=%s source=%s protocol=%s room=%s refused: %s",
            request.call, request.source, request.protocol, room, refused.reason,
        )  # fmt: skip
        return refused


_SAYS_NOTHING = (Refusal.UNKNOWN_ROOM, Refusal.SLOW_DOWN, Refusal.TOO_MANY_TRIES, Refusal.CAPACITY)


def _admission(room: Room, role: Role, request: CallRequest) -> Admission:
    return Admission(policy_of(room), role, room.generation, replace(request, passcode=None))


def policy_of(room: Room) -> RoomPolicy:
    """What the conference of a stored room needs to know."""
    return RoomPolicy(
        number=room.number,
        name=room.name,
        max_participants=room.max_participants,
        layout=LayoutMode(room.layout),
        record=RecordPolicy(room.record),
        required_grade=Grade(room.required_grade),
        waits_for_host=room.waits_for_host,
        is_locked=room.is_locked,
        changed_at=room.updated_at.timestamp(),
    )
