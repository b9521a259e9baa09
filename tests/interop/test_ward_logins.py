"""wpa_supplicant at our port and at hostapd's, with FreeRADIUS and with our own server: who is in, by real frames."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.auth8021x.certificates import EXPIRED_SERVER, OTHER
from tests.interop import embedded_radius, freeradius, hostapd
from tests.interop.enforcing import VLAN_BRIDGE
from tests.interop.freeradius import FreeRadius
from tests.interop.hostapd import Wire
from tests.interop.supplicant import Trust, password_network, tls_network
from tests.interop.waiting import until_holds
from tests.interop.ward_network import FAILURE, SUCCESS, port_settings, served, terminal
from tests.interop.ward_ports import WardPorts

METHODS = ("MD5", "PEAP", "TTLS", "TLS")
REFERENCE = "reference"
"""How hostapd calls itself to the servers."""
BY_US = {
    "bad-password": "refused: wrong-password",
    "expired": "refused: bad-certificate certificate has expired",
    "of-another-ca": "refused: bad-certificate unable to get local issuer certificate",
    "expired-server": "refused: tls-refused SSLV3_ALERT_CERTIFICATE_EXPIRED",
}
BY_FREERADIUS = {
    "MD5 bad-password": "Calling submodule eap_md5 to process data.*Sending EAP Failure",
    "PEAP bad-password": "MS-CHAP2-Response is incorrect",
    "TTLS bad-password": 'Cleartext password does not match "known good" password',
    "expired": "OpenSSL says error 10 : certificate has expired",
    "of-another-ca": "OpenSSL says error 7 : certificate signature failure",
    "expired-server": "Alert read:fatal:certificate expired",
}


@dataclass(frozen=True, slots=True)
class Login:
    """One way to try it."""

    network: str
    is_good: bool = False
    at_old_server: bool = False
    reason: str = ""
    """What the terminal's own log says of a failure, where it knows why."""
    refusal: str = ""
    """What the server says of it, as a pattern."""


@dataclass(frozen=True, slots=True)
class Servers:
    """A RADIUS server, and one whose certificate has expired: their ports and secret, and who tries to log in."""

    port: int
    old_port: int
    secret: str
    logins: dict[str, dict[str, Login]]
    said: Callable[[], dict[str, str]]
    """What both have written so far of each request, with the name of the authenticator in it."""

    def port_of(self, login: Login) -> int:
        return self.old_port if login.at_old_server else self.port


def logins(
    trust: Trust, of_old_server: Trust, devices: dict[str, tuple[str, Path]], refusals: dict[str, str]
) -> dict[str, dict[str, Login]]:  # fmt: skip
    """By method and case. `devices`: name and certificate of a good one, an expired one and one of another CA.

    `refusals`: what a server says, by method and case, or by case.
    """
    found: dict[str, dict[str, Login]] = {}
    for method in METHODS[:3]:
        found[method] = {
            "good": Login(password_network(method, "vtpass1", trust), is_good=True),
            "bad-password": Login(password_network(method, "guess", trust)),
        }
    found["TLS"] = {
        name: Login(tls_network(*device, trust), is_good=name == "good") for name, device in devices.items()
    }
    for method, network in (
        *((each, password_network(each, "vtpass1", of_old_server)) for each in ("PEAP", "TTLS")),
        ("TLS", tls_network(*devices["good"], of_old_server)),
    ):
        found[method]["expired-server"] = Login(network, at_old_server=True, reason="certificate has expired")
    return {
        method: {
            case: replace(login, refusal=refusals.get(f"{method} {case}") or refusals.get(case, ""))
            for case, login in tried.items()
        }
        for method, tried in found.items()
    }


def by_request(server: str, log: str) -> dict[str, str]:
    """What FreeRADIUS writes of each request, which it does in between others."""
    found: dict[str, list[str]] = {}
    for line in log.splitlines():
        if number := re.match(r"\((\d+)\)", line):
            found.setdefault(f"{server} {number[1]}", []).append(line)
    return {request: "\n".join(lines) for request, lines in found.items()}


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("freeradius", "hostapd", "wpa_supplicant", "ip", "bridge", "nft")


@pytest.fixture
def port_42() -> Iterator[WardPorts]:
    """The hospital's network is VLAN 42, which only an Accept leads to."""
    with closing(WardPorts(VLAN_BRIDGE)) as made:
        yield made


@pytest.fixture(scope="module")
def two_freeradius(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("freeradius")
    one, two = folder / "one", folder / "two"
    one.mkdir()
    freeradius.make_certificates(one)
    shutil.copytree(one, two)
    running = FreeRadius(one).start()
    old = FreeRadius(two, auth_port=1912, acct_port=1913, coa_port=3899, certificate="expired-server").start()
    trust = Trust(one / "ca.pem", freeradius.SERVER_NAME)
    first, second = "vt-0001.hospital.test", "vt-0002.hospital.test"
    devices = {
        "good": (first, one / "client"), "expired": (second, one / "expired"), "of-another-ca": (first, one / "foreign")
    }  # fmt: skip
    tried = logins(trust, trust, devices, BY_FREERADIUS)
    yield Servers(
        1812, 1912, freeradius.SECRET, tried, lambda: by_request("new", running.log()) | by_request("old", old.log())
    )
    running.stop()
    old.stop()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("embedded")
    embedded_radius.make_certificates(folder)
    return folder


@pytest.mark.parametrize("method", METHODS)
async def test_with_freeradius(port_42: WardPorts, two_freeradius: Servers, method: str, tmp_path: Path):
    await compare(port_42, two_freeradius, method, tmp_path)


@pytest.mark.parametrize("method", METHODS)
async def test_with_our_own_server(
    port_42: WardPorts, certificates: Path, method: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    expired = certificates / EXPIRED_SERVER
    devices = {
        "good": ("cart-7", certificates / "cart-7"), "expired": ("expired", certificates / "expired"),
        "of-another-ca": ("cart-7", certificates / OTHER / "cart-7"),
    }  # fmt: skip
    tried = logins(embedded_radius.trust(certificates), embedded_radius.trust(expired), devices, BY_US)
    with (
        embedded_radius.listening(certificates, tmp_path) as running,
        embedded_radius.listening(expired, tmp_path) as old,
    ):
        servers = Servers(
            running.ports[0],
            old.ports[0],
            embedded_radius.SECRET,
            tried,
            lambda: {str(number): text for number, text in enumerate(caplog.messages)},
        )
        await compare(port_42, servers, method, tmp_path)


async def compare(port: WardPorts, servers: Servers, method: str, folder: Path) -> None:
    """Who should be in is in at both, and nobody else is at either, for the reason that it is tried for."""
    tried, before = servers.logins[method], servers.said()
    wires = {name: Wire(login.network, servers.port_of(login)) for name, login in tried.items()}
    async with asyncio.TaskGroup() as both:
        reference = both.create_task(hostapd.who_gets_in(folder / "hostapd", servers.secret, wires))
        ours = both.create_task(at_our_port(port, servers, tried, folder))
    of_reference = {name: ending.is_in for name, ending in reference.result().items()}
    assert ours.result() == of_reference == {name: login.is_good for name, login in tried.items()}
    said = [text for request, text in servers.said().items() if request not in before]
    for name, login in tried.items():
        assert login.reason in reference.result()[name].log
        if not login.is_good:
            assert login.refusal
            refused = [text for text in said if re.search(login.refusal, text, re.DOTALL)]
            assert {REFERENCE in text for text in refused} == {True, False}, (method, name, refused)


async def at_our_port(port: WardPorts, servers: Servers, tried: dict[str, Login], folder: Path) -> dict[str, bool]:
    return {name: await passes(port, servers, login, folder / name) for name, login in tried.items()}


async def passes(port: WardPorts, servers: Servers, login: Login, folder: Path) -> bool:
    """Whether its echo comes back after the authentication, which has to be what it was told itself."""
    folder.mkdir()
    entry: dict[str, object] = {"authentication_port": servers.port_of(login), "accounting_port": 0}
    settings = port_settings(folder, entry, secret=servers.secret)
    async with terminal(port, folder / "terminal", login.network) as made, served(settings, folder):
        await until_holds(lambda: SUCCESS in made.log() or FAILURE in made.log())
        assert login.reason in made.log()
        port.announce()
        if SUCCESS in made.log():
            await port.until_passes(True)
            assert FAILURE not in made.log()
            return True
        assert not await port.passes()
        assert not await port.passes()
        return False
