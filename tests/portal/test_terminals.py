"""Terminals over the API: made, changed, deleted; secrets once; where they are registered."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.registrar import RegistrarSettings
from crypto.ha1 import Ha1
from crypto.keys import generate
from portal.hub import HUB
from portal.rights import RIGHTS_OF_ROLE
from portal.services import TerminalServices
from signaling.sip.registry.binding import Binding
from signaling.sip.registry.registrations import Registrations
from signaling.sip.transactions.transaction import Flow
from signaling.terminals import TerminalBook, TerminalDirectory
from store.database import Database
from tests.portal.fakes import Site

START = 1_900_000_000.0


class TerminalSite(Site):
    """With terminals in a database of their own."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.master = generate()
        self.registrations = Registrations(RegistrarSettings(), lambda: START)
        self.directory = TerminalDirectory(database.terminals, self.master, "drumtower", 60.0)
        book = TerminalBook(database.terminals, self.master, "drumtower")
        self.services = replace(self.services, terminals=TerminalServices(book, self.directory, self.registrations))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[TerminalSite]:
    database = Database(f"sqlite:///{tmp_path / 'drumtower.db'}")
    await database.open()
    yield TerminalSite(database)
    await database.close()


def binding(alias: str = "ward-3", host: str = "10.0.0.7") -> Binding:
    return Binding(
        alias, f"sip:{alias}@{host}", Flow("udp", ("10.0.0.1", 5060), (host, 5070)), (), True, "", 0, 1.0, "c", 1,
        START - 60, START, START + 600, "baresip <1.0>",
    )  # fmt: skip


async def test_a_new_terminal_shows_its_secret_once(admin, site):
    answer = await admin.call("POST", "/terminals", {"alias": "ward-3", "name": " Ward 3 ", "site": "North"})
    made = await answer.json()
    assert answer.status == 201
    assert (made["terminal"]["name"], made["terminal"]["contacts"]) == ("Ward 3", [])
    assert site.directory.secret_of("ward-3") == Ha1.of("ward-3", "drumtower", made["secret"])
    text = await (await admin.call("GET", "/terminals")).text()
    assert "ward-3" in text
    assert made["secret"] not in text
    assert site.directory.secret_of("ward-3").md5 not in text


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"alias": "Ward", "name": "A"}, "alias", "pattern"), ({"alias": "", "name": "A"}, "alias", "pattern"),
        ({"alias": "a" * 65, "name": "A"}, "alias", "length"), ({"alias": "a"}, "name", "required"),
        ({"alias": "a", "name": " "}, "name", "pattern"), ({"alias": "a\n", "name": "A"}, "alias", "pattern"),
        ({"alias": "a", "name": "A", "site": "\n"}, "site", "pattern"),
        ({"alias": "a", "name": "A", "secret": "short"}, "secret", "weak-secret"),
        ({"alias": "a", "name": "A", "secret": "x" * 200}, "secret", "length"),
        ({"alias": "a", "name": "A", "ha1": "x"}, "ha1", "unknown"),
    ],
)  # fmt: skip
async def test_refused_terminals(admin, body, field, code):
    answer = await admin.call("POST", "/terminals", body)
    assert answer.status == 422
    assert (await answer.json())["errors"] == [{"field": field, "code": code}]
    assert (await (await admin.call("GET", "/terminals")).json()) == {"terminals": []}


async def test_where_they_are_registered_is_shown(admin, site):
    await admin.call("POST", "/terminals", {"alias": "ward-3", "name": "Ward 3"})
    site.registrations.put(binding())
    [terminal] = (await (await admin.call("GET", "/terminals")).json())["terminals"]
    assert terminal["contacts"] == [
        {
            "address": "10.0.0.7:5070",
            "transport": "udp",
            "user_agent": "baresip <1.0>",
            "registered_at": datetime.fromtimestamp(START - 60, UTC).isoformat(),
            "expires_at": datetime.fromtimestamp(START + 600, UTC).isoformat(),
        }
    ]


async def test_change_new_secret_and_delete(admin, site):
    secret = "quiet-lantern-7"
    made = await admin.call("POST", "/terminals", {"alias": "a", "name": "A", "secret": secret})
    assert (await made.json())["secret"] is None
    assert (await admin.call("POST", "/terminals", {"alias": "a", "name": "B"})).status == 409
    changed = await admin.call("PATCH", "/terminals/a", {"name": "B", "is_enabled": False})
    assert (await changed.json())["is_enabled"] is False
    assert site.directory.secret_of("a") is None
    await admin.call("PATCH", "/terminals/a", {"is_enabled": True})
    assert site.directory.secret_of("a") == Ha1.of("a", "drumtower", secret)
    again = await (await admin.call("POST", "/terminals/a/secret", {})).json()
    assert site.directory.secret_of("a") == Ha1.of("a", "drumtower", again["secret"])
    assert (await admin.call("DELETE", "/terminals/a")).status == 204
    for method, path, body in (
        ("DELETE", "/terminals/a", None), ("PATCH", "/terminals/a", {"name": "x"}), ("POST", "/terminals/a/secret", {}),
        ("PATCH", "/terminals/A", {}),
    ):  # fmt: skip
        assert (await admin.call(method, path, body)).status == 404


async def test_hosts_see_terminals_but_change_nothing(site, stranger):
    await site.add_user("host", role="host")
    await stranger.sign_in("host")
    assert (await stranger.call("GET", "/terminals")).status == 200
    assert (await stranger.call("POST", "/terminals", {"alias": "a", "name": "A"})).status == 403
    assert "see-terminals" not in RIGHTS_OF_ROLE["reviewer"]


async def test_pages_hear_of_registrations_together(admin, site, client):
    async with client.ws_connect("/api/v1/events") as socket, asyncio.timeout(5):
        assert (await socket.receive_json())["type"] == "snapshot"
        for number in range(50):
            site.registrations.put(binding(f"a{number}"))
        assert await socket.receive_json() == {"type": "terminals"}
        sent = client.app[HUB].counters["events"]
        await asyncio.sleep(0)
        assert client.app[HUB].counters["events"] == sent == 1
