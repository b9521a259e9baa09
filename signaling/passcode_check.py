"""Passcodes compared, and wrong ones counted per call, per source and per room."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import NoReturn

from config.gate import GateSettings
from mcu.media import Grade
from mcu.participant import Role
from signaling.call_request import CallRequest
from signaling.faces import Clock, Verifier
from signaling.refusal import Refusal, Refused
from signaling.tries import Block, CallTries, RoomTries, SourceTries
from store.rooms import Room

logger = logging.getLogger(__name__)


class PasscodeCheck:
    """What a passcode opens, for callers before the gate and for guests inside who want to be host."""

    def __init__(self, verifier: Verifier, settings: GateSettings, clock: Clock, counters: Counter[str]) -> None:
        self.calls = CallTries(settings)
        self.sources = SourceTries(settings)
        self.rooms = RoomTries(settings)
        self.observers: list[Callable[[Block], None]] = []
        """Called with each block that begins."""
        self._verifier = verifier
        self._clock = clock
        self._counters = counters

    def is_hidden(self, room: Room, request: CallRequest) -> bool:
        """Whether a blocked room must look like an unknown number to this caller."""
        is_stranger = not (request.is_trusted or request.is_invited)
        return is_stranger and self.rooms.is_blocked(room.number, self._clock.now())

    async def slow_down(self, source: str) -> None:
        """Let a source that keeps failing wait. Raises Refused."""
        pace = self.sources.pace(source, self._clock.now())
        if pace.retry_after_s > 0:
            raise Refused(Refusal.SLOW_DOWN, retry_after_s=pace.retry_after_s)
        if pace.delay_s > 0:
            await self._clock.sleep(pace.delay_s)

    def charge(self, request: CallRequest) -> None:
        """Take one of the call's tries for the passcode that came. Raises Refused."""
        if request.passcode and not self.calls.charge(request.call):
            raise Refused(Refusal.TOO_MANY_TRIES)

    async def refuse_unknown(self, request: CallRequest, source: str) -> NoReturn:
        """A number that does not exist costs the same work and time as a wrong passcode. Raises Refused."""
        if request.passcode:
            await self._verifier.match(request.passcode, (None, None))
        self.sources.failed(source, self._clock.now())
        raise Refused(Refusal.UNKNOWN_ROOM)

    async def role(self, room: Room, request: CallRequest, source: str) -> Role:
        """What the passcode, or having none, makes of the caller. Raises Refused."""
        if request.is_invited:
            return request.invited_as
        if not request.passcode:
            return self._role_without(room, request)
        self._refuse_in_clear(room, request)
        is_host, is_guest = await self._verifier.match(request.passcode, (room.host_hash, room.guest_hash))
        if self.is_hidden(room, request):
            # Guesses that were already under way when the room became blocked count for nothing, right or wrong.
            self.sources.failed(source, self._clock.now())
            raise Refused(Refusal.UNKNOWN_ROOM)
        if is_host or is_guest:
            self.sources.passed(source, self._clock.now())
        if is_host or is_guest or (room.guest_hash is None and room.host_hash is None):
            self.calls.refund(request.call)
            return Role.HOST if is_host else Role.GUEST
        return self._refuse_wrong(room, request, source)

    async def host(self, room: Room, request: CallRequest, source: str) -> None:
        """Whether the passcode is that of the room's hosts. Raises Refused."""
        self._refuse_in_clear(room, request)
        is_host, _ = await self._verifier.match(request.passcode or "", (room.host_hash, None))
        if self.rooms.is_blocked(room.number, self._clock.now()):
            # Who is inside knows that the room exists; the host passcode is out of reach while it is guessed at.
            raise Refused(Refusal.TOO_MANY_TRIES)
        if not is_host:
            self._refuse_wrong(room, request, source)
        self.sources.passed(source, self._clock.now())
        self.calls.refund(request.call)

    def _role_without(self, room: Room, request: CallRequest) -> Role:
        if room.guest_hash is None:
            return Role.GUEST
        if _is_too_strict_for(room, request):
            # Nobody is asked to key in over clear signalling what would not be taken.
            raise Refused(Refusal.ENCRYPTION_REQUIRED)
        raise Refused(Refusal.PASSCODE_REQUIRED, tries_left=self.calls.left(request.call))

    def _refuse_in_clear(self, room: Room, request: CallRequest) -> None:
        if _is_too_strict_for(room, request):
            self.calls.refund(request.call)
            raise Refused(Refusal.ENCRYPTION_REQUIRED)

    def _refuse_wrong(self, room: Room, request: CallRequest, source: str) -> NoReturn:
        now = self._clock.now()
        self.sources.failed(source, now)
        block = self.rooms.failed(room.number, now)
        if block is not None:
            self._report(block)
        left = self.calls.left(request.call)
        raise Refused(Refusal.PASSCODE_WRONG if left else Refusal.TOO_MANY_TRIES, tries_left=left)

    def _report(self, block: Block) -> None:
        self._counters["blocks"] += 1
        logger.warning(
            "room=%s blocked for strangers for %.0f s (block %d)", block.room, block.remaining_s, block.blocks
        )
        for observer in list(self.observers):
            observer(block)


def _is_too_strict_for(room: Room, request: CallRequest) -> bool:
    return room.required_grade >= Grade.AUTHENTICATED and not request.has_secure_signalling
