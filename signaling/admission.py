"""The gate before every room, the same for all protocols: who may come in, as what, and who must wait.

Before admit() returns, nothing of the room may reach the caller and nothing of the caller's the room; wait_for_host()
is called last, right before the conference is joined, because it looks at everything once more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from config.gate import GateSettings
from mcu.media import Grade
from mcu.participant import Role
from mcu.policy import LayoutMode, RecordPolicy, RoomPolicy
from signaling.tries import Block, CallTries, RoomTries, SourceTries, source_key
from store.rooms import Room

logger = logging.getLogger(__name__)


class Refusal(StrEnum):
    """Why a caller is not let in. A blocked room gives UNKNOWN_ROOM, like a number that does not exist."""

    UNKNOWN_ROOM = "unknown-room"
    PASSCODE_REQUIRED = "passcode-required"
    PASSCODE_WRONG = "passcode-wrong"
    TOO_MANY_TRIES = "too-many-tries"
    SLOW_DOWN = "slow-down"
    LOCKED = "locked"
    FULL = "full"
    ENCRYPTION_REQUIRED = "encryption-required"
    CAPACITY = "capacity"
    HOST_ABSENT = "host-absent"


class Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    """The gate stays shut; `reason` is for the protocol's own words."""

    def __init__(self, reason: Refusal, *, retry_after_s: float = 0.0, tries_left: int = 0) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.retry_after_s = retry_after_s
        """SLOW_DOWN, CAPACITY: how long to stay away; 0 where unknown."""
        self.tries_left = tries_left
        """PASSCODE_WRONG, PASSCODE_REQUIRED: further passcodes this call may try."""


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


class RoomSource(Protocol):
    """Where rooms are kept (store.rooms.Rooms)."""

    async def find(self, dialled: str) -> Room | None:
        """The room with this number or alias."""


class RunningRooms(Protocol):
    """What the gate asks about conferences; rooms that do not run have nobody in them and are not locked."""

    def host_is_in(self, number: str) -> bool:
        """Whether a host is in the room."""

    def count(self, number: str) -> int:
        """Participants in the room."""

    def is_locked(self, number: str) -> bool:
        """Whether the running conference is locked."""

    async def wait(self, number: str) -> None:
        """Return when something about the room changes (a host comes, it is locked, it opens or ends); early is fine."""


class Verifier(Protocol):
    """Compares passcodes (crypto.passcode.PasscodeHasher). Raises crypto.passcode.HasherBusy."""

    async def match(self, secret: str, hashes: Sequence[str | None]) -> tuple[bool, ...]:
        """For each hash whether `secret` fits; takes the same time for any content, None included."""


class Clock(Protocol):
    """Monotonic time."""

    def now(self) -> float:
        """Seconds."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class MonotonicClock:
    """The real clock."""

    def now(self) -> float:
        """Seconds of CLOCK_MONOTONIC."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """asyncio.sleep."""
        await asyncio.sleep(seconds)


class Gate:
    """One for the whole server; all protocols come through it."""

    def __init__(
        self, rooms: RoomSource, running: RunningRooms, verifier: Verifier, settings: GateSettings, clock: Clock
    ) -> None: ...

    async def admit(self, request: CallRequest) -> Admission:
        """Check room, passcode, lock and seats; may take seconds for sources that keep failing. Raises Refused."""
        raise NotImplementedError

    async def wait_for_host(self, admission: Admission) -> Admission:
        """Return once the caller may join now, checked again with everything that changed. Raises Refused."""
        raise NotImplementedError

    def check_media(self, admission: Admission, grade: Grade) -> None:
        """Raises Refused(ENCRYPTION_REQUIRED) where the room asks for a better lock than what was negotiated."""

    def room_changed(self, number: str) -> None:
        """The stored room was changed or deleted: those waiting for it are checked again at once."""

    def blocked(self) -> list[Block]:
        """Rooms that strangers cannot find now."""
        raise NotImplementedError

    def unblock(self, number: str) -> bool:
        """End the block of a room (a host or an administrator asked); False when there is none."""
        raise NotImplementedError

    def observe(self, callback: Callable[[Block], None]) -> Callable[[], None]:
        """Call `callback` when a room becomes blocked, so that its host is told; returns "stop observing"."""
        raise NotImplementedError
