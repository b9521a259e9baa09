"""Terminals over the API: made, changed, deleted; secrets once; where they are registered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.registrar import RegistrarSettings
from crypto.h235.password_key import PasswordKey
from crypto.ha1 import Ha1
from crypto.keys import generate
from portal.hub import HUB
from portal.rights import RIGHTS
from portal.roles import Role
from portal.services import TerminalServices
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.ras.registration import Registration, Vendor
from signaling.sip.registry.binding import Binding
from signaling.sip.registry.registrations import Registrations
from signaling.sip.transactions.transaction import Flow
from signaling.terminals import TerminalBook, TerminalDirectory
from store.database import Database
from store.terminals import Terminal
from tests.portal.fakes import Site

START = 1_900_000_000.0


class FakeEndpoints:
    """H.323 endpoints that are registered."""

    def __init__(self) -> None:
        self.found: list[Registration] = []
        self.observers: list[Callable[[], None]] = []

    def registrations(self) -> list[Registration]:
        return self.found

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.observers.append(callback)
        return lambda: self.observers.remove(callback)

    def put(self, registration: Registration) -> None:
        self.found.append(registration)
        for observer in self.observers:
            observer()


class TerminalSite(Site):
    """With terminals in a database of their own."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.master = generate()
        self.endpoints = FakeEndpoints()
        self.registrations = Registrations(RegistrarSettings(), lambda: START)
        self.directory = TerminalDirectory(database.terminals, self.master, "drumtower", 60.0)
        book = TerminalBook(database.terminals, self.master, "drumtower")
        terminals = TerminalServices(book, self.directory, self.registrations, self.endpoints)
        self.services = replace(self.services, terminals=terminals)


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


def endpoint(account: str = "ward-3", host: str = "10.0.0.9", source: str = "") -> Registration:
    """An H.323 room system that registered, which has a name and a number."""
    return Registration(
        "e1", (Alias(AliasKind.H323_ID, "Ward-3"), Alias(AliasKind.DIALLED_DIGITS, "7003")), (host, 1720), (host, 1719),
        (source or host, 1719), "10.0.0.1", account, "", 5, Vendor("HDX 8000", "3.1"), "terminal", frozenset(), 300,
        START - 60, START,
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
    assert (await (await admin.call("GET", "/terminals")).json()) == {"terminals": [], "others": []}


async def test_where_they_are_registered_is_shown(admin, site):
    await admin.call("POST", "/terminals", {"alias": "ward-3", "name": "Ward 3"})
    site.registrations.put(binding())
    [terminal] = (await (await admin.call("GET", "/terminals")).json())["terminals"]
    assert terminal["contacts"] == [
        {
            "protocol": "sip",
            "address": "10.0.0.7:5070",
            "transport": "udp",
            "aliases": [],
            "user_agent": "baresip <1.0>",
            "registered_at": datetime.fromtimestamp(START - 60, UTC).isoformat(),
            "seen_at": datetime.fromtimestamp(START, UTC).isoformat(),
            "expires_at": datetime.fromtimestamp(START + 600, UTC).isoformat(),
        }
    ]


async def test_where_they_are_registered_with_h323_is_shown(admin, site):
    await admin.call("POST", "/terminals", {"alias": "ward-3", "name": "Ward 3"})
    site.endpoints.put(endpoint())
    site.endpoints.put(endpoint("", "192.168.1.5", "198.51.100.7"))
    found = await (await admin.call("GET", "/terminals")).json()
    contact = {
        "protocol": "h323",
        "address": "10.0.0.9:1720",
        "transport": "h323",
        "aliases": ["Ward-3", "7003"],
        "user_agent": "HDX 8000 3.1",
        "registered_at": datetime.fromtimestamp(START - 60, UTC).isoformat(),
        "seen_at": datetime.fromtimestamp(START, UTC).isoformat(),
        "expires_at": datetime.fromtimestamp(START + 300, UTC).isoformat(),
    }
    assert found["terminals"][0]["contacts"] == [contact]
    # Behind a NAT it is known by where it came from; nobody knows who it is.
    assert found["others"] == [contact | {"address": "198.51.100.7:1719"}]


async def test_whoever_is_registered_can_be_called(admin, site):
    for alias in ("ward-3", "theatre", "away"):
        await admin.call("POST", "/terminals", {"alias": alias, "name": alias.title()})
    site.registrations.put(binding("theatre"))
    site.endpoints.put(endpoint())
    site.endpoints.put(endpoint(""))
    found = await (await admin.call("GET", "/dialable")).json()
    assert [one["alias"] for one in found["terminals"]] == ["theatre", "ward-3"]


async def test_who_has_to_get_a_new_secret_for_h323_is_shown(admin, site):
    await site.database.terminals.add(Terminal("old", "Old", Ha1.of("old", "drumtower", "x").seal(site.master, "old")))
    await admin.call("POST", "/terminals", {"alias": "new", "name": "New"})
    found = (await (await admin.call("GET", "/terminals")).json())["terminals"]
    assert {one["alias"]: one["needs_new_secret"] for one in found} == {"new": False, "old": True}
    made = await (await admin.call("POST", "/terminals/old/secret", {})).json()
    assert made["terminal"]["needs_new_secret"] is False
    assert site.directory.key_of("old") == PasswordKey.of(made["secret"])


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
    assert "see-terminals" not in RIGHTS[Role.REVIEWER]


async def test_pages_hear_of_registrations_together(admin, site, client):
    async with client.ws_connect("/api/v1/events") as socket, asyncio.timeout(5):
        assert (await socket.receive_json())["type"] == "snapshot"
        for number in range(50):
            site.registrations.put(binding(f"a{number}"))
        assert await socket.receive_json() == {"type": "terminals"}
        sent = client.app[HUB].counters["events"]
        await asyncio.sleep(0)
        assert client.app[HUB].counters["events"] == sent == 1
        site.endpoints.put(endpoint())
        assert await socket.receive_json() == {"type": "terminals"}
