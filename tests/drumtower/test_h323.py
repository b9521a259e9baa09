"""The gatekeeper as the server runs it: terminals of the database, over sockets, over a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.media import LocalAddress
from config.settings import Settings, load
from crypto.ha1 import Ha1
from crypto.keys import generate
from crypto.secret import Secret
from drumtower.h323 import H323Office, dial_addresses
from drumtower.terminals import TerminalOffice
from signaling.admission import Gate
from signaling.attendant.desk import Desk
from signaling.calls import Calls
from signaling.h323 import traversal
from signaling.h323.call.message import CallIdentity
from signaling.h323.q931 import MessageType
from signaling.h323.ras.alias import Alias, AliasKind
from store.database import Database
from store.rooms import Room
from store.terminals import Terminal
from tests.mcu.fakes import FakeFleet
from tests.signaling.h323.call.peer import SETUP, octets
from tests.signaling.h323.ras.terminal import ip
from tests.signaling.h323.ras.test_server import Phone
from tests.signaling.h323.transport.ends import End, Peer, eventually
from tests.signaling.test_admission import FakeRunning, FakeVerifier

SECRET = Secret("quiet-lantern-7")


class Clinic:
    """A database with terminals, and one gatekeeper at a time."""

    def __init__(self, folder: Path, **environ: str) -> None:
        base = {"HOME": str(folder), "DRUMTOWER_SERVER_DATA": str(folder / "data")}
        ports = {"H323_RAS_PORT": "0", "H323_SIGNALLING_PORT": "0"}
        self.environ = base | {f"DRUMTOWER_{key}": value for key, value in (ports | environ).items()}
        self.master = generate()

    @property
    def settings(self) -> Settings:
        return load(None, self.environ)

    async def open(self) -> None:
        settings = self.settings
        settings.data.mkdir(exist_ok=True)
        self.database = Database(settings.database_url, settings.store)
        await self.database.open()
        self.terminals = TerminalOffice(settings, self.database, self.master)
        await self.terminals.start()
        gate = Gate(self.database.rooms, FakeRunning(), FakeVerifier())
        fleet, desk = FakeFleet(), Desk(settings.attendant, gate, None)
        self.office = H323Office(settings, self.database, self.terminals, gate, Calls(None), fleet, desk)
        await self.office.start()

    async def close(self) -> None:
        await self.office.stop()
        await self.terminals.stop()
        await self.database.close()

    async def add(self, alias: str) -> None:
        await self.terminals.book.add(alias, alias, "", SECRET)
        await self.terminals.directory.refresh()

    def phone(self, alias: str, password: str = SECRET.reveal()) -> Phone:
        assert self.office._gatekeeper is not None
        found = Phone(self.office._gatekeeper.addresses[0])
        found.terminal.name = found.terminal.senders_id = alias
        found.terminal.aliases = [("h323-ID", alias)]
        found.terminal.password = password
        found.terminal.site.now = time.time()
        return found


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = Clinic(tmp_path)
    await opened.open()
    yield opened
    await opened.close()


async def register(phone: Phone) -> tuple[str, dict[str, Any]]:
    name, body = await phone.ask("registrationRequest", phone.terminal.registration())
    phone.terminal.identifier = body.get("endpointIdentifier", "")
    return name, body


async def test_a_terminal_registers_with_its_secret_and_is_there_after_a_restart(clinic: Clinic) -> None:
    await clinic.add("ward-3")
    phone = clinic.phone("Ward-3")
    name, body = await register(phone)
    assert name == "registrationConfirm"
    # Terminals are told the port that calls are really taken at.
    assert body["callSignalAddress"] == [ip(*clinic.office._server.local_addresses[0])]
    (before,) = clinic.office.registrations()
    assert (before.account, str(before.aliases[0])) == ("ward-3", "h323-ID:Ward-3")
    phone.socket.close()
    await clinic.close()
    await clinic.open()
    (after,) = clinic.office.registrations()
    assert after == before
    assert clinic.office.find([Alias(AliasKind.H323_ID, "WARD-3")]) == before
    assert clinic.office.gauges()["registrations"] == 1


async def test_a_terminal_behind_a_firewall_is_asked_to_call_back_after_a_restart_too(clinic: Clinic) -> None:
    await clinic.add("cart")
    phone = clinic.phone("cart")
    wish = phone.terminal.registration(featureSet=traversal.feature_set(traversal.feature(traversal.SIGNALLING)))
    assert (await phone.ask("registrationRequest", wish))[0] == "registrationConfirm"
    await clinic.close()
    await clinic.open()
    plan = clinic.office.dials().plan("cart")
    assert plan is not None
    assert (plan.address, plan.remote) == ("127.0.0.1", phone.socket.getsockname())
    assert plan.ask_back is not None
    call_id = bytes(range(16))
    plan.ask_back(call_id)
    name, body = await phone.answer()
    assert name == "serviceControlIndication"
    where = clinic.office._server.local_addresses[0]
    assert traversal.read_call_indication(body["genericData"]) == (where, call_id)
    phone.socket.close()


@pytest.mark.parametrize(("alias", "password"), [("ward-3", "wrong"), ("nobody", SECRET.reveal()), ("ward-3", "")])
async def test_who_has_no_secret_is_not_registered(clinic: Clinic, alias: str, password: str) -> None:
    await clinic.add("ward-3")
    phone = clinic.phone(alias, password)
    name, body = await register(phone)
    assert (name, body["rejectReason"]) == ("registrationReject", ("securityDenial", 0))
    phone.socket.close()


async def test_a_new_secret_ends_the_registration_and_pages_hear_of_it(clinic: Clinic) -> None:
    await clinic.add("ward-3")
    phone = clinic.phone("ward-3")
    told: list[int] = []
    stop = clinic.office.observe(lambda: told.append(len(clinic.office.registrations())))
    await register(phone)
    await clinic.terminals.book.set_secret("ward-3", Secret("another-lantern"))
    await clinic.terminals.directory.refresh()
    assert (await phone.answer())[0] == "unregistrationRequest"
    stop()
    assert told == [1, 0]
    phone.socket.close()


async def test_a_name_that_a_terminal_is_given_is_taken_from_who_has_shown_no_secret(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, H323_AUTHENTICATION="known")
    await clinic.open()
    guest = clinic.phone("ward-3", "")
    assert (await register(guest))[0] == "registrationConfirm"
    await clinic.add("ward-3")
    assert clinic.office.registrations() == []
    assert (await guest.answer())[0] == "unregistrationRequest"
    assert (await register(guest))[0] == "registrationReject"
    guest.socket.close()
    await clinic.close()


async def test_a_disabled_terminal_is_gone_after_a_restart(clinic: Clinic) -> None:
    await clinic.add("ward-3")
    phone = clinic.phone("ward-3")
    await register(phone)
    phone.socket.close()
    await clinic.terminals.book.change("ward-3", is_enabled=False)
    await clinic.close()
    await clinic.open()
    assert clinic.office.registrations() == []


async def test_who_registers_the_number_of_a_room_does_not_get_its_calls(clinic: Clinic) -> None:
    await clinic.database.rooms.add(Room("1001", "Ward"))
    for alias in ("thief", "caller"):
        await clinic.add(alias)
    thief, caller = clinic.phone("thief"), clinic.phone("caller")
    thief.terminal.aliases.append(("dialledDigits", "1001"))
    thief.terminal.aliases.append(("dialledDigits", "7001"))
    await register(thief)
    await register(caller)
    for number, dialled, host in ((1, "1001", None), (2, "7001", thief.terminal.signalling)):
        asked = caller.terminal.admission(number, destinationInfo=[("dialledDigits", dialled)])
        assert (await caller.ask("admissionRequest", asked))[0] == "requestInProgress"
        name, body = await caller.answer()
        assert name == "admissionConfirm"
        assert body["destCallSignalAddress"] == (host or ip(*clinic.office._server.local_addresses[0]))
    for phone in (thief, caller):
        phone.socket.close()


async def test_a_call_between_terminals_is_routed_to_whom_it_was_admitted(tmp_path: Path) -> None:
    clinic, theatre = Clinic(tmp_path, H323_CALL_MODEL="routed"), End("theatre")
    await clinic.open()
    for alias in ("theatre", "caller"):
        await clinic.add(alias)
    called, caller = clinic.phone("theatre"), clinic.phone("caller")
    await theatre.signalling.start()
    called.terminal.signalling = ip(*theatre.signalling.addresses[0])
    await register(called)
    await register(caller)
    asked = caller.terminal.admission(destinationInfo=[("h323-ID", "theatre")])
    assert (await caller.ask("admissionRequest", asked))[0] == "requestInProgress"
    _, body = await caller.answer()
    ours = clinic.office._server.local_addresses[0]
    assert (body["callModel"][0], body["destCallSignalAddress"]) == ("gatekeeperRouted", ip(*ours))
    peer = await Peer.connect(ours)
    call = CallIdentity(1, asked["callIdentifier"]["guid"], asked["conferenceID"])
    peer.send(octets(MessageType.SETUP, SETUP, is_caller=True, identity=call))
    assert (await peer.hear(MessageType.CONNECT)).body["callIdentifier"]["guid"] == call.identifier
    (there,) = theatre.calls
    assert (there.setup.identity.identifier, there.setup.calling_address) == (call.identifier, ours)
    assert clinic.office.call_gauges()["routed-calls"] == 1
    assert clinic.office.call_counters()["routed-answered"] == 1
    there.release()
    assert (await peer.hear(MessageType.RELEASE_COMPLETE)).type == MessageType.RELEASE_COMPLETE
    assert await peer.is_cut()
    peer.close()
    await eventually(lambda: not sum(clinic.office.call_gauges().values()))
    await theatre.signalling.stop()
    for phone in (called, caller):
        phone.socket.close()
    await clinic.close()


@pytest.mark.parametrize("has_secret", [True, False])
async def test_only_who_has_shown_a_secret_takes_us_to_another_host(tmp_path: Path, has_secret: bool) -> None:
    clinic = Clinic(tmp_path, H323_CALL_MODEL="routed", H323_AUTHENTICATION="known")
    elsewhere = End("theatre", listen=(LocalAddress("127.0.0.2"),))
    await clinic.open()
    if has_secret:
        await clinic.add("theatre")
    called, caller = clinic.phone("theatre", SECRET.reveal() if has_secret else ""), clinic.phone("caller", "")
    await elsewhere.signalling.start()
    called.terminal.signalling = ip(*elsewhere.signalling.addresses[0])
    await register(called)
    await register(caller)
    asked = caller.terminal.admission(destinationInfo=[("h323-ID", "theatre")])
    assert (await caller.ask("admissionRequest", asked))[0] == "requestInProgress"
    assert (await caller.answer())[0] == "admissionConfirm"
    peer = await Peer.connect(clinic.office._server.local_addresses[0])
    call = CallIdentity(1, asked["callIdentifier"]["guid"], asked["conferenceID"])
    peer.send(octets(MessageType.SETUP, SETUP, is_caller=True, identity=call))
    if has_secret:
        await peer.hear(MessageType.CONNECT)
    else:
        assert (await peer.hear()).body["reason"][0] == "unreachableDestination"
        assert elsewhere.calls == []
    peer.close()
    await eventually(lambda: not clinic.office.call_gauges()["routed-calls"])
    await elsewhere.signalling.stop()
    for phone in (called, caller):
        phone.socket.close()
    await clinic.close()


async def test_a_call_to_a_terminal_behind_a_firewall_is_routed_in_either_model(clinic: Clinic) -> None:
    """It is asked to open the second connection (H.460.18), since nobody reaches it."""
    cart = End("cart")
    for alias in ("cart", "caller"):
        await clinic.add(alias)
    called, caller = clinic.phone("cart"), clinic.phone("caller")
    called.terminal.signalling = ip("192.0.2.66", 1720)
    features = traversal.feature_set(traversal.feature(traversal.SIGNALLING))
    _, body = await called.ask("registrationRequest", called.terminal.registration(featureSet=features))
    await register(caller)
    asked = caller.terminal.admission(destinationInfo=[("h323-ID", "cart")])
    assert (await caller.ask("admissionRequest", asked))[0] == "requestInProgress"
    assert (await caller.answer())[1]["callModel"][0] == "gatekeeperRouted"
    await cart.signalling.start()
    ours = clinic.office._server.local_addresses[0]
    peer = await Peer.connect(ours)
    call = CallIdentity(1, asked["callIdentifier"]["guid"], asked["conferenceID"])
    peer.send(octets(MessageType.SETUP, SETUP, is_caller=True, identity=call))
    name, body = await called.answer()
    assert name == "serviceControlIndication"
    where, identifier = traversal.read_call_indication(body["genericData"]) or (None, b"")
    assert (where, identifier) == (ours, call.identifier)
    await cart.signalling.call_back(ours, identifier)
    await peer.hear(MessageType.CONNECT)
    peer.say(MessageType.RELEASE_COMPLETE, {"reason": ("undefinedReason", 0)})
    await eventually(lambda: not clinic.office.call_gauges()["routed-calls"])
    peer.close()
    await cart.signalling.stop()
    for phone in (called, caller):
        phone.socket.close()


async def test_a_terminal_is_found_by_its_names_numbers_and_account(clinic: Clinic) -> None:
    await clinic.add("ward-3")
    phone = clinic.phone("ward-3")
    phone.terminal.aliases = [("h323-ID", "Theatre"), ("dialledDigits", "7003")]
    await register(phone)
    (there,) = clinic.office.registrations()
    for text in ("theatre", "ward-3"):
        assert clinic.office.find([Alias(AliasKind.H323_ID, text)]) == there
    assert clinic.office.find([Alias(AliasKind.DIALLED_DIGITS, "7003")]) == there
    assert clinic.office.find([Alias(AliasKind.DIALLED_DIGITS, "7004")]) is None
    phone.socket.close()


async def test_terminals_with_an_older_secret_are_named_once(clinic: Clinic, caplog: pytest.LogCaptureFixture) -> None:
    sealed = Ha1.of("old", "drumtower", SECRET).seal(clinic.master, "old")
    await clinic.database.terminals.add(Terminal("old", "Old", sealed))
    await clinic.close()
    await clinic.open()
    await clinic.terminals.directory.refresh()
    lines = [line for record in caplog.records if "from before H.323" in (line := record.getMessage())]
    assert len(lines) == 1
    assert lines[0].endswith(": old")
    phone = clinic.phone("old")
    assert (await register(phone))[1]["rejectReason"] == ("securityDenial", 0)
    phone.socket.close()


async def test_where_it_is_switched_off_nothing_listens(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, H323_ENABLED="false")
    before = len(asyncio.all_tasks())
    await clinic.open()
    office = clinic.office
    assert (office._gatekeeper, office.registrations(), office.counters(), office.gauges()) == (None, (), {}, {})
    assert dial_addresses(clinic.settings, "1001") == []
    await clinic.close()
    assert len(asyncio.all_tasks()) == before


def test_what_a_terminal_dials(tmp_path: Path) -> None:
    listening = {"SERVER_LISTEN": "192.0.2.10,2001:db8::5", "H323_SIGNALLING_PORT": "1720"}
    assert dial_addresses(Clinic(tmp_path, **listening).settings, "1001") == [
        "h323:1001@192.0.2.10",
        "h323:1001@[2001:db8::5]",
    ]
    other = Clinic(tmp_path, H323_SIGNALLING_PORT="11720").settings
    assert dial_addresses(other, "1001") == ["h323:1001@127.0.0.1:11720"]
