"""The copy of the terminals in memory: what it answers, what it notices, whom it tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crypto.h235.password_key import PasswordKey
from crypto.ha1 import Ha1
from crypto.keys import generate
from crypto.secret import Secret
from signaling.terminals import TerminalBook, TerminalDirectory, generate_secret
from store.database import Database
from store.terminals import Terminal

MASTER = generate()
SECRET = Secret("quiet-lantern-7")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'drumtower.db'}")
    await opened.open()
    yield opened
    await opened.close()


def book(database: Database, realm: str = "drumtower") -> TerminalBook:
    return TerminalBook(database.terminals, MASTER, realm)


def directory(database: Database, recheck_s: float = 60.0) -> TerminalDirectory:
    return TerminalDirectory(database.terminals, MASTER, "drumtower", recheck_s)


async def test_only_enabled_terminals_are_known(database: Database) -> None:
    await book(database).add("ward", " Ward 3 ", "", SECRET)
    await book(database).add("off", "Off", "", generate_secret())
    await book(database).change("off", is_enabled=False)
    known = directory(database)
    await known.refresh()
    assert known.secret_of("ward") == Ha1.of("ward", "drumtower", SECRET)
    assert known.key_of("ward") == PasswordKey.of("quiet-lantern-7")
    assert (known.key_of("off"), known.has("off"), known.has("nobody")) == (None, True, False)
    assert (known.name_of("ward"), known.name_of("off"), known.secret_of("nobody")) == ("Ward 3", None, None)


async def test_who_lost_the_right_is_told(database: Database) -> None:
    for alias in ("kept", "renamed", "changed", "disabled", "removed"):
        await book(database).add(alias, alias, "", SECRET)
    known = directory(database)
    told: list[frozenset[str]] = []
    await known.refresh()
    known.observe(told.append)
    await known.refresh()
    assert told == []
    await book(database).change("renamed", name="Other")
    await book(database).set_secret("changed", generate_secret())
    await book(database).change("disabled", is_enabled=False)
    await book(database).remove("removed")
    await known.refresh()
    assert told == [{"changed", "disabled", "removed"}]
    assert known.name_of("renamed") == "Other"


async def test_changes_of_another_process_are_noticed(database: Database) -> None:
    known, noticed = directory(database, recheck_s=0.01), asyncio.Event()
    await known.start()
    known.observe(lambda _: noticed.set())
    await book(database).add("ward", "Ward", "", SECRET)
    async with asyncio.timeout(5):
        await noticed.wait()
    assert known.name_of("ward") == "Ward"
    await known.stop()


async def test_secrets_of_another_realm_or_key_are_not_used(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await book(database, realm="elsewhere").add("a", "A", "", SECRET)
    await TerminalBook(database.terminals, generate(), "drumtower").add("b", "B", "", SECRET)
    known = directory(database)
    await known.refresh()
    assert (known.secret_of("a"), known.secret_of("b")) == (None, None)
    assert "set it again" in caplog.text
    assert SECRET.reveal() not in caplog.text


async def test_a_secret_of_before_h323_serves_sip_until_it_is_set_again(database: Database) -> None:
    sealed = Ha1.of("old", "drumtower", SECRET).seal(MASTER, "old")
    await database.terminals.add(Terminal("old", "Old", sealed))
    known = directory(database)
    await known.refresh()
    assert (known.secret_of("old") is not None, known.key_of("old"), known.without_key()) == (True, None, ["old"])
    told: list[frozenset[str]] = []
    known.observe(told.append)
    await book(database).set_secret("old", SECRET)
    await known.refresh()
    assert (known.key_of("old"), known.without_key()) == (PasswordKey.of("quiet-lantern-7"), [])
    assert told == [frozenset()]
