"""Calls and 802.1X, wired: what a caller asks, by mode of its site, and what goes with its session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import pytest

from auth8021x.directory.report import Kind, Report
from auth8021x.directory.session import Entry, Session
from auth8021x.gate.aftermath import DropCalls, Unregister
from auth8021x.gate.verdict import Proof as GateProof
from auth8021x.sites import Sites
from config.dot1x import Dot1xSettings
from config.dot1x_sites import Dot1xGateSettings, ListenerSettings, SiteSettings
from config.settings import load
from drumtower.application import Application
from drumtower.dot1x import AccessOffice, has_directory, is_asking
from drumtower.network_access import EndedSessions, IsConcerned, SessionAccess
from signaling.network_access import Approach, Known, Proof
from store.database import Database

VT1 = bytes.fromhex("02005e005301")
VT2 = bytes.fromhex("02005e005302")


def approach(source: str = "10.1.2.3", **changes: Any) -> Approach:
    given = {
        "source": source, "protocol": "sip", "aliases": ("vt1",), "local": "192.0.2.1", "proof": Proof.NONE,
        "operation": "call",
    } | changes  # fmt: skip
    return Approach(**given)


def settings(mode: str) -> Dot1xSettings:
    return Dot1xSettings(sites=(SiteSettings("north", ("10.0.0.0/8",), mode=mode, exempt=("10.9.0.0/16",)),))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    await opened.open()
    yield opened
    await opened.close()


def told_session() -> Session:
    return Session("north", VT1, "sw", "s1", "vt1", "gi1", 0.0, 0.0, None)


class Ends:
    """Who is registered, and who is in rooms."""

    def __init__(self, *places: tuple[str, str]) -> None:
        self.places = set(places)
        self.calls = set(places)
        self.fails = False

    def revoke(self, is_concerned: IsConcerned) -> None:
        self.places = {each for each in self.places if not is_concerned(*each)}

    async def drop(self, protocols: Collection[str], is_concerned: IsConcerned) -> int:
        if self.fails:
            raise RuntimeError("the worker is gone")
        gone = {each for each in self.calls if "sip" in protocols and is_concerned(*each)}
        self.calls -= gone
        return len(gone)


@pytest.mark.parametrize("mode", ["off", "monitor", "enforce"])
async def test_who_may_call_by_mode(mode: str, database: Database) -> None:
    office, ends = AccessOffice(settings(mode), database), Ends()
    await office.start(EndedSessions(office.sites, ("sip",), {"sip": ends}, ends))
    access = SessionAccess(office.gate)
    told = Report(Kind.START, "north", "sw", "s1", VT1, "vt1", addresses=("10.1.2.3",), interim_s=600)
    office.directory.report(told)
    is_strict = mode == "enforce"
    rows = [
        (approach(), True),
        (approach(operation="register", proof=Proof.DIGEST), True),
        (approach(aliases=("director",)), not is_strict),
        (approach("10.1.2.4"), not is_strict),
        (approach("10.1.2.4", protocol="h323"), not is_strict),
        (approach("10.1.2.4", protocol="webrtc", operation="join", aliases=()), not is_strict),
        (approach(protocol="webrtc", operation="join", aliases=("dr-wang",)), True),
        (approach("10.9.0.1"), not is_strict),
        (approach("10.9.0.1", proof=Proof.H235), True),
        (approach("198.51.100.1"), True),
    ]
    for asked, is_allowed in rows:
        assert (await access.ask(asked)).is_allowed is is_allowed, asked
        assert access.allows_now(asked) is is_allowed, asked
    shown = {(answer.source, answer.reason.value, answer.is_overlooked) for answer in office.answers()}
    assert shown == (set() if mode == "off" else {
        ("10.1.2.3", "other-identity", not is_strict), ("10.1.2.3", "session", False),
        ("10.1.2.4", "no-session", not is_strict), ("10.9.0.1", "exempt", False),
    })  # fmt: skip
    office.stop()


async def test_hosts_are_told_as_whom_a_device_signed_in_and_nobody_what_was_typed(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "audit.dot1x")
    office = AccessOffice(settings("monitor"), database)
    await office.start(EndedSessions(office.sites, (), {}))
    access = SessionAccess(office.gate)
    for mac, identity, address, entry in (
        (VT1, "cart\x1b7", "10.1.2.3", Entry.EAP),
        (VT2, "guest", "10.1.2.4", Entry.GUEST),
    ):
        office.directory.report(
            Report(Kind.START, "north", "sw", identity, mac, identity, addresses=(address,), interim_s=600, entry=entry)
        )
    for source, known in (("10.1.2.3", "cart?7"), ("10.1.2.4", ""), ("10.1.2.5", "")):
        asked = approach(source, protocol="webrtc", operation="join", aliases=(), typed_name="patient-li")
        assert await access.ask(asked) == Known(True, known)
    assert "10.1.2.3" in caplog.text
    assert "patient-li" not in caplog.text + str(office.answers())
    office.stop()


def test_every_proof_is_known_to_the_gate() -> None:
    assert {each.value for each in Proof} == {each.value for each in GateProof}


async def test_what_came_from_a_session_that_is_over_goes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "audit.dot1x")
    here, elsewhere = ("10.1.2.3", "192.0.2.1"), ("10.1.2.3", "192.0.2.2")
    others = {("10.1.2.30", "192.0.2.1"), ("110.1.2.3", "192.0.2.1"), ("pbx.example", "")}
    sites = Sites((
        SiteSettings("north", ("10.0.0.0/8",), arrives_at=("192.0.2.1",), mode="enforce"),
        SiteSettings("south", ("10.0.0.0/8",), arrives_at=("192.0.2.2",), mode="enforce"),
    ))  # fmt: skip
    ends = Ends(here, ("::ffff:10.1.2.3", "192.0.2.1"), elsewhere, *others)
    between = Ends(here, elsewhere)
    ended = EndedSessions(sites, ("sip",), {"sip": ends}, ends, between)
    session = told_session()
    ended.unregister(Unregister("north", "10.1.2.3", session))
    assert ends.places == {elsewhere, *others}
    assert here in ends.calls
    ended.drop_calls(DropCalls("north", "10.1.2.3", session))
    await asyncio.sleep(0)
    assert ends.calls == {elsewhere, *others}
    assert between.calls == {elsewhere}
    assert (
        "site=north source=10.1.2.3 calls ended with the session: 3 mac=02:00:5e:00:53:01 identity='vt1'" in caplog.text
    )
    await ended.stop()


async def test_of_protocols_that_are_not_asked_nothing_ends() -> None:
    ends = Ends(("10.1.2.3", ""))
    sites = Sites((SiteSettings("north", ("10.0.0.0/8",), mode="enforce"),))
    ended = EndedSessions(sites, ("h323",), {"sip": ends}, ends)
    session: Any = None
    ended.unregister(Unregister("north", "10.1.2.3", session))
    ended.drop_calls(DropCalls("north", "10.1.2.3", session))
    await asyncio.sleep(0)
    assert ends.places == ends.calls == {("10.1.2.3", "")}
    await ended.stop()


async def test_calls_that_cannot_be_ended_are_said_and_keep_no_others(caplog: pytest.LogCaptureFixture) -> None:
    ends, others = Ends(("10.1.2.3", "")), Ends(("10.1.2.3", ""))
    ends.fails = True
    ended = EndedSessions(Sites((SiteSettings("north", ("10.0.0.0/8",)),)), ("sip",), {"sip": ends}, ends, others)
    ended.drop_calls(DropCalls("north", "10.1.2.3", told_session()))
    await asyncio.sleep(0)
    await ended.stop()
    assert others.calls == set()
    assert "calls could not be ended" in caplog.text
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(
    ("given", "knows", "asks"),
    [
        (Dot1xSettings(), False, False),
        (settings("off"), True, False),
        (settings("monitor"), True, True),
        (settings("enforce"), True, True),
        (Dot1xSettings(gate=Dot1xGateSettings(elsewhere="enforce")), True, True),
        (Dot1xSettings(listener=ListenerSettings(("127.0.0.1",))), True, False),
        (Dot1xSettings(gate=Dot1xGateSettings(elsewhere="enforce", protocols=())), False, False),
    ],
)
def test_what_is_not_wanted_is_not_there(given: Dot1xSettings, knows: bool, asks: bool) -> None:
    assert (has_directory(given), is_asking(given)) == (knows, asks)


@pytest.mark.parametrize("mode", ["", "off", "enforce"])
async def test_the_server_asks_only_where_it_is_told_to(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "drumtower.toml"
    site = f'[[dot1x.sites]]\nname = "north"\nnetworks = ["10.0.0.0/8"]\nmode = "{mode}"\n' if mode else ""
    file.write_text(site)
    environ = {"HOME": str(tmp_path / "home"), "DRUMTOWER_SERVER_DATA": str(tmp_path / "data")}
    application = Application(load(file, environ))
    assert (application.network.access is not None) == bool(mode)
    assert application.gate._network.is_on == (mode == "enforce")
    assert (application.h323._access is not None) == (mode == "enforce")
    assert (application.terminals.registration._registrar._access is not None) == (mode == "enforce")
    application.hasher.close()
    await application.database.close()
