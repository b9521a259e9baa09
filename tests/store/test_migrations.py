"""What migrations make of rows that are there already."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import IntegrityError

import store
from store.database import Database
from store.models import RoomRow, TerminalRow
from store.rooms import Room, with_encryption
from store.terminals import Terminal

NOW = datetime(2026, 11, 1, tzinfo=UTC)


async def migrate_to(database: Database, revision: str, *, is_down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        (command.downgrade if is_down else command.upgrade)(config, revision)

    async with database.connections.write() as connection:
        await connection.run_sync(run)


async def test_terminals_of_before_h323_are_kept_without_its_key(url: str) -> None:
    database = Database(url)
    await migrate_to(database, "0004")
    row = {"alias": "ward-3", "name": "Ward 3", "site": "North", "secret": b"sealed", "is_enabled": True}
    async with database.connections.write() as connection:
        await connection.execute(insert(TerminalRow).values(**row, created_at=NOW, updated_at=NOW))
    await database.open()
    kept = Terminal("ward-3", "Ward 3", b"sealed", None, "North", created_at=NOW, updated_at=NOW)
    assert await database.terminals.get("ward-3") == kept
    changed = await database.terminals.change("ward-3", secret=b"new", h235_key=b"key")
    assert (changed.secret, changed.h235_key) == (b"new", b"key")
    await database.close()


async def test_rooms_that_asked_for_a_grade_require_encryption_and_others_take_what_there_is(url: str) -> None:
    database = Database(url)
    await migrate_to(database, "0005")
    room = Room("1001", "Ward 3", alias="", created_at=NOW, updated_at=NOW)
    names = [field.name for field in fields(Room) if field.name not in ("encryption", "version")]
    async with database.connections.write() as connection:
        for number, grade in (("1001", 0), ("1002", 1), ("1003", 2)):
            old = replace(room, number=number, required_grade=grade)
            values = {name: getattr(old, name) for name in names} | {"alias": None}
            await connection.execute(insert(RoomRow).values(**values))
    await database.open()
    found = {each.number: (each.encryption, each.required_grade) for each in await database.rooms.all()}
    assert found == {"1001": ("automatic", 0), "1002": ("required", 1), "1003": ("required", 2)}
    changed = await database.rooms.change("1002", lambda old: with_encryption(old, "off", None))
    assert (changed.encryption, changed.required_grade) == ("off", 0)
    with pytest.raises(IntegrityError, match="encryption"):
        async with database.connections.write() as connection:
            await connection.execute(text("UPDATE rooms SET encryption = 'perhaps'"))
    await database.close()


async def test_rows_of_before_versions_are_the_first(url: str) -> None:
    database = Database(url)
    await migrate_to(database, "0008")
    room = Room("1001", "Ward 3", created_at=NOW, updated_at=NOW)
    values = {field.name: getattr(room, field.name) for field in fields(Room) if field.name != "version"}
    terminal = {"alias": "ward-3", "name": "Ward 3", "site": "", "secret": b"sealed", "is_enabled": True}
    async with database.connections.write() as connection:
        await connection.execute(insert(RoomRow).values(**values | {"alias": None}))
        await connection.execute(insert(TerminalRow).values(**terminal, created_at=NOW, updated_at=NOW))
    await database.open()
    assert [each.version for each in (*await database.rooms.all(), *await database.terminals.all())] == [1, 1]
    await migrate_to(database, "0008", is_down=True)
    await database.migrate()
    assert [each.number for each in await database.rooms.all()] == ["1001"]
    await database.close()


async def test_back_and_forth_again(url: str) -> None:
    database = Database(url)
    await database.open()
    await database.rooms.add(Room("1001", "Ward 3", encryption="required", required_grade=2))
    await migrate_to(database, "0005", is_down=True)
    await database.migrate()
    room = await database.rooms.get("1001")
    assert room is not None
    assert (room.encryption, room.required_grade) == ("required", 2)
    await database.close()
