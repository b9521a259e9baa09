"""The directory on a running loop, with a real database: observers, the timer, restarts."""

import asyncio
from pathlib import Path

import pytest

from auth8021x.directory import directory as core_of_it
from auth8021x.directory.events import EndCause, Ended, Event
from auth8021x.directory.keeper import DirectoryKeeper
from auth8021x.directory.report import Kind, OwnPort
from auth8021x.errors import DirectoryUnavailableError
from auth8021x.pae.grant import Grant
from store.bindings import KeptBinding
from store.database import Database
from tests.auth8021x.directory.reports import VT1, VT2, directory, told

NOW = 1_800_000_000.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


async def opened(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    await database.open()
    return database


async def test_sessions_outlive_a_restart(tmp_path: Path):
    database, clock = await opened(tmp_path), Clock()
    keeper = DirectoryKeeper(directory(), database.port_sessions, clock)
    with pytest.raises(DirectoryUnavailableError):
        keeper.known("north", "10.1.2.3")
    assert not keeper.report(told()), "it is told again when we are there"
    await keeper.start()
    assert keeper.report(told(addresses=("10.1.2.3",)))
    keeper.report(told(mac=VT2, session_id="s2"))
    keeper.report(told(Kind.STOP, mac=VT2, session_id="s2"))
    keeper.report(OwnPort("north", "drumtower", "p1").admitted(b"\2" * 6, "own1", Grant("vt3")))
    database.port_sessions.put(KeptBinding("north/odd", "odd", NOW + 100, "{"))
    keeper.close()
    with pytest.raises(DirectoryUnavailableError):
        await keeper.find("north", "10.1.2.3")
    await database.close()

    database = await opened(tmp_path)
    clock.now += 60
    again, happened = DirectoryKeeper(directory(), database.port_sessions, clock), list[Event]()
    again.observe(happened.append)
    await again.start()
    found = await again.find("north", "10.1.2.3")
    assert found is not None
    assert (found.mac, found.identity) == (VT1, "vt1")
    assert [each.session.identity for each in happened if isinstance(each, Ended)] == ["vt3"]
    again.close()
    await database.close()

    database = await opened(tmp_path)
    assert [row.key for row in await database.port_sessions.load(0)] == ["north/02005e005301"]
    await database.close()


async def test_the_timer_ends_what_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(core_of_it, "LOOK_EVERY_S", 0.01)
    database, clock = await opened(tmp_path), Clock()
    keeper = DirectoryKeeper(directory(grace_s=60), database.port_sessions, clock)
    over = asyncio.Event()

    def happened(event: Event) -> None:
        if isinstance(event, Ended) and event.cause is EndCause.EXPIRED:
            over.set()

    stop = keeper.observe(happened)
    await keeper.start()
    keeper.report(told())
    clock.now += 3 * 600 + 61
    async with asyncio.timeout(5):
        await over.wait()
    assert len(keeper.core) == 0
    stop()
    stop()
    keeper.close()
    await database.close()


async def test_what_finds_no_room_after_a_restart_is_not_kept(tmp_path: Path):
    database = await opened(tmp_path)
    keeper = DirectoryKeeper(directory(), database.port_sessions, Clock())
    await keeper.start()
    keeper.report(told())
    keeper.report(told(mac=VT2, session_id="s2"))
    keeper.close()
    await database.close()
    for expected in (2, 1):
        database = await opened(tmp_path)
        assert len(await database.port_sessions.load(0)) == expected
        again = DirectoryKeeper(directory(max_sessions=1), database.port_sessions, Clock())
        await again.start()
        again.close()
        await database.close()


async def test_an_administrator_ends_a_session(tmp_path: Path):
    database = await opened(tmp_path)
    keeper = DirectoryKeeper(directory(), database.port_sessions, Clock())
    await keeper.start()
    keeper.report(told())
    assert keeper.end("north", VT1)
    assert not keeper.end("north", VT1)
    keeper.close()
    await database.close()


async def test_an_observer_that_fails_keeps_nothing_from_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    database, heard = await opened(tmp_path), []

    def broken(event: Event) -> None:
        raise RuntimeError("a page")

    keeper = DirectoryKeeper(directory(), database.port_sessions, Clock())
    keeper.observe(broken)
    keeper.observe(heard.append)
    await keeper.start()
    assert keeper.report(told())
    assert keeper.end("north", VT1)
    assert isinstance(heard[-1], Ended)
    assert "a page" in caplog.text
    keeper.close()
    await database.close()
