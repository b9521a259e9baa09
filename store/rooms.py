"""Rooms as they are kept: what a room is, and the repository that finds and changes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Room:
    """A configured room. Passcode hashes are argon2id strings; None means that there is no such passcode."""

    number: str
    """2 to 12 digits; never changes."""
    name: str
    alias: str = ""
    """Another word to dial, lower case; "" for none."""
    guest_hash: str | None = field(default=None, repr=False)
    host_hash: str | None = field(default=None, repr=False)
    is_guest_weak: bool = False
    """An administrator insisted on a passcode shorter or simpler than the rules allow."""
    is_host_weak: bool = False
    generation: int = 1
    """Grows with every change of a passcode, so that those still waiting are asked again."""
    is_locked: bool = False
    waits_for_host: bool = False
    max_participants: int = 36
    record: str = "on-request"
    """"off", "on-request" or "always"."""
    layout: str = "auto"
    """"auto", "grid", "speaker" or "lecture"."""
    required_grade: int = 0
    """0 none, 1 opportunistic, 2 authenticated encryption."""
    created_at: datetime = _NEVER
    updated_at: datetime = _NEVER

    @property
    def has_guest_passcode(self) -> bool:
        """Whether a guest needs a passcode."""
        return self.guest_hash is not None

    @property
    def has_host_passcode(self) -> bool:
        """Whether anybody can become host by passcode."""
        return self.host_hash is not None


class Rooms:
    """The repository of rooms."""

    async def find(self, dialled: str) -> Room | None:
        """The room with this number or alias."""
        raise NotImplementedError

    async def get(self, number: str) -> Room | None:
        """The room with this number."""
        raise NotImplementedError

    async def all(self) -> list[Room]:
        """All rooms, by number."""
        raise NotImplementedError

    async def add(self, room: Room) -> Room:
        """Create a room. Raises AlreadyExists, Invalid."""
        raise NotImplementedError

    async def change(self, number: str, change: Callable[[Room], Room]) -> Room:
        """Replace the stored room by what `change` makes of it, in one transaction.

        For example: await rooms.change("1001", lambda room: replace(room, name="Ward 3")).
        `generation` and `updated_at` are kept by the repository. Raises NotFound, AlreadyExists (alias), Invalid.
        """
        raise NotImplementedError

    async def delete(self, number: str) -> bool:
        """Remove a room; False when it was not there."""
        raise NotImplementedError
