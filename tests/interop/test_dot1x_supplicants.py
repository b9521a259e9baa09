"""Debian's wpa_supplicant at a port of ours, FreeRADIUS behind it: every method, good and bad, ends and renewals."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from auth8021x.pae.grant import Grant
from auth8021x.pae.nas import NasPort
from auth8021x.pae.port import Port
from auth8021x.ports.eapol_socket import EapolSocket, mac_of
from auth8021x.ports.runner import PortRunner
from auth8021x.radius.chance import SystemChance
from auth8021x.radius.dynamic_orders import Selector
from auth8021x.wire import eap, eapol
from auth8021x.wire.dictionary import TerminateCause
from config.dot1x import PaeSettings
from tests.interop.freeradius import SERVER_NAME, FreeRadius
from tests.interop.process import end
from tests.interop.test_radius_client import asking, described

OURS, THEIRS = "d1xport", "d1xterm"


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("freeradius", "wpa_supplicant", "ip")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dot1x")


@pytest.fixture(scope="module")
def server(folder: Path):
    running = FreeRadius(folder / "radius").start()
    yield running
    running.stop()


@pytest.fixture
def line():
    for command in (f"link add {OURS} type veth peer name {THEIRS}", f"link set {OURS} up", f"link set {THEIRS} up"):
        subprocess.run(["ip", *command.split()], check=True)
    yield
    subprocess.run(["ip", "link", "del", OURS], check=True)


@dataclass
class Driver:
    """Lets nothing through, and remembers."""

    inside: dict[bytes, Grant] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None:
        self.history.append("moved" if mac in self.inside else "in")
        self.inside[mac] = grant

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        self.history.append(f"out {cause.name}")
        del self.inside[mac]


@asynccontextmanager
async def port(tmp_path: Path, driver: Driver, **settings: object) -> AsyncIterator[PortRunner]:
    with asking(described(tmp_path)) as client:
        nas = NasPort("ward", "127.0.0.1", 1, OURS, mac_of(OURS))
        core = Port(nas, PaeSettings(**({"quiet_period_s": 0.5} | settings)), SystemChance())  # type: ignore[arg-type]
        runner = PortRunner(core, client, driver)
        socket = EapolSocket(OURS, runner.receive, core.counters)
        runner.link = socket
        runner.carrier(True)
        try:
            yield runner
        finally:
            runner.close()
            socket.close()


class Terminal:
    """wpa_supplicant on the other end of the line."""

    def __init__(self, folder: Path, network: str) -> None:
        folder.mkdir(exist_ok=True)
        text = f"ap_scan=0\neapol_version=2\nfast_reauth=0\nctrl_interface={folder}/ctrl\n"
        (folder / "wpa.conf").write_text(f"{text}network={{\nkey_mgmt=IEEE8021X\neapol_flags=0\n{network}\n}}\n")
        self._log = folder / "wpa.log"
        self._ctrl = folder / "ctrl"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["wpa_supplicant", "-D", "wired", "-i", THEIRS, "-c", str(folder / "wpa.conf")], stdout=log, stderr=log
            )

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def command(self, word: str) -> None:
        subprocess.run(["wpa_cli", "-p", str(self._ctrl), "-i", THEIRS, word], check=True, capture_output=True)

    def stop(self) -> None:
        end(self._process)


async def until(wanted: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not wanted():
            await asyncio.sleep(0.02)


def networks(folder: Path) -> dict[str, str]:
    certificates = f'ca_cert="{folder}/radius/ca.pem"\ndomain_match="{SERVER_NAME}"'

    def tls(name: str, host: str) -> str:
        files = f'client_cert="{folder}/radius/{name}.pem"\nprivate_key="{folder}/radius/{name}.key"'
        return f'eap=TLS\nidentity="{host}"\n{certificates}\n{files}'

    def tunnelled(method: str, inner: str, password: str) -> str:
        return f'eap={method}\nidentity="vt1"\npassword="{password}"\nphase2="auth={inner}"\n{certificates}'

    return {
        "md5": 'eap=MD5\nidentity="vt1"\npassword="vtpass1"',
        "md5-bad": 'eap=MD5\nidentity="vt1"\npassword="guess"',
        "peap": tunnelled("PEAP", "MSCHAPV2", "vtpass1"),
        "peap-bad": tunnelled("PEAP", "MSCHAPV2", "guess"),
        "ttls": tunnelled("TTLS", "PAP", "vtpass1"),
        "ttls-bad": tunnelled("TTLS", "PAP", "guess"),
        "tls": tls("client", "vt-0001.hospital.test"),
        "tls-expired": tls("expired", "vt-0002.hospital.test"),
        "short": 'eap=MD5\nidentity="short"\npassword="shortpass"',
    }


@pytest.mark.parametrize(("method", "vlan"), [("md5", "42"), ("peap", "42"), ("ttls", "42"), ("tls", "43")])
async def test_who_proves_itself_is_in(server, folder: Path, line, tmp_path: Path, method: str, vlan: str):
    driver = Driver()
    async with port(tmp_path, driver):
        terminal = Terminal(tmp_path / "wpa", networks(folder)[method])
        try:
            await until(lambda: driver.inside)
            assert driver.inside[mac_of(THEIRS)].vlan == vlan
            await until(lambda: "CTRL-EVENT-EAP-SUCCESS" in terminal.log())
            assert "FAILURE" not in terminal.log()
        finally:
            terminal.stop()


@pytest.mark.parametrize("method", ["md5-bad", "peap-bad", "ttls-bad", "tls-expired"])
async def test_who_does_not_stays_out_and_is_told(server, folder: Path, line, tmp_path: Path, method: str):
    driver = Driver()
    async with port(tmp_path, driver):
        terminal = Terminal(tmp_path / "wpa", networks(folder)[method])
        try:
            await until(lambda: "CTRL-EVENT-EAP-FAILURE" in terminal.log())
            assert driver.history == []
        finally:
            terminal.stop()


@pytest.fixture
async def heard(line) -> AsyncIterator[list[bytes]]:
    """Frames that reached the terminal; wpa_supplicant itself logs no Failure after Success, it begins anew."""
    frames: list[bytes] = []
    socket = EapolSocket(THEIRS, frames.append, Counter())
    yield frames
    socket.close()


def failures(heard: list[bytes]) -> int:
    packets = [eap.parse(eapol.parse_frame(frame).packet.body) for frame in heard]
    return sum(packet.code == eap.Code.FAILURE for packet in packets)


async def test_ends_and_renewals(server, folder: Path, heard: list[bytes], tmp_path: Path):
    driver = Driver()
    async with port(tmp_path, driver, start_interval_s=0.1) as runner:
        terminal = Terminal(tmp_path / "wpa", networks(folder)["md5"])
        try:
            await until(lambda: driver.inside)
            runner.port.reauthenticate(mac_of(THEIRS), asyncio.get_running_loop().time())
            runner._work()
            await until(lambda: driver.history == ["in", "moved"])
            assert runner.disconnect(Selector(mac=mac_of(THEIRS))) is None
            assert driver.history[2] == "out ADMIN_RESET"
            await until(lambda: driver.history[3:] == ["in"])
            assert failures(heard) == 1
            terminal.command("logoff")
            await until(lambda: "out USER_REQUEST" in driver.history, 1)
            terminal.command("logon")
            await until(lambda: driver.inside)
            runner.carrier(False)
            assert driver.history[-1] == "out LOST_CARRIER"
        finally:
            terminal.stop()


async def test_session_timeout_tells_the_supplicant(server, folder: Path, heard: list[bytes], tmp_path: Path):
    driver = Driver()
    async with port(tmp_path, driver):
        terminal = Terminal(tmp_path / "wpa", networks(folder)["short"])
        try:
            await until(lambda: driver.history == ["in", "out SESSION_TIMEOUT", "in"], 25)
            assert failures(heard) == 1
        finally:
            terminal.stop()
