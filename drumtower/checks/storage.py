"""The database: reachable, and with the tables that this program needs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from config.settings import Settings
from drumtower.checks.finding import Finding, fail, ok, warn
from store.database import Database
from store.errors import StoreError

_SQLITE = "sqlite:///"


def check_database(settings: Settings) -> Iterator[Finding]:
    """Looks only; nothing is created or migrated."""
    url = settings.database_url
    if url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists():
        yield ok("database", f"will be made at the first start: {url.removeprefix(_SQLITE)}")
        return
    try:
        current, needed = asyncio.run(_revisions(settings))
    except StoreError as error:
        yield fail("database", str(error), "check [store] url, that the database runs, and its password")
        return
    if not current:
        yield ok("database", "reachable and empty; its tables are made at the next start")
    elif current == needed:
        yield ok("database", f"reachable, revision {current}")
    elif current < needed:
        yield ok("database", f"revision {current}; the next start brings it to {needed}")
    else:
        yield warn("database", f"revision {current} is newer than this program ({needed})", "start the newer program")


async def _revisions(settings: Settings) -> tuple[str, str]:
    database = Database(settings.database_url, settings.store)
    try:
        return await database.revisions()
    finally:
        await database.close()
