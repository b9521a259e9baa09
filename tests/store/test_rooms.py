"""Rooms: found by number or alias, changed in one transaction, bounds told in words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from store.database import Database
from store.errors import AlreadyExists, Invalid, NotFound
from store.rooms import Room, check_room, with_encryption


async def test_add_find_delete(database: Database) -> None:
    rooms = database.rooms
    room = await rooms.add(Room("1001", "病房", alias="ward-3", guest_hash="g", is_guest_weak=True, layout="lecture"))
    await rooms.add(Room("0012", "Without alias"))
    await rooms.add(Room("12", "Nor this one"))
    assert (room.generation, room.created_at, room.updated_at.tzinfo is not None) == (1, room.updated_at, True)
    assert await rooms.get("1001") == await rooms.find("1001") == await rooms.find("Ward-3") == room
    assert await rooms.get("ward-3") is None
    assert await rooms.find("") is None
    assert [found.number for found in await rooms.all()] == ["0012", "1001", "12"]
    assert await rooms.delete("1001")
    assert not await rooms.delete("1001")
    assert await rooms.find("1001") is None


async def test_taken(database: Database) -> None:
    await database.rooms.add(Room("1001", "a", alias="ward"))
    await database.rooms.add(Room("1002", "b"))
    for room in (Room("1001", "x"), Room("1003", "x", alias="ward")):
        with pytest.raises(AlreadyExists):
            await database.rooms.add(room)
    with pytest.raises(AlreadyExists):
        await database.rooms.change("1002", lambda room: replace(room, alias="ward"))
    with pytest.raises(NotFound):
        await database.rooms.change("1009", lambda room: room)


@pytest.mark.parametrize(
    ("values", "grows"),
    [
        ({"name": "x"}, 0), ({"is_locked": True}, 0), ({"guest_hash": "new"}, 1), ({"host_hash": "new"}, 1),
        ({"guest_hash": None}, 1), ({"guest_hash": "a", "host_hash": "b"}, 1), ({"generation": 99}, 0),
    ],
)  # fmt: skip
async def test_generation_grows_with_passcodes_only(database: Database, values: dict[str, object], grows: int) -> None:
    old = await database.rooms.add(Room("1001", "a", guest_hash="g"))
    new = await database.rooms.change("1001", lambda room: replace(room, **values))
    assert new.generation == 1 + grows
    assert new == await database.rooms.get("1001")
    assert new.created_at == old.created_at
    assert new.updated_at > old.updated_at


async def test_changes_at_once_lose_nothing(database: Database) -> None:
    await database.rooms.add(Room("1001", "a", max_participants=1))

    async def more() -> None:
        await database.rooms.change("1001", lambda room: replace(room, max_participants=room.max_participants + 1))

    await asyncio.gather(*(more() for _ in range(20)))
    room = await database.rooms.get("1001")
    assert room is not None
    assert room.max_participants == 21


@pytest.mark.parametrize(
    ("room", "word"),
    [
        (Room("1", "x"), "number"), (Room("1" * 13, "x"), "number"), (Room("10a1", "x"), "number"),
        (Room("１２３", "x"), "number"),
        (Room("1001", ""), "name"), (Room("1001", "x" * 129), "name"), (Room("1001", "a\nb"), "name"),
        (Room("1001", "x", alias="2002"), "alias"), (Room("1001", "x", alias="Ward"), "alias"),
        (Room("1001", "x", alias="a**b"), "alias"), (Room("1001", "x", record="sometimes"), "record"),
        (Room("1001", "x", layout="round"), "layout"), (Room("1001", "x", required_grade=3), "required_grade"),
        (Room("1001", "x", encryption="perhaps"), "encryption"),
        (Room("1001", "x", encryption="required"), "required_grade"),
        (Room("1001", "x", encryption="off", required_grade=1), "required_grade"),
        (Room("1001", "x", required_grade=2), "required_grade"),
        (Room("1001", "x", max_participants=0), "max_participants"),
        (Room("1001", "x", max_participants=5000), "max_participants"),
    ],
)  # fmt: skip
async def test_bounds(tmp_path: Path, room: Room, word: str) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.open()
    with pytest.raises(Invalid, match=word):
        await database.rooms.add(room)
    assert await database.rooms.all() == []
    await database.rooms.add(Room("1001", "fine"))
    if word != "number":
        with pytest.raises(Invalid, match=word):
            await database.rooms.change("1001", lambda _: room)
        room = Room("1001", "fine")
    # A change that would move the room to another number keeps its number.
    changed = await database.rooms.change("1001", lambda old: replace(old, number=room.number))
    assert (changed.number, changed.name) == ("1001", "fine")
    await database.close()


@pytest.mark.parametrize(
    ("old", "wanted", "new"),
    [
        (("automatic", 0), (None, None), ("automatic", 0)),
        (("automatic", 0), ("off", None), ("off", 0)),
        (("automatic", 0), ("required", None), ("required", 1)),
        (("required", 2), ("required", None), ("required", 2)),
        (("required", 2), ("automatic", None), ("automatic", 0)),
        (("required", 2), (None, 1), ("required", 1)),
        (("required", 2), (None, 0), ("automatic", 0)),
        (("off", 0), (None, 0), ("off", 0)),
        (("off", 0), (None, 2), ("required", 2)),
        (("off", 0), ("required", 2), ("required", 2)),
    ],
)
def test_encryption_and_its_grade_follow_each_other(old, wanted, new) -> None:
    room = with_encryption(Room("1001", "x", encryption=old[0], required_grade=old[1]), *wanted)
    assert (room.encryption, room.required_grade) == new
    check_room(room)


def test_no_hash_in_repr() -> None:
    assert "geheim" not in repr(Room("1001", "x", guest_hash="geheim", host_hash="geheim"))
