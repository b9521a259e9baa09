"""What the gate needs of others: rooms, running conferences, a verifier of passcodes, a clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from mcu.capacity import Allowance
from mcu.policy import RoomPolicy
from store.rooms import Room


class RoomSource(Protocol):
    """Where rooms are kept (store.rooms.Rooms)."""

    async def find(self, dialled: str) -> Room | None:
        """The room with this number or alias."""


class RunningRooms(Protocol):
    """What the gate asks about conferences; rooms that do not run have nobody in them and are not locked."""

    def follow(self, policy: RoomPolicy) -> None:
        """What is stored of a room, as somebody has just read it; the room may run."""

    def host_is_in(self, number: str) -> bool:
        """Whether a host is in the room."""

    def count(self, number: str) -> int:
        """Participants in the room."""

    def is_locked(self, number: str) -> bool:
        """Whether the running conference is locked."""

    async def wait(self, number: str) -> None:
        """Return when the room changes (a host comes, it is locked, it opens or ends); early is fine."""


class Verifier(Protocol):
    """Compares passcodes (crypto.passcode.PasscodeHasher). Raises crypto.passcode.HasherBusy."""

    async def match(self, secret: str, hashes: Sequence[str | None]) -> tuple[bool, ...]:
        """For each hash whether `secret` fits; takes the same time for any content, None included."""


class Load(Protocol):
    """How busy the machine is (mcu.load.Load)."""

    def allowance(self, room: str, call: str) -> Allowance:
        """What one more in this room may have now; it counts until the caller is in, or for some seconds."""


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
