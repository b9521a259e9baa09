"""From a session that ends or changes here to the switch that has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from auth8021x.accounting import reading
from auth8021x.directory.session import Session
from auth8021x.eapserver.account import Account
from auth8021x.gate.aftermath import Order
from config.dot1x import Dot1xSettings
from drumtower.dot1x import AccessOffice
from store.database import Database
from tests.auth8021x.accounting.packets import cisco
from tests.auth8021x.eapserver.world import PaperBook
from tests.auth8021x.switches.handmade_switch import ACK, COA, COA_ACK, DISCONNECT, SECRET, HandmadeSwitch

MAC = bytes.fromhex("2cfda1405663")
GROUPS = [{"name": "video", "vlan": "42", "filter_id": "telemed"}, {"name": "ward", "vlan": "43", "filter_id": "ward"}]


class Calls:
    def unregister(self, order: Order) -> None: ...

    def drop_calls(self, order: Order) -> None: ...


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
    switch = {"name": "ward", "site": "north", "networks": ["127.0.0.1"], "port": there.port, "secret_file": secret}
    described = {
        "sites": [{"name": "north", "networks": ["10.0.0.0/8"], "mode": "enforce"}],
        "switches": [{**switch, **more}],
        "eap_server": {"groups": GROUPS, "clients": [{"name": "asks", "networks": ["127.0.0.1"]}]},
    }
    office = AccessOffice(msgspec.convert(described, Dot1xSettings), database)
    await office.start(Calls())
    report = reading.read(cisco(), "north", "core", "127.0.0.1", 900)
    assert report is not None
    assert office.directory.report(report)
    return office


def live(office: AccessOffice) -> Session | None:
    return office.directory.core.get("north", MAC)


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
