"""Sessions of the network over the API: who is where, why they were let in or not, and ending one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from auth8021x.directory.session import Entry, Held, Session, Source
from auth8021x.eapserver.recent import Login
from auth8021x.eapserver.unheard import Unheard
from auth8021x.gate.recent import Answer
from auth8021x.gate.verdict import Reason
from auth8021x.pae.grant import By
from auth8021x.ports.status import ClientKind, ClientStatus, PortStatus, ServerStatus, Standing, TerminalStatus
from portal import port_watch
from portal.api import network as api
from portal.api import network_ports
from portal.hub import HUB
from portal.rights import RIGHTS
from tests.portal.conftest import Browser
from tests.portal.fakes import Site

AT = 1_900_000_000.0
VT1 = bytes.fromhex("02005e005301")
SESSION = Session(
    "north", VT1, "sw\x1b1", "s1", "vt1", "ge-0/0/7", AT, AT, None, Entry.EAP, "ward", "42",
    addresses=(Held("10.1.2.3", Source.ARP, AT),),
)  # fmt: skip
REFUSED = Answer(AT, "north", "10.1.2.9", "h323", "register", "or2", False, False, Reason.NO_SESSION)
ALLOWED = Answer(AT, "north", "10.1.2.3", "sip", "call", "vt1", True, False, Reason.SESSION, VT1, "vt1")


IN = TerminalStatus(VT1, Standing.IN, "eap", "vt\x1b1", By.EAP, "42", "ward", "s1")
OUT = TerminalStatus(b"\2\0\0\0\0\7", Standing.REFUSED, "rejected", "or2")
PORTS = (
    PortStatus("enp3s0", 1, "north", "br42", True, (IN, OUT)),
    PortStatus("enp4s0", 2, "north", "br0", False),
)
SERVERS = (
    ServerStatus("main", "10.1.1.10", "udp", True),
    ServerStatus("second", "10.1.1.11", "radsec", False, is_excused=True, excused=12),
)
WARD = ClientStatus("ward", ClientKind.LOGINS, ("10.1.0.0/16",), is_excused=True, excused=3)
POLICY = ClientStatus("policy", ClientKind.ORDERS, ("10.1.1.9",))
WRONG = Login(AT, "ward", "sw3", "Gi1/0/7", "02:00:5e:00:53:07", "or2", "PEAP", "wrong-password", "", 3)
RIGHT = Login(AT + 10, "ward", "", "Gi1/0/8", "02:00:5e:00:53:09", "cart-7", "EAP-TLS", "", "", 1)


class FakeNetwork:
    def __init__(self) -> None:
        self.live, self.said = [SESSION], [REFUSED, ALLOWED]
        self.observers: list[Callable[[], None]] = []
        self.caught_up = 0

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.observers.append(callback)
        return lambda: self.observers.remove(callback)

    def sessions(self) -> list[Session]:
        return self.live

    def answers(self) -> list[Answer]:
        return self.said

    async def catch_up(self) -> None:
        self.caught_up += 1

    async def end(self, site: str, mac: bytes) -> bool:
        before = len(self.live)
        self.live = [each for each in self.live if each.key != (site, mac)]
        return len(self.live) < before


class FakePorts:
    def __init__(self) -> None:
        self.ports, self.known = PORTS, SERVERS

    def statuses(self) -> tuple[PortStatus, ...]:
        return self.ports

    def servers(self) -> tuple[ServerStatus, ...]:
        return self.known

    def clients(self) -> tuple[ClientStatus, ...]:
        return (POLICY,)

    def disconnect(self, mac: bytes) -> bool:
        has_grant = any(each.mac == mac and each.by for port in self.ports for each in port.terminals)
        self.ports = tuple(
            replace(port, terminals=tuple(each for each in port.terminals if each.mac != mac)) for port in self.ports
        )
        return has_grant


class FakeRadius:
    def __init__(self) -> None:
        self.out, self.inside, self.known = [WRONG], [RIGHT], (WARD,)
        self.strangers = [Unheard(AT, "10.9.9.9", "unknown-client", 4)]
        self.observers: list[Callable[[], None]] = []

    def refused(self) -> list[Login]:
        return self.out

    def let_in(self) -> list[Login]:
        return self.inside

    def clients(self) -> tuple[ClientStatus, ...]:
        return self.known

    def unheard(self) -> list[Unheard]:
        return self.strangers

    def observe_logins(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.observers.append(callback)
        return lambda: self.observers.remove(callback)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_watch, "LOOK_EVERY_S", 0.005)


@pytest.fixture
def network() -> FakeNetwork:
    return FakeNetwork()


@pytest.fixture
def ports() -> FakePorts:
    return FakePorts()


@pytest.fixture
def radius() -> FakeRadius:
    return FakeRadius()


@pytest.fixture
def site(network: FakeNetwork, ports: FakePorts, radius: FakeRadius) -> Site:
    site = Site(event_interval_s=0.02)
    site.services = replace(site.services, network=network, ports=ports, radius=radius)
    return site


async def test_who_is_where_and_why(admin):
    body = await (await admin.call("GET", "/network")).json()
    (session,) = body["sessions"]
    assert (body["is_on"], body["count"]) == (True, 1)
    assert {name: session[name] for name in ("mac", "identity", "nas", "port", "vlan", "entry", "expires_at")} == {
        "mac": "02:00:5e:00:53:01", "identity": "vt1", "nas": "sw?1", "port": "ge-0/0/7", "vlan": "42",
        "entry": "eap", "expires_at": None,
    }  # fmt: skip
    assert session["addresses"] == [{"address": "10.1.2.3", "source": "arp"}]
    assert session["answer"]["reason"] == "session"
    assert [(each["source"], each["is_allowed"], each["reason"]) for each in body["answers"]] == [
        ("10.1.2.9", False, "no-session"), ("10.1.2.3", True, "session"),
    ]  # fmt: skip


async def test_who_is_at_our_own_ports_and_which_servers_answer(admin):
    body = await (await admin.call("GET", "/network")).json()
    assert body["ports"] == [
        {
            "name": "enp3s0", "number": 1, "site": "north", "bridge": "br42", "is_up": True, "count": 2,
            "terminals": [
                {
                    "mac": "02:00:5e:00:53:01", "standing": "in", "why": "eap", "identity": "vt?1", "vlan": "42",
                    "role": "ward", "session": "s1", "has_grant": True,
                },
                {
                    "mac": "02:00:00:00:00:07", "standing": "refused", "why": "rejected", "identity": "or2", "vlan": "",
                    "role": "", "session": "", "has_grant": False,
                },
            ],
        },
        {
            "name": "enp4s0", "number": 2, "site": "north", "bridge": "br0", "is_up": False, "count": 0,
            "terminals": [],
        },
    ]  # fmt: skip
    assert body["servers"] == [
        {
            "name": "main", "address": "10.1.1.10", "transport": "udp", "is_up": True, "is_accounting_up": True,
            "is_excused": False, "excused": 0,
        },
        {
            "name": "second", "address": "10.1.1.11", "transport": "radsec", "is_up": False, "is_accounting_up": True,
            "is_excused": True, "excused": 12,
        },
    ]  # fmt: skip
    assert body["clients"] == [
        {"name": "ward", "kind": "logins", "networks": ["10.1.0.0/16"], "is_excused": True, "excused": 3},
        {"name": "policy", "kind": "orders", "networks": ["10.1.1.9"], "is_excused": False, "excused": 0},
    ]


async def test_who_signed_in_at_our_own_server_and_why_not(admin):
    body = await (await admin.call("GET", "/network")).json()
    assert body["has_logins"]
    assert body["logins"] == [
        {
            "at": "2030-03-17T17:46:50.000+00:00", "client": "ward", "switch": "", "port": "Gi1/0/8",
            "mac": "02:00:5e:00:53:09", "identity": "cart-7", "method": "EAP-TLS", "is_let_in": True, "reason": "",
            "detail": "", "count": 1,
        },
        {
            "at": "2030-03-17T17:46:40.000+00:00", "client": "ward", "switch": "sw3", "port": "Gi1/0/7",
            "mac": "02:00:5e:00:53:07", "identity": "or2", "method": "PEAP", "is_let_in": False,
            "reason": "wrong-password", "detail": "", "count": 3,
        },
    ]  # fmt: skip


async def test_who_got_no_answer(admin):
    body = await (await admin.call("GET", "/network")).json()
    assert body["unheard"] == [
        {"at": "2030-03-17T17:46:40.000+00:00", "source": "10.9.9.9", "reason": "unknown-client", "count": 4}
    ]


async def test_pages_are_told_of_each_login(client, admin, radius):
    async with client.ws_connect("/api/v1/events") as socket:
        await socket.receive_json()
        assert await socket.receive_json() == {"type": "network"}, "of the ports"
        radius.observers[0]()
        assert await socket.receive_json() == {"type": "network"}


async def test_no_more_terminals_than_a_page_can_show(admin, ports, monkeypatch):
    monkeypatch.setattr(network_ports, "MAX_TERMINALS", 3)
    ports.ports = (PORTS[0], PORTS[0])
    body = await (await admin.call("GET", "/network")).json()
    assert [(port["count"], len(port["terminals"])) for port in body["ports"]] == [(2, 2), (2, 1)]


async def test_a_terminal_is_disconnected(admin, ports, network):
    for mac, status in (("02:00:00:00:00:08", 404), ("nobody", 404), ("0200.5e00.5301", 204), ("0200.5e00.5301", 404)):
        assert (await admin.call("POST", f"/network/ports/{mac}/disconnect", {})).status == status
    assert [each.mac for each in ports.ports[0].terminals] == [OUT.mac]
    assert network.caught_up == 3, "who was switched off is not let in again"


async def test_pages_are_told_when_something_changes(client, admin, network):
    async with client.ws_connect("/api/v1/events") as socket:
        await socket.receive_json()
        for _ in range(3):
            network.observers[0]()
        assert await socket.receive_json() == {"type": "network"}
        network.observers[0]()
        assert await socket.receive_json() == {"type": "network"}


async def test_pages_are_told_when_a_port_or_a_server_changes(client, admin, ports):
    async with client.ws_connect("/api/v1/events") as socket:
        await socket.receive_json()
        assert await socket.receive_json() == {"type": "network"}
        ports.ports = PORTS[:1]
        assert await socket.receive_json() == {"type": "network"}
        ports.known = ()
        assert await socket.receive_json() == {"type": "network"}
        client.app[HUB].tell_room("1001")
        assert (await socket.receive_json())["type"] == "room", "and not when nothing has changed"


async def test_ports_are_looked_at_only_while_somebody_may_see_them(client, admin, site):
    await site.add_user("host", role="host")
    host = Browser(client)
    await host.sign_in("host")
    async with client.ws_connect("/api/v1/events") as socket:
        await socket.receive_json()
        assert not client.app[HUB].is_watched()
        await admin.sign_in()
        async with client.ws_connect("/api/v1/events"):
            assert client.app[HUB].is_watched()


async def test_the_hub_stops_looking(client, admin, network, radius):
    await client.app.shutdown()
    assert network.observers == radius.observers == []
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if "watch_ports" in repr(task.get_coro())]


async def test_a_session_is_ended(admin, network):
    assert (await admin.call("DELETE", "/network/south/02:00:5e:00:53:01")).status == 404
    assert (await admin.call("DELETE", "/network/north/nobody")).status == 404
    assert len(network.live) == 1
    assert (await admin.call("DELETE", "/network/north/0200.5e00.5301")).status == 204
    assert network.live == []


async def test_a_large_network_is_cut_off_and_counted(admin, network, monkeypatch):
    monkeypatch.setattr(api, "MAX_SHOWN", 2)
    network.live = [replace(SESSION, mac=bytes([2, 0, 0, 0, 0, last]), heard_at=AT + last) for last in range(5)]
    body = await (await admin.call("GET", "/network")).json()
    assert (body["count"], [each["mac"][-2:] for each in body["sessions"]]) == (5, ["04", "03"])


async def test_the_console_has_its_page_only_where_there_is_something_to_show(admin, site):
    assert "control-network" in (await (await admin.call("GET", "/session")).json())["rights"]
    assert [role for role, rights in RIGHTS.items() if "control-network" in rights] == ["security-admin"]


class TestSwitchedOff:
    @pytest.fixture
    def site(self) -> Site:
        return Site()

    async def test_nothing_is_known(self, admin):
        assert (await (await admin.call("GET", "/network")).json())["is_on"] is False
        assert (await admin.call("DELETE", "/network/north/02:00:5e:00:53:01")).status == 404
        assert (await admin.call("POST", "/network/ports/02:00:5e:00:53:01/disconnect", {})).status == 404
        assert "control-network" not in (await (await admin.call("GET", "/session")).json())["rights"]


class TestOwnServerAlone:
    @pytest.fixture
    def site(self, radius: FakeRadius) -> Site:
        site = Site()
        site.services = replace(site.services, radius=radius)
        return site

    async def test_it_is_shown(self, admin):
        body = await (await admin.call("GET", "/network")).json()
        assert (body["is_on"], body["ports"], len(body["logins"])) == (False, [], 2)
        assert "control-network" in (await (await admin.call("GET", "/session")).json())["rights"]


class TestOwnPortsAlone:
    @pytest.fixture
    def site(self, ports: FakePorts) -> Site:
        site = Site()
        site.services = replace(site.services, ports=ports)
        return site

    async def test_they_are_shown(self, admin):
        body = await (await admin.call("GET", "/network")).json()
        assert (body["is_on"], [port["name"] for port in body["ports"]]) == (False, ["enp3s0", "enp4s0"])
        assert "control-network" in (await (await admin.call("GET", "/session")).json())["rights"]
