"""Connections to the database: one engine, its migrations, and the two kinds of transaction (read, write).

SQLite has one writer at a time, so writes stand in line here instead of failing inside it; PostgreSQL needs no line.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from config.store import StoreSettings
from store.errors import Unavailable

# "drumtowr" in a 64-bit number: two servers that start at once migrate one after the other.
_MIGRATION_LOCK = 0x6472756D746F7772
_SWITCH_S = 0.01
"""Until it is tried again to have a new SQLite file written ahead."""
_MIGRATIONS = Path(__file__).parent / "migrations"


class Connections:
    """What the repositories read and write through; store.database.Database owns it."""

    def __init__(self, url: str, settings: StoreSettings | None = None) -> None:
        """`url` is postgresql://... or sqlite:///path. Raises Unavailable when it is neither."""
        self.settings = settings or StoreSettings()
        self._engine = _engine(url, self.settings)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._line = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    async def migrate(self) -> None:
        """Run the migrations that are missing, in one transaction; nothing happens when there are none."""
        async with self.write() as connection:
            if not self.is_sqlite:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATION_LOCK})
            await connection.run_sync(_upgrade)

    async def revisions(self) -> tuple[str, str]:
        """Revision of the database ("" where it is empty) and the one this program needs. Raises Unavailable."""
        async with self.read() as connection:
            return await connection.run_sync(_revision), _head()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection to look things up. Raises Unavailable."""
        with _told_apart():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self, *, is_durable: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction; committed at the end, rolled back when something raises. Raises Unavailable.

        A power cut may take the newest transactions of SQLite, never a durable one: that is on the disk at its end,
        and everything before it with it. PostgreSQL knows no other kind.
        """
        line: AbstractAsyncContextManager[Any] = self._line if self.is_sqlite else nullcontext()
        with _told_apart():
            async with line, self._engine.connect() as connection:
                if self.is_sqlite:
                    # Taken at the start: a transaction that reads first and writes later fails when another wrote.
                    await connection.execution_options(
                        sqlite_begin="IMMEDIATE", sqlite_synchronous="FULL" if is_durable else "NORMAL"
                    )
                async with connection.begin():
                    yield connection


def _engine(url: str, settings: StoreSettings) -> AsyncEngine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Unavailable("the database's URL cannot be understood") from None
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            _make_file(Path(parsed.database))
        engine = create_async_engine(
            parsed.set(drivername="sqlite+aiosqlite"),
            pool_size=settings.pool_size, connect_args={"timeout": settings.busy_timeout_s}, hide_parameters=True,
        )  # fmt: skip
        event.listen(engine.sync_engine, "connect", partial(_prepare_sqlite, settings.busy_timeout_s))
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() == "postgresql":
        return create_async_engine(
            parsed.set(drivername="postgresql+asyncpg"),
            pool_size=settings.pool_size, pool_pre_ping=True, hide_parameters=True,
            connect_args={"timeout": settings.busy_timeout_s},
        )  # fmt: skip
    raise Unavailable(f"{parsed.get_backend_name()}: only SQLite and PostgreSQL are supported")


def _make_file(path: Path) -> None:
    """The database holds hashes and names: nobody else may read it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise Unavailable(f"{path}: the database cannot be opened: {error.strerror}") from None


def _prepare_sqlite(busy_timeout_s: float, connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, and too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    _write_ahead(cursor, busy_timeout_s)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", "trusted_schema=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(cursor: Any, busy_timeout_s: float) -> None:
    """Where several open a new file at once SQLite does not wait until another one has switched it."""
    deadline = time.monotonic() + busy_timeout_s
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_SWITCH_S)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if "sqlite_synchronous" in options:
        # It cannot be changed within a transaction, and stays with the connection until the next one says otherwise.
        connection.exec_driver_sql(f"PRAGMA synchronous={options['sqlite_synchronous']}")
    connection.exec_driver_sql(f"BEGIN {options.get('sqlite_begin', 'DEFERRED')}")


def _revision(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


@cache
def _head() -> str:
    """The revision that this program needs."""
    return ScriptDirectory.from_config(_alembic()).get_current_head() or ""


def _upgrade(connection: Connection) -> None:
    if _revision(connection) == _head():  # as at nearly every start; Alembic would read all migrations to find out
        return
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _told_apart() -> Iterator[None]:
    """A taken name stays an IntegrityError for the repository; everything else of the driver is Unavailable."""
    try:
        yield
    except IntegrityError:
        raise
    except (OSError, SQLAlchemyError) as error:
        raise Unavailable(f"the database cannot be used: {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    """The driver's words without SQL and parameters."""
    inner = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(inner, sqlite3.Error | OSError):
        return str(inner)
    return f"{type(inner).__name__}: {str(inner).partition(chr(10))[0][:200]}"
