"""New SQLite databases that have all tables from the start: migrating each would be most of what such a test takes.

That the migrations make them is shown in tests/store, from the empty file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from store import connections
from store.database import Database


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database file without rows."""
    path = tmp_path_factory.mktemp("store") / "migrated.db"
    asyncio.run(_migrate(path))
    return path.read_bytes()


@pytest.fixture(scope="package", autouse=True)
def new_databases_have_tables(migrated: bytes) -> Iterator[None]:
    """For all tests of a folder whose conftest.py imports it."""
    make_file = connections._make_file

    def make_with_tables(path: Path) -> None:
        is_new = not path.exists()
        make_file(path)
        if is_new:
            path.write_bytes(migrated)

    with mock.patch.object(connections, "_make_file", make_with_tables):
        yield


async def _migrate(path: Path) -> None:
    database = Database(f"sqlite:///{path}")
    await database.open()
    await database.close()
