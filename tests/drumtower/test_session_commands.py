"""`dot1x status`, `sessions` and `disconnect`: what the server wrote down, and what it is told."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auth8021x.directory.keeper import KeptSession
from auth8021x.directory.naming import Naming
from auth8021x.directory.orders import is_aside
from auth8021x.directory.session import Entry, Held, Session, Source
from auth8021x.eapserver.recent import Login
from config.settings import Settings, load
from drumtower import dot1x_commands
from drumtower.dot1x_news import NewsDesk, gathered
from store.database import Database
from tests.drumtower.command_line import Run, typing

MAC = bytes.fromhex("02005e005301")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "drumtower.toml"
    site = '[[dot1x.sites]]\nname = "north"\nnetworks = ["10.0.0.0/8"]\nmode = "enforce"\n'
    switch = '[[dot1x.switches]]\nname = "ward"\nsite = "north"\nnetworks = ["10.0.0.1"]\n'
    radius = (
        '[[dot1x.eap_server.clients]]\nname = "carts"\nnetworks = ["10.0.0.3"]\ndemands_message_authenticator = false\n'
    )
    file.write_text(site + switch + radius)
    return load(file, {"HOME": str(tmp_path / "home"), "DRUMTOWER_SERVER_DATA": str(tmp_path / "data")})


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    return typing(settings, capsys, dot1x_commands, before="dot1x")


def session(site: str, mac: bytes = MAC, identity: str = "vt1", lasts_s: float = 600.0) -> Session:
    now = time.time()
    return Session(
        site, mac, "sw/10.0.0.1", "s1", identity, "ge-0/0/7", now - 60, now, now + lasts_s, Entry.EAP, "ward",
        addresses=(Held("10.1.2.3", Source.ACCOUNTING, now),),
    )  # fmt: skip


def keep(settings: Settings, *sessions: Session) -> None:
    async def write() -> None:
        settings.data.mkdir(exist_ok=True)
        database = Database(settings.database_url)
        await database.open()
        for each in sessions:
            database.port_sessions.put(KeptSession(each))
        await database.close()

    asyncio.run(write())


def orders(settings: Settings) -> list[str]:
    async def look() -> list[str]:
        database = Database(settings.database_url)
        try:
            return [row.key for row in await database.port_sessions.load(0.0) if is_aside(row.key)]
        finally:
            await database.close()

    return asyncio.run(look())


def test_status_and_sessions(run: Run, settings: Settings) -> None:
    keep(settings, session("north"), session("gone"), session("north", b"\2" * 6, "old\x1b", lasts_s=-1))
    status, out, _ = run("status")
    assert status == 0
    assert [line.split()[:3] for line in out.splitlines()[:2]] == [["north", "enforce", "1"], ["gone", "(unset)", "1"]]
    assert "accounting: not listened for" in out
    status, out, _ = run("sessions", "--site", "north")
    assert (status, len(out.splitlines())) == (0, 1)
    for part in ("02:00:5e:00:53:01", "vt1", "ward", "802.1X", "sw/10.0.0.1 ge-0/0/7", "10.1.2.3"):
        assert part in out
    assert len(run("sessions")[1].splitlines()) == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"ends_at": 1_900_000_000.0, "is_renewable": True}, "asked again at 2030-03-18 01:46 CST"),
        ({"ends_at": 1_900_000_000.0}, "ends at 2030-03-18 01:46 CST"),
        ({"expires_at": None, "is_own": True}, "no time limit"),
        ({"expires_at": 1_900_000_000.0}, "no time limit told; over at 2030-03-18 01:46 CST"),
    ],
)
def test_until_when_in_the_time_zone_of_the_reader(
    run: Run, settings: Settings, more: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    keep(settings, replace(session("north"), **more))
    out = run("sessions")[1]
    monkeypatch.undo()
    time.tzset()
    assert words in out
    assert "CST" in out.split("since")[1]


def test_status_says_who_was_refused_and_who_is_excused(run: Run, settings: Settings) -> None:
    refused = Login(
        1_900_000_000.0, "carts", "sw3", "Gi1/0/7", "02:00:5e:00:53:01", "vt1", "PEAP", "wrong-password", "", 1
    )  # fmt: skip

    async def write() -> None:
        settings.data.mkdir(exist_ok=True)
        database = Database(settings.database_url)
        await database.open()
        NewsDesk(database.port_sessions, lambda: gathered([refused], [], [], [], [])).look()
        await database.close()

    asyncio.run(write())
    status, out, _ = run("status")
    assert (status, "vt1 PEAP, carts: sw3 Gi1/0/7, refused: wrong password" in out) == (0, True)
    assert "WARNING: carts is believed without Message-Authenticator" in out
    assert run("sessions")[1] == "", "what is left beside sessions is none"


def test_disconnect_leaves_an_order_for_the_server(run: Run, settings: Settings) -> None:
    keep(settings, session("north"), session("south"))
    status, _, error = run("disconnect", "0200.5e00.5301")
    assert (status, "north, south" in error, orders(settings)) == (1, True, [])
    status, out, _ = run("disconnect", "0200.5e00.5301", "--site", "north")
    assert (status, "ordered: north" in out) == (0, True)
    assert "no switch is told" in out
    assert orders(settings) == ["!end/north/02005e005301"]
    assert len(run("sessions")[1].splitlines()) == 2, "an order is no session"


@pytest.mark.parametrize(("mac", "reason"), [("nobody", "no MAC address"), ("02:00:5e:00:53:09", "has no session")])
def test_disconnect_of_nobody(run: Run, mac: str, reason: str) -> None:
    status, _, error = run("disconnect", mac)
    assert (status, reason in error) == (1, True)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"naming": Naming(source="10.0.0.1")}, "its switch is told: ward (10.0.0.1)"),
        ({"naming": Naming(source="10.0.0.2")}, "no switch is told"),
        ({"is_own": True}, "its port here is told"),
    ],
)
def test_disconnect_says_who_puts_it_out(run: Run, settings: Settings, more: dict[str, Any], words: str) -> None:
    keep(settings, replace(session("north"), **more))
    status, out, _ = run("disconnect", "02:00:5e:00:53:01")
    assert (status, words in out) == (0, True)
