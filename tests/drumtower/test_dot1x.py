"""802.1X put together: it starts, says what it counts, and leaves nothing behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from auth8021x.directory.report import Kind, Report
from auth8021x.errors import DirectoryUnavailableError
from auth8021x.gate.aftermath import Order
from auth8021x.gate.verdict import Question, Reason
from config.dot1x import Dot1xSettings
from config.dot1x_sites import ListenerSettings, SiteSettings
from drumtower.dot1x import AccessOffice
from store.database import Database

SITES = (SiteSettings("north", ("10.0.0.0/8",), mode="enforce"),)
QUESTION = Question("10.1.2.3", "sip", ("vt1",))


class Calls:
    def __init__(self) -> None:
        self.orders: list[str] = []

    def unregister(self, order: Order) -> None:
        self.orders.append(f"unregister {order.address}")

    def drop_calls(self, order: Order) -> None:
        self.orders.append(f"drop {order.address}")


async def opened(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    await database.open()
    return database


async def test_the_gate_follows_the_directory(tmp_path: Path):
    database, calls = await opened(tmp_path), Calls()
    office = AccessOffice(Dot1xSettings(sites=SITES), database)
    assert office.gate.decide_now(QUESTION).reason is Reason.NO_ANSWER, "nothing has been read yet"
    await office.start(calls)
    assert office.ports == []
    told = Report(Kind.START, "north", "sw", "s1", b"\2" * 6, "vt1", addresses=("10.1.2.3",), interim_s=600)
    assert office.directory.report(told)
    assert office.gate.decide_now(QUESTION).is_allowed
    assert office.gauges() == {"sessions": 1, "addresses": 1, "closed": 0}
    office.directory.end("north", b"\2" * 6)
    assert calls.orders == ["unregister 10.1.2.3"]
    assert (await office.gate.decide(QUESTION)).reason is Reason.NO_SESSION
    counted = {name: count for name, count in office.counters().items() if count}
    assert counted == {"gate-refused-no-answer": 1, "gate-allowed-session": 1, "gate-refused-no-session": 1}
    office.stop()
    with pytest.raises(DirectoryUnavailableError):
        office.directory.known("north", "10.1.2.3")
    await database.close()


async def test_who_looks_on_is_told_and_who_was_switched_off_is_known_before_a_session_ends(tmp_path: Path):
    database, seen = await opened(tmp_path), []

    async def catch_up() -> None:
        seen.append(f"caught up, {len(office.sessions())} there")

    office = AccessOffice(Dot1xSettings(sites=SITES), database, catch_up)
    await office.start(Calls())
    stop = office.observe(lambda: seen.append("news"))
    office.directory.report(Report(Kind.START, "north", "sw", "s1", b"\2" * 6, "vt1", interim_s=600))
    assert set(seen) == {"news"}
    seen.clear()
    office.gate.decide_now(QUESTION)
    assert seen == ["news"]
    stop()
    seen.clear()
    assert await office.end("north", b"\2" * 6)
    assert not await office.end("north", b"\2" * 6)
    assert seen == ["caught up, 1 there", "caught up, 0 there"]
    office.stop()
    await database.close()


async def test_a_port_that_is_taken(tmp_path: Path):
    database = await opened(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        listener = ListenerSettings(("127.0.0.1",), taken.getsockname()[1])
        office = AccessOffice(Dot1xSettings(sites=SITES, listener=listener), database)
        with pytest.raises(OSError, match="in use"):
            await office.start(Calls())
    with pytest.raises(DirectoryUnavailableError):
        office.directory.known("north", "10.1.2.3")
    await database.close()
