"""Orders from the command line to the server that runs, or starts next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from auth8021x.directory import orders
from auth8021x.directory.keeper import DirectoryKeeper
from auth8021x.directory.orders import KEPT_S, EndOrder, OrderDesk, is_aside
from store.bindings import KeptBinding
from store.database import Database
from tests.auth8021x.directory.reports import VT1, VT2, directory, told

NOW = 1_800_000_000.0


async def test_an_order_is_taken_once_and_survives_a_start(tmp_path: Path, caplog) -> None:
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    other = Database(url)
    await other.open()
    row = EndOrder("north", VT1, NOW).row()
    assert is_aside(row.key)
    other.port_sessions.put(row)
    other.port_sessions.put(EndOrder("north", VT2, NOW - KEPT_S - 1).row())
    await other.close()

    database = Database(url)
    await database.open()
    core = directory()
    keeper = DirectoryKeeper(core, database.port_sessions, lambda: NOW + 1)
    desk = OrderDesk(database.port_sessions, core, keeper.end, lambda: NOW + 1)
    await keeper.start()
    assert "cannot be read" not in caplog.text
    keeper.report(told(addresses=("10.1.2.3",), age_s=60.0))
    keeper.report(told(mac=VT2, session_id="s2", addresses=("10.1.2.4",), age_s=60.0))
    found = await desk.find()
    assert {row.alias for row in found} == {VT1.hex(), VT2.hex()}
    for _ in range(2):
        desk.carry_out(found)
        assert core.get("north", VT1) is None
        assert core.get("north", VT2) is not None, "the other one is too old"
        assert len(await desk.find()) == 2, "until what follows is on the disk"
    await desk.done(found)
    assert await desk.find() == []
    assert [row.key for row in await database.port_sessions.load(0.0)] == [f"north/{VT2.hex()}"]
    keeper.close()
    await database.close()


def test_a_session_that_began_after_the_order_stays() -> None:
    core = directory()
    core.report(told(), NOW)
    ended: list[tuple[str, bytes]] = []

    def end(site: str, mac: bytes) -> bool:
        ended.append((site, mac))
        return True

    desk = OrderDesk(rows=None, sessions=core, end=end, wall_clock=lambda: NOW)  # type: ignore[arg-type]
    orders = [EndOrder("north", VT1, NOW - 1), EndOrder("north", VT2, NOW), EndOrder("south", VT1, NOW)]
    desk.carry_out([order.row() for order in orders])
    assert ended == []
    desk.carry_out([EndOrder("north", VT1, NOW).row()])
    assert ended == [("north", VT1)]


async def test_what_was_changed_before_an_order_is_known_first() -> None:
    """Who was switched off and then thrown out would otherwise be let in again at once."""
    core = directory()
    core.report(told(), NOW)
    done: list[str] = []

    class Rows:
        def __init__(self) -> None:
            self.left = [EndOrder("north", VT1, NOW).row()]

        async def find(self, prefix: str) -> list[KeptBinding]:
            return list(self.left)

        async def drop(self, found: Sequence[KeptBinding]) -> None:
            done.append("dropped")
            self.left = [row for row in self.left if row not in found]

        async def flush(self) -> None:
            done.append("flushed")

    def end(_site: str, _mac: bytes) -> bool:
        done.append("ended")
        return True

    async def catch_up() -> None:
        done.append("caught up")

    desk = OrderDesk(Rows(), core, end, lambda: NOW + 1, catch_up)
    await desk.look()
    assert done == ["caught up", "ended", "flushed", "dropped"]
    await desk.look()
    assert len(done) == 4, "nothing was ordered"


async def test_whatever_fails_orders_are_looked_for_again(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    class Rows:
        looks = 0

        async def find(self, prefix: str) -> Sequence[KeptBinding]:
            self.looks += 1
            if self.looks == 1:
                raise RuntimeError("a database that is none")
            again.set()
            return []

    again = asyncio.Event()
    monkeypatch.setattr(orders, "LOOK_EVERY_S", 0.001)
    desk = OrderDesk(Rows(), directory(), lambda _site, _mac: True)  # type: ignore[arg-type]
    looking = asyncio.create_task(desk.run())
    async with asyncio.timeout(10):
        await again.wait()
    looking.cancel()
    assert "a database that is none" in caplog.text
