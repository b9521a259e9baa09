"""What migrations make of rows that are there already."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert

import store
from store.database import Database
from store.models import TerminalRow
from store.terminals import Terminal

NOW = datetime(2026, 11, 1, tzinfo=UTC)


async def migrate_to(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with database.connections.write() as connection:
        await connection.run_sync(run)


async def test_terminals_of_before_h323_are_kept_without_its_key(url: str) -> None:
    database = Database(url)
    await migrate_to(database, "0004")
    row = {"alias": "ward-3", "name": "Ward 3", "site": "North", "secret": b"sealed", "is_enabled": True}
    async with database.connections.write() as connection:
        await connection.execute(insert(TerminalRow).values(**row, created_at=NOW, updated_at=NOW))
    await database.open()
    kept = Terminal("ward-3", "Ward 3", b"sealed", None, "North", True, NOW, NOW)
    assert await database.terminals.get("ward-3") == kept
    changed = await database.terminals.change("ward-3", secret=b"new", h235_key=b"key")
    assert (changed.secret, changed.h235_key) == (b"new", b"key")
    await database.close()
