"""Sessions of 802.1X over a restart, and the orders that lie beside them."""

from __future__ import annotations

import asyncio

from auth8021x.directory.keeper import KeptSession
from auth8021x.directory.orders import EndOrder
from auth8021x.directory.session import Session
from store.bindings import KeptBinding
from store.database import Database
from tests.auth8021x.accounting.packets import huawei
from tests.auth8021x.directory.reports import VT1, VT2
from tests.auth8021x.switches.sessions import NOW, session


async def test_sessions_come_back_as_they_were(url: str) -> None:
    found = session(*huawei())
    async with Opened(url) as database:
        database.port_sessions.put(KeptSession(found))
        database.port_sessions.put(KeptBinding("north/over", "over", NOW - 1, "{}"))
    async with Opened(url) as database:
        (row,) = await database.port_sessions.load(NOW)
        assert Session.parse(row.data) == found
        assert (row.key, row.alias, row.expires_at) == ("north/2cfda1405663", "2cfda1405663", found.expires_at)
        database.port_sessions.remove(row.key)
    async with Opened(url) as database:
        assert await database.port_sessions.load(0.0) == []


async def test_orders_are_found_and_dropped_and_sessions_stay(url: str) -> None:
    async with Opened(url) as database:
        database.port_sessions.put(KeptSession(session()))
        for mac in (VT1, VT2):
            database.port_sessions.put(EndOrder("north", mac, NOW).row())
    async with Opened(url) as database:
        rows = database.port_sessions
        found = await rows.find("!end/")
        assert sorted(row.alias for row in found) == [VT1.hex(), VT2.hex()]
        async with Opened(url) as other:
            other.port_sessions.put(EndOrder("north", VT2, NOW + 1).row())
        await rows.drop(found)
        assert [row.alias for row in await rows.find("!end/")] == [VT2.hex()], "it was ordered once more"
        await rows.drop(await rows.find("!end/"))
        assert [row.key for row in await rows.load(0.0)] == ["north/2cfda1405663"]


async def test_what_was_flushed_is_there_for_others(url: str) -> None:
    async with Opened(url) as database, Opened(url) as other:
        rows = database.port_sessions
        rows.put(EndOrder("north", VT1, NOW).row())
        assert await other.port_sessions.find("!end/") == []
        under_way = asyncio.create_task(rows.flush())
        await asyncio.sleep(0)
        await rows.flush()
        assert len(await other.port_sessions.find("!end/")) == 1, "also what was on its way"
        await under_way


class Opened:
    """A database from its beginning to its end, so that everything is written."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    async def __aenter__(self) -> Database:
        await self._database.open()
        return self._database

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()
