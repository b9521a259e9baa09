"""Orders to switches that are not ours: hostapd with a terminal on it, FreeRADIUS and pyrad as what takes orders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from auth8021x.directory.events import EndCause, Ended
from auth8021x.directory.session import Session
from auth8021x.eapserver.stored_book import SupplicantOffice
from auth8021x.gate.aftermath import Order
from auth8021x.switches.courier import SwitchCourier
from auth8021x.switches.orders import Settled
from auth8021x.wire import attribute, mac_address, tunnel
from auth8021x.wire.dictionary import Type
from config.dot1x import Dot1xSettings
from crypto.keys import generate
from crypto.network_certificates import NetworkCertificates, key_password
from crypto.secret import Secret
from drumtower.dot1x import AccessOffice
from drumtower.eap_server import EmbeddedRadius
from store.database import Database
from tests.auth8021x.switches.sessions import session
from tests.interop import freeradius, hostapd_switch, pyrad_server
from tests.interop.freeradius import FreeRadius
from tests.interop.hostapd_switch import HostapdSwitch
from tests.interop.server import Server
from tests.interop.supplicant import Supplicant, Trust, password_network
from tests.interop.test_radius_peers import pyrad

__all__ = ["pyrad"]  # a fixture

SECRET = "u7-Qm2xR9_fKz4Lw8vTb"
SITE = {"name": "ward", "networks": ["10.0.0.0/8"]}
GROUPS = [{"name": "video", "vlan": "42"}, {"name": "old", "vlan": "99"}]
MASTER = generate()
CHANGE = (*tunnel.vlan_attributes("43"), attribute.number(Type.SESSION_TIMEOUT, 600))


async def until(wanted: Callable[[], object], what: str = "", within_s: float = 15) -> None:
    """Wait for it."""
    try:
        async with asyncio.timeout(within_s):
            while not wanted():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"never came: {what}")


# ---- what only takes orders


class Told:
    """Waits for what becomes of orders."""

    def __init__(self) -> None:
        self.results: asyncio.Queue[str] = asyncio.Queue()

    def __call__(self, settled: Settled) -> None:
        self.results.put_nowait(f"{settled.kind} {settled.result.value}")


async def obeyed(secret: str, *found: Session) -> list[str]:
    """What becomes of orders to end and to change each of these sessions at 127.0.0.1."""
    switch = {"name": "here", "site": "north", "networks": ["127.0.0.1"]}
    settings = msgspec.convert({"sites": [{**SITE, "name": "north"}], "switches": [switch]}, Dot1xSettings)
    told, results = Told(), []
    courier = SwitchCourier(settings, {"here": secret.encode()}, told)
    try:
        for each in found:
            courier.happened(Ended(each, EndCause.ORDERED))
            results.append(await asyncio.wait_for(told.results.get(), 10))
            courier.change(each, CHANGE)
            results.append(await asyncio.wait_for(told.results.get(), 10))
    finally:
        courier.close()
    return results


def somebody_else() -> Session:
    found = session(source="127.0.0.1")
    return replace(found, identity="vt2", naming=replace(found.naming, user_name="vt2"))


@pytest.fixture
def radiusd(needs, tmp_path: Path) -> Iterator[FreeRadius]:
    needs("freeradius")
    running = FreeRadius(tmp_path / "radiusd").start()
    yield running
    running.stop()


async def test_freeradius_reads_our_orders(radiusd: FreeRadius):
    assert await obeyed(freeradius.SECRET, session(source="127.0.0.1"), somebody_else()) == [
        "disconnect done", "change done", "disconnect no-such-session", "change no-such-session",
    ]  # fmt: skip
    said = radiusd.log()
    for line in (
        "Received Disconnect-Request", "Received CoA-Request", 'User-Name = "vt1"', 'Acct-Session-Id = "0000002A"',
        'Calling-Station-Id = "2cfd.a140.5663"', "NAS-Port = 50101", "NAS-IP-Address = 10.0.0.2",
        'Tunnel-Private-Group-Id:0 = "43"', "Tunnel-Type:0 = VLAN", "Tunnel-Medium-Type:0 = IEEE-802",
        "Session-Timeout = 600", "Event-Timestamp = ", "Message-Authenticator = 0x",
    ):  # fmt: skip
        assert line in said, line


async def test_pyrad_reads_our_orders(pyrad: None):
    secret = pyrad_server.SECRET.decode()
    assert await obeyed(secret, session(source="127.0.0.1"), somebody_else()) == [
        "disconnect done", "change done", "disconnect no-such-session", "change no-such-session",
    ]  # fmt: skip


# ---- a switch with a terminal on it


class Calls:
    def unregister(self, order: Order) -> None: ...

    def drop_calls(self, order: Order) -> None: ...


class Hospital:
    """Our RADIUS server, our directory and the orders to the switch, put together as the server does."""

    def __init__(self, settings: Dot1xSettings, folder: Path, database: Database) -> None:
        self.people = SupplicantOffice(database.supplicants, MASTER)
        self.access = AccessOffice(settings, database)
        self.radius = EmbeddedRadius(settings, folder, database, MASTER)
        self.radius.observe(self.access.switches.accounts_changed)

    def session(self, mac: bytes) -> Session | None:
        return self.access.directory.core.get("ward", mac)

    def count(self, name: str) -> int:
        return (self.access.counters() + self.radius.counters())[name]


def described(folder: Path, **switch: str) -> Dot1xSettings:
    file = folder / "secret"
    file.touch(0o600)
    file.write_text(SECRET)
    client = {"networks": ["127.0.0.1"], "secret_file": str(file)}
    settings = {
        "sites": [SITE],
        "listener": {"listen": ["127.0.0.1"], "port": 0, "clients": [{**client, "name": "tells", "site": "ward"}]},
        "switches": [{**client, "name": "ward-switches", "site": "ward", **switch}],
        "eap_server": {"port": 0, "methods": ["md5"], "groups": GROUPS, "clients": [{**client, "name": "asks"}]},
    }
    return msgspec.convert(settings, Dot1xSettings)


@asynccontextmanager
async def hospital(folder: Path, **switch: str) -> AsyncIterator[Hospital]:
    made = NetworkCertificates(folder / "dot1x", key_password(MASTER))
    now = datetime.now(UTC)
    made.ensure_authority(now)
    made.ensure_server("radius.ward.example", now)
    database = Database(f"sqlite:///{folder / 'kept.db'}")
    await database.open()
    found = Hospital(described(folder, **switch), folder, database)
    await found.people.add("vt1", "video", None, Secret("vtpass-1"), may_bypass=False, has_md5=True)
    await found.access.start(Calls())
    await found.radius.start()
    try:
        yield found
    finally:
        await found.radius.stop()
        found.access.stop()
        await database.close()


@asynccontextmanager
async def let_in(folder: Path, found: Hospital) -> AsyncIterator[tuple[HostapdSwitch, Supplicant, Session]]:
    """A terminal that hostapd has let in, and accounts for."""
    (auth_port,), (acct_port,) = found.radius.ports, found.access.ports
    with hostapd_switch.running(folder / "hostapd", SECRET, auth_port, acct_port) as switch:
        trust = Trust(folder / "dot1x" / "ca.pem", "radius.ward.example")
        network = password_network("MD5", "vtpass-1", trust)
        terminal = Supplicant(folder / "terminal", network, hostapd_switch.FAR)
        try:
            await until(lambda: found.session(switch.mac), "a session in the directory")
            session = found.session(switch.mac)
            assert session is not None
            assert (session.identity, session.naming.nas_identifier) == ("vt1", "switch7")
            yield switch, terminal, session
        finally:
            terminal.stop()


@pytest.fixture
def _hostapd(needs) -> None:
    needs("hostapd", "wpa_supplicant", "wpa_cli", "ip")


def out(switch: HostapdSwitch) -> int:
    """How often the switch has thrown the terminal out."""
    return switch.log().count("AP-STA-DISCONNECTED")


@pytest.mark.usefixtures("_hostapd")
async def test_a_switch_throws_out_whom_an_administrator_has_disabled(tmp_path: Path):
    async with hospital(tmp_path) as found, let_in(tmp_path, found) as (switch, terminal, _):
        before = out(switch)
        await found.people.enable("vt1", False)
        await found.radius.refresh()
        assert found.session(switch.mac) is None
        await until(lambda: found.count("switch-disconnect-done"), switch.log())
        await until(lambda: out(switch) > before, switch.log())
        terminal.command("logoff")
        terminal.command("logon")
        await until(lambda: found.count("eap-server-unknown-identity"), terminal.log())
        assert found.session(switch.mac) is None


@pytest.mark.usefixtures("_hostapd")
async def test_a_switch_that_cannot_change_a_network_has_the_terminal_log_in_again(tmp_path: Path):
    async with hospital(tmp_path, changes="coa") as found, let_in(tmp_path, found) as (switch, _, _):
        before = out(switch)
        await found.people.set_group("vt1", "old")
        await found.radius.refresh()
        await until(lambda: found.count("switch-disconnect-done"), switch.log())
        await until(lambda: out(switch) > before, switch.log())
        assert found.count("switch-change-refused") == 1, "this one knows no CoA for VLANs"


@pytest.mark.usefixtures("_hostapd")
async def test_an_order_about_a_session_of_before_throws_nobody_out(tmp_path: Path):
    async with hospital(tmp_path) as found, let_in(tmp_path, found) as (switch, _, session):
        before, told = out(switch), Told()
        courier = SwitchCourier(described(tmp_path), {"ward-switches": SECRET.encode()}, told)
        courier.happened(Ended(replace(session, session_id="0000000000000000"), EndCause.ORDERED))
        assert await asyncio.wait_for(told.results.get(), 10) == "disconnect no-such-session"
        courier.close()
        assert out(switch) == before
        assert found.session(switch.mac) is not None


_SERVE = """
[[dot1x.sites]]
name = "ward"
networks = ["10.0.0.0/8"]

[dot1x.listener]
listen = ["127.0.0.1"]
[[dot1x.listener.clients]]
name = "tells"
networks = ["127.0.0.1"]
site = "ward"
secret_file = "{secret}"

[[dot1x.switches]]
name = "ward-switches"
networks = ["127.0.0.1"]
site = "ward"
secret_file = "{secret}"

[dot1x.eap_server]
methods = ["md5"]
[[dot1x.eap_server.groups]]
name = "video"
vlan = "42"
[[dot1x.eap_server.clients]]
name = "asks"
networks = ["127.0.0.1"]
secret_file = "{secret}"
"""


@pytest.mark.usefixtures("_hostapd")
async def test_the_commands_of_an_administrator_reach_the_switch(tmp_path: Path):
    described(tmp_path)  # the file with the secret
    password = tmp_path / "password"
    password.write_text("vtpass-1\n")
    add = ("dot1x", "add", "vt1", "--group", "video", "--password-file", str(password), "--md5")
    text = _SERVE.format(secret=tmp_path / "secret")
    server = Server(tmp_path / "server", text, preparation=(("dot1x", "certificates"), add))
    await server.start()
    network = password_network("MD5", "vtpass-1", Trust(tmp_path, ""))
    with hostapd_switch.running(tmp_path / "hostapd", SECRET, 1812, 1813) as switch:
        terminal = Supplicant(tmp_path / "terminal", network, hostapd_switch.FAR)
        try:
            await until(lambda: "AP-STA-CONNECTED" in switch.log(), "a terminal that is in")
            await until_sessions(server, 1)
            mac = mac_address.plain(switch.mac)
            await until(lambda: mac in server.run("dot1x", "sessions").stdout, "a session that is written down")
            said = server.run("dot1x", "disconnect", mac).stdout
            assert "its switch is told: ward-switches (127.0.0.1)" in said
            await until(lambda: out(switch) == 1, "one that is out")
            await until_sessions(server, 0)
            terminal.command("logoff")
            terminal.command("logon")
            # Back at once it has the Acct-Session-Id that it had.
            await until_sessions(server, 1)
            # 5 s after an order hostapd puts the terminal out once more, back or not.
            await until(lambda: "local deauth request" in switch.log(), "a switch that forgets")
            await until_sessions(server, 0)
            terminal.command("logoff")
            terminal.command("logon")
            await until_sessions(server, 1)
            before = out(switch)
            server.run("dot1x", "disable", "vt1")
            await until(lambda: out(switch) > before, "one that is out again")
            await until_sessions(server, 0)
            assert server.log().count("disconnect at switch ward-switches (127.0.0.1): done") == 2
            assert "disabled or removed" in server.log()
        finally:
            terminal.stop()
            await server.stop()


async def until_sessions(server: Server, count: int) -> None:
    """Wait until the server says that it has so many."""
    async with asyncio.timeout(15):
        while f'drumtower_dot1x_open{{kind="sessions"}} {count}.0' not in await server.metrics():
            await asyncio.sleep(0.2)
