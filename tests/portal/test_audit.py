"""What the audit is told: one event of each request that changes something, whatever the route; and of who may not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from audit.event import Event, Outcome
from config.dialing import DialingSettings
from crypto.secret import Secret
from mcu.camera import HOLD_S, CameraMove
from portal.api import rooms
from portal.app import create_app
from portal.route import Route
from portal.routes import ROUTES
from signaling.admission import CallRequest
from signaling.dialing import Dialer
from store.database import Database
from store.rooms import Room
from tests.portal.conftest import Browser
from tests.portal.fakes import PASSWORD
from tests.portal.test_calls import Telephone
from tests.portal.test_network import FakeNetwork, FakePorts
from tests.portal.test_routes import VALUES, name
from tests.portal.test_terminals import TerminalSite

CHANGING = [route for route in ROUTES if route.changes]
SECRET = "tall-ship-83-quiet"


class Notebook:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def record(self, event: Event) -> None:
        self.events.append(event)


class Camera:
    def move(self, move: CameraMove, hold_s: float = HOLD_S) -> None:
        pass


class Everything(TerminalSite):
    """A site on which every route has something to change."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.notebook = Notebook()
        self.dialer = Dialer(DialingSettings(), self.gate, iter(range(5, 100)).__next__)
        self.dialer.add(Telephone())
        self.services = replace(
            self.services, audit=self.notebook, dialer=self.dialer, network=FakeNetwork(), ports=FakePorts()
        )
        self.outside: list[asyncio.Task[object]] = []

    async def have_room(self) -> None:
        await self.add_room()

    async def meet(self) -> None:
        await self.add_room()
        await self.join("1001", 7, camera=Camera())
        self.conferences.get("1001").raise_hand(7, is_raised=True)

    async def meet_beside(self) -> None:
        await self.meet()
        await self.add_room("1002")

    async def wait_outside(self) -> None:
        await self.add_room(is_locked=True)
        call = await self.gate.admit(CallRequest("192.0.2.9", "sip", "1001", name="Ward 3", call="c"))
        self.outside.append(asyncio.create_task(self.gate.wait_for_host(call)))
        while not self.gate.waiting("1001"):
            await asyncio.sleep(0)

    async def place_call(self) -> None:
        await self.meet()
        await self.dialer.dial("1001", "ward-3", "admin")

    async def have_terminal(self) -> None:
        await self.services.terminals.book.add("ward-3", "Ward 3", "", Secret(SECRET))

    async def have_recording(self) -> None:
        self.add_recording()

    async def close(self) -> None:
        await self.dialer.hang_up()
        for task in self.outside:
            task.cancel()
        await asyncio.gather(*self.outside, return_exceptions=True)


@dataclass(frozen=True)
class Example:
    """A request that succeeds, and what the audit is told of it."""

    object_id: str
    body: object = field(default_factory=dict)
    new: object = field(default_factory=dict)
    old: object = field(default_factory=dict)
    before: Callable[[Everything], Awaitable[None]] = Everything.meet


ROOM = {
    "name": "Cardiology", "alias": "", "is_guest_weak": False, "is_host_weak": False, "is_locked": False,
    "waits_for_host": False, "keeps_presenter": False, "has_full_hd": False, "max_participants": 36,
    "record": "on-request", "layout": "auto", "encryption": "automatic", "required_grade": 0, "generation": 1,
}  # fmt: skip
TERMINAL = {"name": "Ward 3", "site": "", "is_enabled": True}
NO, YES = (
    {"has_guest_passcode": False, "has_host_passcode": False}, {"has_guest_passcode": True, "has_host_passcode": True},
)  # fmt: skip


async def nothing(_site: Everything) -> None:
    pass


EXAMPLES = {
    "session.opened": Example("2", {"name": "admin", "password": PASSWORD}, before=nothing),
    "session.closed": Example("1", before=nothing),
    "user.password-changed": Example("admin", {"current": PASSWORD, "new": "seven paper boats"}, before=nothing),
    "room.created": Example("1001", {"number": "1001", "name": "Cardiology"}, ROOM | YES, before=nothing),
    "room.changed": Example(
        "1001", {"name": "B", "alias": "b"}, {"name": "B", "alias": "b"}, {"name": "Cardiology", "alias": ""},
    ),
    "room.deleted": Example("1001", old=ROOM | NO, before=Everything.have_room),
    "room.passcodes-changed": Example("1001", new={"generation": 2} | YES, old={"generation": 1} | NO),
    "room.unblocked": Example("1001"),
    "caller.let-in": Example("1001/1", before=Everything.wait_outside),
    "caller.turned-away": Example("1001/1", before=Everything.wait_outside),
    "conference.lock-set": Example("1001", {"is_locked": True}, {"is_locked": True}),
    "conference.layout-set": Example("1001", {"layout": "grid"}, {"layout": "grid"}),
    "conference.message-shown": Example(
        "1001", {"text": "Five minutes left"}, {"characters": 17, "seconds": 20}
    ),
    "conference.message-taken": Example("1001"),
    "conference.all-muted": Example("1001"),
    "conference.recording-started": Example("1001"),
    "conference.recording-stopped": Example("1001"),
    "conference.floor-taken": Example("1001"),
    "conference.ended": Example("1001"),
    "participant.mute-set": Example("1001/7", {"is_muted": True}, {"is_muted": True}),
    "participant.volume-set": Example("1001/7", {"gain_db": -6}, {"gain_db": -6}),
    "participant.layout-set": Example("1001/7", {"layout": "speaker"}, {"layout": "speaker"}),
    "participant.spotlight-set": Example("1001/7", {"is_on": True}, {"is_on": True}),
    "participant.role-set": Example("1001/7", {"role": "host"}, {"role": "host"}),
    "participant.moved": Example("1001/7", {"room": "1002"}, {"room": "1002"}, before=Everything.meet_beside),
    "participant.hand-lowered": Example("1001/7"),
    "participant.video-allowed": Example("1001/7"),
    "participant.camera-moved": Example("1001/7", {"pan": 1}),
    "participant.removed": Example("1001/7"),
    "conference.call-placed": Example("1001/5", {"target": "ward-3"}, {"role": "guest"}),
    "conference.call-cancelled": Example("1001/5", before=Everything.place_call),
    "recording.verified": Example(
        "r1", new={"is_intact": True, "first_bad_byte": None}, before=Everything.have_recording
    ),
    "terminal.created": Example(
        "ward-3", {"alias": "ward-3", "name": "Ward 3", "secret": SECRET}, TERMINAL, before=nothing
    ),
    "terminal.changed": Example(
        "ward-3", {"is_enabled": False}, {"is_enabled": False}, {"is_enabled": True}, before=Everything.have_terminal
    ),
    "terminal.secret-replaced": Example("ward-3", {"secret": SECRET[::-1]}, before=Everything.have_terminal),
    "terminal.deleted": Example("ward-3", old=TERMINAL, before=Everything.have_terminal),
    "network-session.ended": Example("north/02:00:5e:00:53:01", before=nothing),
    "network-port.disconnected": Example("02:00:5e:00:53:01", before=nothing),
}  # fmt: skip


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Everything]:
    database = Database(f"sqlite:///{tmp_path / 'drumtower.db'}")
    await database.open()
    site = Everything(database)
    yield site
    await site.close()
    await database.close()


@pytest.fixture
async def client(site: Everything) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(create_app(site.services))) as client:
        yield client
    site.hasher.close()


async def send(browser: Browser, route: Route, body: object, **headers: str):
    path = route.canonical.format(**VALUES).removeprefix("/api/v1")
    return await browser.call(route.method, path, body, headers=headers)


def test_every_route_that_changes_something_has_an_example():
    assert {route.changes for route in CHANGING} == EXAMPLES.keys()
    assert len(CHANGING) == len(EXAMPLES)


@pytest.mark.parametrize("route", CHANGING, ids=name)
async def test_each_change_is_told_once(site, admin, route):
    example = EXAMPLES[route.changes]
    await example.before(site)
    site.notebook.events.clear()
    answer = await send(admin, route, example.body)
    assert answer.status in (200, 201, 204), await answer.text()
    (event,) = site.notebook.events
    assert (event.action, event.object_id) == (route.changes, example.object_id)
    assert (event.who, event.source, event.when) == ("admin", "127.0.0.1", site.time)
    assert (event.outcome, event.reason) == (Outcome.DONE, "")
    assert (dict(event.old), dict(event.new)) == (example.old, example.new)
    shown = repr(event)
    assert [word for word in (PASSWORD, "seven paper boats", SECRET, SECRET[::-1], admin.csrf) if word in shown] == []


@pytest.mark.parametrize("route", [route for route in CHANGING if not route.is_public], ids=name)
async def test_who_may_not_is_told_once(site, admin, route):
    site.notebook.events.clear()
    assert (await send(admin, route, {}, **{"X-CSRF-Token": "0"})).status == 403
    (event,) = site.notebook.events
    assert (event.action, event.outcome, event.reason) == (route.changes, Outcome.REFUSED, "cross-site")
    assert event.who == "admin"


async def test_roles_that_lack_the_right_are_told(site, stranger):
    await site.add_user("wang", "reviewer")
    await stranger.sign_in("wang")
    assert (await stranger.call("DELETE", "/rooms/1001")).status == 403
    event = site.notebook.events[-1]
    assert (event.who, event.action, event.object_id) == ("wang", "room.deleted", "1001")
    assert (event.outcome, event.reason) == (Outcome.REFUSED, "forbidden")


async def test_sign_ins_good_and_bad(site, stranger):
    await site.add_user()
    for secret, status in (("wrong", 401), (PASSWORD, 201), *[("wrong", 401)] * 6, (PASSWORD, 429)):
        assert (await stranger.sign_in("admin", secret)).status == status
        stranger.client.session.cookie_jar.clear()
    assert (await stranger.sign_in("typed-password-as-name", "x")).status == 401
    told = [(event.who, event.outcome.value, event.reason) for event in site.notebook.events]
    bad, good, locked = ("", "refused", "sign-in-failed"), ("admin", "done", ""), ("", "refused", "too-many-tries")
    assert told == [bad, good, *[bad] * 6, locked, bad]
    assert {event.action for event in site.notebook.events} == {"session.opened"}
    assert "typed-password" not in repr(site.notebook.events)


async def test_what_strangers_knock_at_and_what_was_mistyped_is_not_told(site, admin, stranger):
    await site.add_room()
    site.notebook.events.clear()
    for body in ({"name": ""}, {"nonsense": 1}):
        assert (await admin.call("PATCH", "/rooms/1001", body)).status == 422
    assert (await admin.call("DELETE", "/rooms/2002")).status == 404
    admin.client.session.cookie_jar.clear()
    assert (await stranger.call("DELETE", "/rooms/1001")).status == 401
    assert site.notebook.events == []


async def test_a_fault_of_ours_is_told(site, admin, monkeypatch):
    async def delete(_number: str) -> bool:
        raise RuntimeError("disk")

    await site.add_room()
    monkeypatch.setattr(site.rooms, "delete", delete)
    site.notebook.events.clear()
    assert (await admin.call("DELETE", "/rooms/1001")).status == 500
    (event,) = site.notebook.events
    assert (event.outcome, event.reason, event.object_id) == (Outcome.FAILED, "internal-error", "1001")


async def test_what_the_audit_cannot_keep_fails_the_request(site, admin, monkeypatch):
    async def record(_event: Event) -> None:
        raise OSError("full")

    await site.add_room()
    monkeypatch.setattr(site.notebook, "record", record)
    assert (await admin.call("POST", "/rooms/1001/unblock", {})).status == 500


def test_hashes_of_rooms_are_not_told():
    facts = rooms.facts(Room("1001", "A", guest_hash="$argon2id$x", host_hash="$argon2id$y"))
    assert "$argon2id" not in repr(facts)
    assert (facts["has_guest_passcode"], facts["has_host_passcode"]) == (True, True)
