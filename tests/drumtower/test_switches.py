"""From a session that ends or changes here to the switch that has it."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from auth8021x.eapserver.account import Account
from auth8021x.switches.kept_orders import PREFIX, KeptOrder
from auth8021x.switches.orders import MAX_AGE_S
from drumtower.dot1x import AccessOffice
from store.bindings import KeptBinding
from store.database import Database
from tests.auth8021x.eapserver.world import PaperBook
from tests.auth8021x.switches.handmade_switch import (
    ACK,
    COA,
    COA_ACK,
    CONTEXT_NOT_FOUND,
    DISCONNECT,
    NAK,
    SECRET,
    HandmadeSwitch,
)
from tests.auth8021x.switches.sessions import session
from tests.drumtower.switch_office import MAC, live, restarted, tell


@pytest.fixture
async def there() -> AsyncIterator[HandmadeSwitch]:
    made = HandmadeSwitch()
    yield made
    made.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def secret(tmp_path: Path) -> str:
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_bytes(SECRET)
    return str(file)


async def started(database: Database, there: HandmadeSwitch, secret: str, **more: object) -> AccessOffice:
    """One session, of a switch that took its accounting elsewhere."""
    office = await restarted(database, there.port, secret, **more)
    tell(office)
    return office


async def until_counted(office: AccessOffice, name: str) -> None:
    async with asyncio.timeout(5):
        while not office.counters()[name]:
            await asyncio.sleep(0.005)


async def test_an_administrator_ends_a_session_at_its_switch(database: Database, there: HandmadeSwitch, secret: str):
    there.answers = [(ACK, b"")]
    office = await started(database, there, secret)
    office.directory.end("north", MAC)
    await until_counted(office, "switch-disconnect-done")
    ((code, attributes),) = there.asked
    assert (code, attributes[31], attributes[44]) == (DISCONNECT, b"2cfd.a140.5663", b"0000002A")
    assert office.gauges()["switch-orders"] == 0
    office.stop()


@pytest.mark.parametrize("after", [PaperBook(), PaperBook(Account("vt1", "ward"))])
async def test_who_is_disabled_or_moved_has_to_log_in_again(
    database: Database, there: HandmadeSwitch, secret: str, after: PaperBook
):
    there.answers = [(ACK, b"")]
    office = await started(database, there, secret)
    await office.switches.accounts_changed(PaperBook(Account("vt1", "video")), after)
    assert live(office) is None
    await until_counted(office, "switch-disconnect-done")
    assert [code for code, _ in there.asked] == [DISCONNECT]
    office.stop()


async def test_a_switch_that_can_changes_the_network_while_the_session_runs(
    database: Database, there: HandmadeSwitch, secret: str
):
    there.answers = [(COA_ACK, b"")]
    office = await started(database, there, secret, changes="coa")
    before, after = PaperBook(Account("vt1", "video")), PaperBook(Account("vt1", "ward"))
    await office.switches.accounts_changed(before, after)
    await until_counted(office, "switch-change-done")
    ((code, attributes),) = there.asked
    assert code == COA
    assert (attributes[64], attributes[65], attributes[81]) == (b"\0\0\0\x0d", b"\0\0\0\x06", b"43")
    assert (attributes[11], attributes[27], attributes[1]) == (b"ward", (3600).to_bytes(4, "big"), b"vt1")
    session = live(office)
    assert session is not None
    assert (session.vlan, session.role) == ("43", "ward")
    office.stop()


async def test_where_no_switch_can_be_told_a_move_waits_and_a_removal_does_not(
    database: Database, there: HandmadeSwitch, secret: str
):
    office = await started(database, there, secret, networks=["192.0.2.0/24"])
    before = PaperBook(Account("vt1", "video"))
    await office.switches.accounts_changed(before, PaperBook(Account("vt1", "ward")))
    assert live(office) is not None, "it would be without a session until its next login"
    await office.switches.accounts_changed(before, PaperBook())
    assert live(office) is None
    assert office.counters()["switch-disconnect-no-switch"] == 1
    assert there.asked == []
    office.stop()


# ---- over a restart


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    made = Database(url)
    await made.open()
    yield made
    await made.close()


async def waiting(database: Database) -> list[str]:
    await database.port_sessions.flush()
    return [row.key for row in await database.port_sessions.find(PREFIX)]


@pytest.mark.parametrize(("order", "code", "answer"), [("disconnect", DISCONNECT, ACK), ("change", COA, COA_ACK)])
async def test_an_order_that_waited_when_we_were_killed_is_carried_out_once(
    tmp_path: Path, there: HandmadeSwitch, secret: str, order: str, code: int, answer: int
):
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.drumtower.switch_office", url, str(there.port), secret, order
    )
    try:
        async with asyncio.timeout(30):
            await there.came.wait()
    finally:
        process.kill()
        await process.wait()
    before = len(there.asked)
    there.answers = [(answer, b"")]
    async with opened(url) as database:
        office = await restarted(database, there.port, secret, changes="coa")
        assert (live(office) is not None) == (order == "change")
        await until_counted(office, f"switch-{order}-done")
        assert len(there.asked) == before + 1
        told, again = there.asked[0], there.asked[-1]
        assert told[0] == again[0] == code
        assert {kind: told[1][kind] for kind in (1, 31, 44)} == {kind: again[1][kind] for kind in (1, 31, 44)}
        assert await waiting(database) == []
        office.stop()
    async with opened(url) as database:
        office = await restarted(database, there.port, secret, changes="coa")
        assert office.gauges()["switch-orders"] == 0
        assert len(there.asked) == before + 1
        office.stop()


async def test_stopping_keeps_what_waits(database: Database, there: HandmadeSwitch, secret: str):
    """And what the switch says of the session meanwhile opens it no more."""
    office = await started(database, there, secret)
    await office.end("north", MAC)
    async with asyncio.timeout(5):
        await there.came.wait()
    office.stop()
    assert await waiting(database) == [f"{PREFIX}north/{MAC.hex()}"]
    there.answers = [(NAK, CONTEXT_NOT_FOUND)] * 2
    again = await restarted(database, there.port, secret)
    tell(again)
    assert live(again) is None
    await until_counted(again, "switch-disconnect-no-such-session")
    assert await waiting(database) == []
    again.stop()


@pytest.mark.parametrize("is_back", ["before", "after"])
async def test_who_has_begun_anew_meanwhile_is_left_in_peace(
    database: Database, there: HandmadeSwitch, secret: str, is_back: str
):
    office = await started(database, there, secret)
    await office.end("north", MAC)
    async with asyncio.timeout(5):
        await there.came.wait()
    if is_back == "before":
        row = (await database.port_sessions.find(PREFIX))[0]
        tell(office, "0000002B")
        await database.port_sessions.flush()
        assert await waiting(database) == []
        database.port_sessions.put(row)  # as if that had not reached the disk
        await database.port_sessions.flush()
    office.stop()
    asked = len(there.asked)
    again = await restarted(database, there.port if is_back == "before" else closed_port(), secret)
    if is_back == "after":
        tell(again, "0000002B")
    found = live(again)
    assert found is not None
    assert found.session_id == "0000002B"
    assert again.gauges()["switch-orders"] <= (is_back == "after"), "one may be on its way"
    assert (await waiting(database), len(there.asked)) == ([], asked)
    again.stop()


@pytest.mark.parametrize(("age_s", "result"), [(MAX_AGE_S + 1, "too-old"), (60.0, "no-answer")])
async def test_what_is_too_old_is_given_up_and_said(
    database: Database, there: HandmadeSwitch, secret: str, caplog: pytest.LogCaptureFixture, age_s: float, result: str
):
    caplog.set_level("INFO", "audit.dot1x")
    database.port_sessions.put(KeptOrder(session(source="127.0.0.1"), (), time.time() - age_s))
    await database.port_sessions.flush()
    office = await restarted(database, there.port, secret)
    await until_counted(office, f"switch-disconnect-{result}")
    assert f"disconnect at switch ward (127.0.0.1): {result}" in caplog.text
    assert bool(await waiting(database)) == (result == "no-answer")
    assert bool(there.asked) == (result == "no-answer")
    office.stop()


@pytest.mark.parametrize("port", [0, 1])
async def test_what_cannot_be_read_or_told_any_more_is_dropped(database: Database, secret: str, port: int):
    """No switches in the settings any more, or not this one; and a row that is damaged."""
    database.port_sessions.put(KeptBinding(f"{PREFIX}north/odd", "odd", time.time() + 60, "{"))
    database.port_sessions.put(KeptOrder(session(source="127.0.0.1"), (), time.time()))
    await database.port_sessions.flush()
    office = await restarted(database, port, secret, networks=["192.0.2.0/24"])
    assert await waiting(database) == []
    assert office.counters()["switch-disconnect-no-switch"] == port
    office.stop()


def closed_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])
