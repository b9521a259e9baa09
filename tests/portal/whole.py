"""A portal on the real store and the real library, and a recording made by the real recorder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from crypto.keys import MasterKey
from mcu.conferences import Conferences
from mcu.policy import RoomPolicy
from portal.app import create_app
from recorder.deck import Deck
from recorder.library import Library
from signaling.admission import Gate
from signaling.calls import Calls
from store.database import Database
from tests.mcu.fakes import FakeFleet
from tests.portal.fakes import PASSWORD, Site
from tests.recorder.media import LEG, frames
from tests.recorder.test_deck import ended, wait
from tests.recorder.test_library import SETTINGS


@dataclass
class Whole:
    app: web.Application
    database: Database
    library: Library
    conferences: Conferences

    async def record(self, seconds: int) -> str:
        """Seal a recording of a test picture; its id."""
        order = await self.library.begin(RoomPolicy("1001", "Demo"), LEG, "admin", (320, 180, 25))
        deck = Deck(SETTINGS)
        deck.start(order)
        for frame in frames(seconds):
            deck.feed(frame)
        deck.stop(LEG)
        (end,) = ended(await asyncio.to_thread(wait, deck, lambda told: bool(ended(told))))
        await self.library.finish(end, ["Ward 3", "Dr. Wang"])
        return order.recording


@asynccontextmanager
async def open_whole(folder: Path, must_change: bool = False) -> AsyncIterator[Whole]:
    """One administrator, no rooms, no recordings."""
    database = Database(f"sqlite:///{folder / 'drumtower.db'}")
    await database.open()
    library = Library(database.recordings, folder / "recordings", MasterKey(bytes(32)), SETTINGS)
    site = Site()
    conferences = Conferences(FakeFleet(), library)
    services = replace(
        site.services, users=database.users, sessions=database.sessions, rooms=database.rooms,
        recordings=database.recordings, library=library, conferences=conferences, calls=Calls(conferences),
        gate=Gate(database.rooms, conferences, site.hasher), now=lambda: datetime.now(UTC),
    )  # fmt: skip
    await database.users.add("admin", await site.hasher.hash(PASSWORD), must_change=must_change)
    yield Whole(create_app(services), database, library, conferences)
    await database.close()
    site.hasher.close()
