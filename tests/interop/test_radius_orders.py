"""The same orders of radclient to hostapd and to our authenticator, each with a terminal on it: what comes of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from auth8021x.wire import eap, mac_address
from config.dot1x import Dot1xSettings
from tests.interop import hostapd_switch
from tests.interop.enforcing import MAC
from tests.interop.freeradius import SECRET, FreeRadius
from tests.interop.hostapd_switch import DAS_PORT, HostapdSwitch
from tests.interop.supplicant import Supplicant
from tests.interop.test_radius_peers import radclient, stamped
from tests.interop.test_ward_ends import user
from tests.interop.waiting import until_holds
from tests.interop.ward_network import Stay, logged_in, port_settings
from tests.interop.ward_ports import WardPorts

NAME = "switch7"
"""NAS-Identifier of both."""
OUR_DAS_PORT = 3798
SILENCE, DONE = "silence", "ACK"
MISMATCH, NO_SESSION = "NAK NAS-Identification-Mismatch", "NAK Session-Context-Not-Found"
UNSUPPORTED, MISSING = "NAK Unsupported-Attribute", "NAK Missing-Attribute"
BY_MAC = 'Calling-Station-Id = "{mac}"'
BY_SESSION = 'User-Name = "load"\nAcct-Session-Id = "{session}"'
_VLAN = "Tunnel-Type = VLAN\nTunnel-Medium-Type = IEEE-802\nTunnel-Private-Group-Id = "


@dataclass(frozen=True, slots=True)
class Order:
    """What radclient sends, by what it is; {mac} and {session} are those of the terminal there."""

    kind: str
    lines: str
    secret: str = SECRET


@dataclass(frozen=True, slots=True)
class Difference:
    """Where hostapd 2.10 and we do not say the same, both by RFC 5176; `why` is its section, and what we go by."""

    hostapd: str
    ours: str
    why: str


def disconnect(lines: str, secret: str = SECRET) -> Order:
    return Order("disconnect", stamped(lines), secret)


def change(lines: str, secret: str = SECRET) -> Order:
    return Order("coa", stamped(lines), secret)


UNBELIEVED = {
    "a Disconnect with another secret": disconnect(BY_MAC, "another secret"),
    "a CoA with another secret": change(f"{BY_MAC}\nSession-Timeout = 60", "another secret"),
    "one that somebody recorded a while ago": Order("disconnect", stamped(BY_MAC, -1000)),
    "one of the future": Order("disconnect", stamped(BY_MAC, 1000)),
    "one without Event-Timestamp": Order("disconnect", f"{BY_MAC}\nMessage-Authenticator = 0x00\n"),
    "one without Message-Authenticator": Order(
        "disconnect", stamped(BY_MAC).replace("Message-Authenticator = 0x00\n", "")
    ),
}
REFUSED: dict[str, tuple[Order, str | Difference]] = {
    "another user": (disconnect('User-Name = "nobody"'), NO_SESSION),
    "another terminal": (disconnect('Calling-Station-Id = "02-00-00-00-00-77"'), NO_SESSION),
    "another session": (disconnect('Acct-Session-Id = "0000000000000000"'), NO_SESSION),
    "the right user, another session": (
        disconnect('User-Name = "load"\nAcct-Session-Id = "0000000000000000"'),
        NO_SESSION,
    ),
    "the right user of another terminal": (
        disconnect('User-Name = "load"\nCalling-Station-Id = "02-00-00-00-00-77"'),
        NO_SESSION,
    ),
    "no address at all": (disconnect('Calling-Station-Id = "bed 7"'), "NAK Invalid-Attribute-Value"),
    "another switch by name": (disconnect(f'NAS-Identifier = "elsewhere"\n{BY_MAC}'), MISMATCH),
    "another switch by address": (disconnect(f"NAS-IP-Address = 192.0.2.7\n{BY_MAC}"), MISMATCH),
    "what neither knows": (disconnect(f"{BY_MAC}\nFramed-MTU = 1400"), UNSUPPORTED),
    "a CoA that changes nothing": (change(BY_MAC), MISSING),
    "Service-Type": (
        disconnect(f"{BY_MAC}\nService-Type = Authorize-Only"),
        Difference(
            UNSUPPORTED, "NAK Unsupported-Service", "3.5: 405 is there for a Service-Type that is not supported"
        ),
    ),
    "a port": (
        disconnect("NAS-Port = 77"),
        Difference(UNSUPPORTED, NO_SESSION, "3: NAS-Port names a session, and nobody is at this one"),
    ),
    "nobody in particular": (
        disconnect(f'NAS-Identifier = "{NAME}"'),
        Difference(NO_SESSION, MISSING, "3.5: 402 is there for a session that is not named"),
    ),
    "a CoA for another user": (
        change('User-Name = "nobody"\nSession-Timeout = 600'),
        Difference(UNSUPPORTED, NO_SESSION, "2.2: hostapd knows CoA for Hotspot 2.0 alone"),
    ),
    "a CoA to a network that is not here": (
        change(f'{BY_MAC}\n{_VLAN}"77"'),
        Difference(UNSUPPORTED, "NAK Invalid-Attribute-Value", "2.2: as before"),
    ),
}
DONE_HERE: dict[str, tuple[Order, str | Difference]] = {
    "another time": (
        change(f"{BY_MAC}\nSession-Timeout = 600"),
        Difference(UNSUPPORTED, DONE, "2.2: hostapd knows CoA for Hotspot 2.0 alone"),
    ),
    "the network where it is": (change(f'{BY_MAC}\n{_VLAN}"ward"'), Difference(UNSUPPORTED, DONE, "2.2: as before")),
    "the end of its session": (disconnect(f'NAS-Identifier = "{NAME}"\n{BY_SESSION}'), DONE),
    "the end of whatever session the terminal has": (
        disconnect(BY_MAC),
        Difference(DONE, NO_SESSION, "2.1: it has none; hostapd knows a terminal for 5 s more"),
    ),
    "the end of the session that has ended": (disconnect(BY_SESSION), NO_SESSION),
}


@dataclass(frozen=True, slots=True)
class Both:
    """hostapd and our authenticator, with a terminal that is in at each."""

    switch: HostapdSwitch
    their_terminal: Supplicant
    port: WardPorts
    stay: Stay
    sessions: dict[str, str]
    """Acct-Session-Id by MAC address."""
    folder: Path

    async def say(self, order: Order) -> tuple[str, str]:
        """What radclient hears from hostapd, and from us."""
        theirs, ours = self.folder / "to-hostapd", self.folder / "to-us"
        return tuple(
            await asyncio.gather(
                self._say(order, theirs, mac_address.plain(self.switch.mac), DAS_PORT),
                self._say(order, ours, MAC, OUR_DAS_PORT),
            )
        )

    async def _say(self, order: Order, folder: Path, mac: str, port: int) -> str:
        folder.mkdir(exist_ok=True)
        lines = order.lines.replace("{mac}", mac).replace("{session}", self.sessions[mac])
        said = await radclient(folder, order.kind, lines, order.secret, port)
        found = re.search(r"Received (?:Disconnect|CoA)-(ACK|NAK)", said)
        cause = re.search(r"Error-Cause = (\S+)", said)
        return SILENCE if found is None else f"{found[1]} {cause[1] if cause else ''}".strip()


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("freeradius", "hostapd", "radclient", "wpa_supplicant", "ip", "bridge", "nft")


@pytest.fixture(scope="module")
def radius(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeRadius]:
    running = FreeRadius(tmp_path_factory.mktemp("radius") / "one", coa_port=3899).start()
    yield running
    running.stop()


def settings(folder: Path) -> Dot1xSettings:
    file = folder / "das"
    file.touch(0o600)
    file.write_text(SECRET)
    client = {"name": "main", "address": "127.0.0.1", "secret_file": str(file)}
    dynamic = {"listen": ["127.0.0.1"], "port": OUR_DAS_PORT, "clients": [client]}
    return port_settings(folder, nas_identifier=NAME, dynamic=dynamic)


@asynccontextmanager
async def both(radius: FreeRadius, folder: Path) -> AsyncIterator[Both]:
    with closing(WardPorts()) as port, hostapd_switch.running(folder / "hostapd", SECRET, 1812, 1813) as switch:
        terminal = Supplicant(folder / "at-hostapd", user("load"), hostapd_switch.FAR)
        try:
            async with logged_in(port, folder, user("load"), settings(folder)) as stay:
                await until_holds(lambda: "AP-STA-CONNECTED" in switch.log())
                macs = {MAC, mac_address.plain(switch.mac)}
                await until_holds(lambda: told(radius, "Start").keys() >= macs)
                yield Both(switch, terminal, port, stay, told(radius, "Start"), folder)
        finally:
            terminal.stop()


def told(radius: FreeRadius, status: str) -> dict[str, str]:
    """Acct-Session-Id by MAC address, of what FreeRADIUS was told of."""
    found = {}
    for record in radius.accounted().split("\n\n"):
        session = re.search(r'Acct-Session-Id = "(.*)"', record)
        station = re.search(r'Calling-Station-Id = "(.*)"', record)
        if session and station and f"Acct-Status-Type = {status}" in record:
            found[station[1].replace("-", ":").lower()] = session[1]
    return found


async def test_radclient_gets_the_same_from_both(radius: FreeRadius, tmp_path: Path):
    async with both(radius, tmp_path) as pair:
        for title, order in UNBELIEVED.items():
            assert await pair.say(order) == (SILENCE, SILENCE), title
        for title, (order, expected) in REFUSED.items():
            assert await pair.say(order) == answers(expected), title
        assert "AP-STA-DISCONNECTED" not in pair.switch.log()
        assert pair.stay.count(eap.Code.FAILURE) == 0
        assert await pair.port.passes()
        assert told(radius, "Stop") == {}
        for each in (pair.their_terminal, pair.stay.terminal):
            each.fall_silent()  # else it is in again after milliseconds
        for title, (order, expected) in DONE_HERE.items():
            assert await pair.say(order) == answers(expected), title
        assert "AP-STA-DISCONNECTED" in pair.switch.log()
        await pair.port.until_passes(False)
        await until_holds(lambda: told(radius, "Stop") == pair.sessions)


def answers(expected: str | Difference) -> tuple[str, str]:
    return (expected.hostapd, expected.ours) if isinstance(expected, Difference) else (expected, expected)
