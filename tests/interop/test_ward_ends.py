"""A session ends, in whichever way, and within a second nothing of the terminal passes the bridge; all are told why."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from auth8021x.wire import eap, mac_address
from config.dot1x import Dot1xSettings
from tests.interop.enforcing import MAC, TERMINAL
from tests.interop.freeradius import FreeRadius
from tests.interop.test_radius_peers import DAS_SECRET, radclient, stamped
from tests.interop.waiting import until_holds
from tests.interop.ward_network import SITE, Stay, back, logged_in, port_settings, served, terminal
from tests.interop.ward_ports import WardPorts

WHO = mac_address.parse(MAC)
FAILURE, SUCCESS = eap.Code.FAILURE, eap.Code.SUCCESS
SEEN_FOR_S = 3.5


def user(name: str) -> str:
    return f'eap=MD5\nidentity="{name}"\npassword="{name}pass"'


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("freeradius", "radclient", "wpa_supplicant", "ip", "bridge", "nft")


@pytest.fixture(scope="module")
def radius(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeRadius]:
    running = FreeRadius(tmp_path_factory.mktemp("radius") / "one", coa_port=3899).start()
    yield running
    running.stop()


@pytest.fixture
def port(radius: FreeRadius) -> Iterator[WardPorts]:
    with closing(WardPorts()) as made:
        yield made


def settings(folder: Path) -> Dot1xSettings:
    """The terminal is asked again every half a second; orders are taken from radclient."""
    file = folder / "das"
    file.touch(0o600)
    file.write_text(DAS_SECRET)
    client = {"name": "main", "address": "127.0.0.1", "secret_file": str(file)}
    return port_settings(folder, pae={"request_timeout_s": 0.5}, dynamic={"listen": ["127.0.0.1"], "clients": [client]})


@asynccontextmanager
async def inside(port: WardPorts, folder: Path, name: str = "load") -> AsyncIterator[Stay]:
    async with logged_in(port, folder, user(name), settings(folder)) as stay:
        yield stay


async def is_accounted(radius: FreeRadius, stay: Stay, cause: str) -> None:
    """FreeRADIUS is told why the session ended, and the directory knows nobody behind the address any more."""
    assert stay.directory.known(SITE, TERMINAL) is None

    def is_told() -> bool:
        records = radius.accounted().split("\n\n")
        return any(stay.session.session_id in each and f"Acct-Terminate-Cause = {cause}" in each for each in records)

    await until_holds(is_told)


async def test_nothing_passes_before_success(port: WardPorts, tmp_path: Path):
    async with served(settings(tmp_path), tmp_path):
        port.announce()
        assert not await port.passes()
        async with terminal(port, tmp_path / "bad", user("load").replace("loadpass", "guess")) as refused:
            await until_holds(lambda: "CTRL-EVENT-EAP-FAILURE" in refused.log())
            assert not await port.passes()


@pytest.mark.parametrize("by", ["radclient", "us"])
async def test_who_is_disconnected_is_out_and_told(radius: FreeRadius, port: WardPorts, tmp_path: Path, by: str):
    async with inside(port, tmp_path) as stay:
        assert (stay.session.identity, stay.session.mac) == ("load", WHO)
        stay.terminal.fall_silent()  # else it is in again after milliseconds
        if by == "us":
            assert stay.ports.disconnect(WHO)
        else:
            said = await radclient(tmp_path, "disconnect", stamped(f'Calling-Station-Id = "{MAC}"'))
            assert "Disconnect-ACK" in said
        await port.until_passes(False)
        await until_holds(lambda: stay.count(FAILURE) == 1)
        await is_accounted(radius, stay, "Admin-Reset")
        assert not stay.ports.disconnect(WHO), "it has no session any more"
        async with back(port, tmp_path, user("load")):
            pass


async def test_a_session_that_is_over_is_over(radius: FreeRadius, port: WardPorts, tmp_path: Path):
    async with inside(port, tmp_path, "brief") as stay:
        began = time.monotonic()
        stay.terminal.fall_silent()
        await port.until_passes(False, within_s=3)
        assert time.monotonic() - began > 1, "Session-Timeout says 2 s"
        await until_holds(lambda: stay.count(FAILURE) == 1)
        await is_accounted(radius, stay, "Session-Timeout")


async def test_renewals_lose_no_packet(port: WardPorts, tmp_path: Path):
    async with inside(port, tmp_path, "renewed") as stay:
        ends_at = time.monotonic() + SEEN_FOR_S
        while time.monotonic() < ends_at:
            assert await port.passes()
        assert stay.count(SUCCESS) >= SEEN_FOR_S, "one a second"
        assert stay.count(FAILURE) == 0


async def test_who_logs_off_is_out_until_it_logs_on(radius: FreeRadius, port: WardPorts, tmp_path: Path):
    async with inside(port, tmp_path) as stay:
        stay.terminal.command("logoff")
        await port.until_passes(False)
        await is_accounted(radius, stay, "User-Request")
        stay.terminal.command("logon")
        await port.until_passes(True, within_s=3)


async def test_the_next_one_at_the_socket_is_not_in(radius: FreeRadius, port: WardPorts, tmp_path: Path):
    """It has the MAC address and the IP address of the one before, and does not speak 802.1X."""
    async with inside(port, tmp_path) as stay:
        stay.terminal.fall_silent()
        pulled_at = time.monotonic()
        port.plug(False)
        port.plug(True)
        while time.monotonic() < pulled_at + 1:
            await port.passes()  # the kernel may take as long to tell
        for _ in range(5):
            assert not await port.passes()
        port.announce()
        assert not await port.passes()
        await is_accounted(radius, stay, "Lost-Carrier")
        async with back(port, tmp_path, user("load")):
            pass


async def test_an_order_moves_it_to_another_network_and_back(port: WardPorts, tmp_path: Path):
    async with inside(port, tmp_path) as stay:
        lines = 'User-Name = "load"\nTunnel-Type = VLAN\nTunnel-Medium-Type = IEEE-802\nTunnel-Private-Group-Id = "{}"'
        said = await radclient(tmp_path, "coa", stamped(lines.format("42")))
        assert "CoA-ACK" in said, (said, stay.ports.counters())
        await port.until_passes(False)
        said = await radclient(tmp_path, "coa", stamped(lines.format("ward")))
        assert "CoA-ACK" in said, (said, stay.ports.counters())
        await port.until_passes(True)
