"""Migrations from nothing, twice, by two at once; the models agree with them; errors say no secrets."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from config.store import StoreSettings
from store.database import Database
from store.errors import Unavailable
from store.models import Base


async def test_migrates_from_empty_and_only_once(url: str) -> None:
    database = Database(url)
    current, needed = await database.revisions()
    assert (current, bool(needed)) == ("", True)
    await database.open()
    assert await database.revisions() == (needed, needed)
    await database.migrate()
    assert await database.revisions() == (needed, needed)
    await database.close()


async def test_two_servers_start_at_once(url: str) -> None:
    databases = [Database(url) for _ in range(3)]
    await asyncio.gather(*(database.open() for database in databases))
    assert len({await database.revisions() for database in databases}) == 1
    for database in databases:
        await database.close()


async def test_models_and_migrations_agree(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection), Base.metadata)

    async with database.connections.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.connections.write() as connection:
            await connection.execute(text("DELETE FROM alembic_version"))
            raise RuntimeError("stop")
    current, needed = await database.revisions()
    assert current == needed


async def test_sqlite_is_set_up_for_a_server(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "drumtower.db"
    database = Database(f"sqlite:///{path}")
    await database.open()
    async with database.connections.read() as connection:
        values = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]
    assert values == ["wal", 1, 10_000]
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    await database.close()


async def test_another_process_writes_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "drumtower.db"
    database = Database(f"sqlite:///{path}")
    await database.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    job = asyncio.create_task(database.users.add("a", "h"))
    await asyncio.sleep(0.05)
    assert not job.done()
    other.execute("COMMIT")
    assert (await job).name == "a"
    other.close()
    await database.close()


@pytest.mark.parametrize("url", ["mysql://u:geheim@h/d", "no url", "oracle://geheim@h"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(Unavailable) as caught:
        Database(url)
    assert "geheim" not in str(caught.value)


async def test_unreachable_database(tmp_path: Path) -> None:
    database = Database("postgresql://u:geheim@127.0.0.1:1/d", StoreSettings(busy_timeout_s=2.0))
    with pytest.raises(Unavailable) as caught:
        await database.open()
    assert "geheim" not in str(caught.value)
    (tmp_path / "x.db").write_bytes(b"this is no database" * 100)
    broken = Database(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(Unavailable):
        await broken.open()
    await database.close()
    await broken.close()
