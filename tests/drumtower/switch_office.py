"""What knows the sessions of a switch and gives it orders, with its database: a process that tests kill.

python -m tests.drumtower.switch_office DATABASE SWITCH_PORT SECRET_FILE disconnect|change
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

import msgspec

from auth8021x.accounting import reading
from auth8021x.directory.session import Session
from auth8021x.eapserver.account import Account
from auth8021x.gate.aftermath import Order
from config.dot1x import Dot1xSettings
from drumtower.dot1x import AccessOffice
from store.database import Database
from tests.auth8021x.accounting.packets import cisco
from tests.auth8021x.eapserver.world import PaperBook

GROUPS = [{"name": "video", "vlan": "42", "filter_id": "telemed"}, {"name": "ward", "vlan": "43", "filter_id": "ward"}]
MAC = bytes.fromhex("2cfda1405663")


class Calls:
    """There are none."""

    def unregister(self, order: Order) -> None: ...

    def drop_calls(self, order: Order) -> None: ...


async def restarted(database: Database, port: int, secret: str, **more: object) -> AccessOffice:
    """As it begins: with what was kept."""
    switch = {"name": "ward", "site": "north", "networks": ["127.0.0.1"], "port": port, "secret_file": secret}
    described = {
        "sites": [{"name": "north", "networks": ["10.0.0.0/8"], "mode": "enforce"}],
        "switches": [{**switch, **more}] if port else [],
        "timers": {"retransmit_s": 0.2, "max_tries": 2},
        "eap_server": {"groups": GROUPS, "clients": [{"name": "asks", "networks": ["127.0.0.1"]}]},
    }
    office = AccessOffice(msgspec.convert(described, Dot1xSettings), database)
    await office.start(Calls())
    return office


def tell(office: AccessOffice, session_id: str = "") -> None:
    """The switch tells of its session."""
    report = reading.read(cisco(), "north", "core", "127.0.0.1", 900)
    assert report is not None
    assert office.directory.report(replace(report, session_id=session_id or report.session_id))


def live(office: AccessOffice) -> Session | None:
    """The session that there is now."""
    return office.directory.core.get("north", MAC)


async def _serve(url: str, port: int, secret: str, order: str) -> None:
    database = Database(url)
    await database.open()
    office = await restarted(database, port, secret, changes="coa")
    tell(office)
    if order == "disconnect":
        await office.end("north", MAC)
    else:
        await office.switches.accounts_changed(PaperBook(Account("vt1", "video")), PaperBook(Account("vt1", "ward")))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]))
