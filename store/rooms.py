"""Rooms as they are kept: what a room is, and the repository that finds and changes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, RowMapping, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from store.connections import Connections
from store.errors import AlreadyExists, Invalid, NotFound
from store.models import RoomRow
from store.versions import at_version

RECORD_POLICIES = ("off", "on-request", "always")
LAYOUTS = ("auto", "grid", "speaker", "lecture")
ENCRYPTIONS = ("off", "automatic", "required")
MAX_NAME_CHARACTERS = 128
MAX_PARTICIPANTS = 1000

_NUMBER = re.compile(r"[0-9]{2,12}", re.ASCII)
# As the dial plan understands it.
_ALIAS = re.compile(r"[0-9a-z](?:[0-9a-z._-]{0,62}[0-9a-z])?", re.ASCII)
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
    keeps_presenter: bool = False
    """Who shares a screen keeps doing so until it ends it; else who asks next takes over."""
    has_full_hd: bool = False
    """Who can take it is sent 1920x1080, else 1280x720 at most."""
    max_participants: int = 36
    record: str = "on-request"
    """"off", "on-request" or "always"."""
    layout: str = "auto"
    """"auto", "grid", "speaker" or "lecture"."""
    encryption: str = "automatic"
    """Of terminals' media: "off", "automatic" or "required"."""
    required_grade: int = 0
    """0 none, 1 opportunistic, 2 authenticated encryption; above 0 where encryption is required, and only there."""
    version: int = 1
    """Grows with every change."""
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

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def find(self, dialled: str) -> Room | None:
        """The room with this number or alias."""
        return await self._one(or_(RoomRow.number == dialled, RoomRow.alias == dialled.lower()))

    async def get(self, number: str) -> Room | None:
        """The room with this number."""
        return await self._one(RoomRow.number == number)

    async def all(self) -> list[Room]:
        """All rooms, by number."""
        async with self._connections.read() as connection:
            rows = await connection.execute(select(RoomRow.__table__).order_by(RoomRow.number))
            return [_room(row) for row in rows.mappings()]

    async def add(self, room: Room) -> Room:
        """Create a room. Raises AlreadyExists, Invalid."""
        now = datetime.now(UTC)
        room = replace(room, generation=1, version=1, created_at=now, updated_at=now)
        check_room(room)
        try:
            async with self._connections.write() as connection:
                await connection.execute(insert(RoomRow).values(**_values(room)))
        except IntegrityError:
            raise AlreadyExists(f"the number {room.number} or the alias is taken") from None
        return room

    async def change(self, number: str, change: Callable[[Room], Room]) -> Room:
        """Replace the stored room by what `change` makes of it, in one transaction.

        For example: await rooms.change("1001", lambda room: replace(room, name="Ward 3")).
        `generation`, `version` and `updated_at` are kept by the repository. Raises NotFound, AlreadyExists (alias),
        Invalid, and what `change` raises; then nothing has changed.
        """
        try:
            async with self._connections.write() as connection:
                query = select(RoomRow.__table__).where(RoomRow.number == number).with_for_update()
                row = (await connection.execute(query)).mappings().first()
                if row is None:
                    raise NotFound(f"there is no room {number}")
                room = _kept(_room(row), change)
                await connection.execute(update(RoomRow).where(RoomRow.number == number).values(**_values(room)))
        except IntegrityError:
            raise AlreadyExists("the alias is taken") from None
        return room

    async def delete(self, number: str, *, version: int | None = None) -> bool:
        """Remove a room, only this version of it where one is given; False when it was not there."""
        query = delete(RoomRow).where(RoomRow.number == number)
        async with self._connections.write() as connection:
            return bool((await connection.execute(at_version(query, RoomRow.version, version))).rowcount)

    async def _one(self, condition: ColumnElement[bool]) -> Room | None:
        async with self._connections.read() as connection:
            row = (await connection.execute(select(RoomRow.__table__).where(condition))).mappings().first()
        return _room(row) if row is not None else None


def check_room(room: Room) -> None:
    """Raises Invalid, with words for an administrator."""
    if not _NUMBER.fullmatch(room.number):
        raise Invalid("number: 2 to 12 digits")
    if not 1 <= len(room.name.strip()) <= MAX_NAME_CHARACTERS or not room.name.isprintable():
        raise Invalid(f"name: 1 to {MAX_NAME_CHARACTERS} printable characters")
    if room.alias and (not _ALIAS.fullmatch(room.alias) or room.alias.isdigit()):
        raise Invalid("alias: up to 64 of a-z, 0-9, dot, dash and underscore, with at least one letter")
    if room.record not in RECORD_POLICIES:
        raise Invalid(f"record: {', '.join(RECORD_POLICIES)}")
    if room.layout not in LAYOUTS:
        raise Invalid(f"layout: {', '.join(LAYOUTS)}")
    if room.required_grade not in (0, 1, 2):
        raise Invalid("required_grade: 0 (none), 1 (opportunistic), 2 (authenticated)")
    if room.encryption not in ENCRYPTIONS:
        raise Invalid(f"encryption: {', '.join(ENCRYPTIONS)}")
    if (room.encryption == "required") is not (room.required_grade > 0):
        raise Invalid("required_grade: above 0 where encryption is required, and only there")
    if not 1 <= room.max_participants <= MAX_PARTICIPANTS:
        raise Invalid(f"max_participants: 1 to {MAX_PARTICIPANTS}")


def with_encryption(room: Room, encryption: str | None, grade: int | None) -> Room:
    """The room with these; what is None follows from the other, or stays. check_room() says where they contradict."""
    if encryption is None and grade is not None:
        unasked = "automatic" if room.encryption == "required" else room.encryption
        encryption = "required" if grade else unasked
    elif grade is None and encryption is not None:
        grade = max(room.required_grade, 1) if encryption == "required" else 0
    if encryption is None or grade is None:
        return room
    return replace(room, encryption=encryption, required_grade=grade)


def _kept(old: Room, change: Callable[[Room], Room]) -> Room:
    new = change(old)
    is_rekeyed = (new.guest_hash, new.host_hash) != (old.guest_hash, old.host_hash)
    new = replace(
        new, number=old.number, created_at=old.created_at, updated_at=datetime.now(UTC),
        generation=old.generation + is_rekeyed, version=old.version + 1,
    )  # fmt: skip
    check_room(new)
    return new


def _room(row: RowMapping) -> Room:
    values = dict(row)
    values["alias"] = values["alias"] or ""
    return Room(**values)


def _values(room: Room) -> dict[str, object]:
    values = {field.name: getattr(room, field.name) for field in fields(room)}
    # Unique, and many rooms have none.
    values["alias"] = room.alias or None
    return values
