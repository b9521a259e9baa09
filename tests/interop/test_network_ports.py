"""Our own ports as `drumtower serve` runs them: a real wpa_supplicant, a locked bridge, our own RADIUS server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth8021x.eapserver.stored_book import SupplicantOffice
from auth8021x.gate.verdict import Question, Reason
from auth8021x.ports.status import Standing
from auth8021x.wire import eap, eapol, mac_address
from crypto.keys import generate
from crypto.network_certificates import NetworkCertificates, key_password
from drumtower.dot1x import AccessOffice
from drumtower.eap_server import EmbeddedRadius
from drumtower.network_ports import NetworkPorts
from store.database import Database
from tests.drumtower.ports_world import described
from tests.drumtower.test_dot1x import Calls
from tests.interop.enforcing import BRIDGE, MAC, PORT, TERMINAL
from tests.interop.supplicant import Supplicant, Trust, tls_network
from tests.interop.waiting import until_holds
from tests.interop.ward_ports import WardPorts

MASTER = generate()
SERVER_NAME = "radius.ward.example"
WHO = mac_address.parse(MAC)
CALL = Question(TERMINAL, "sip", ("cart-7",))


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("ip", "bridge", "nft", "nsenter", "unshare", "wpa_supplicant")


@pytest.fixture
def line() -> Iterator[WardPorts]:
    made = WardPorts()
    yield made
    made.close()


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    now = datetime.now(UTC)
    made = NetworkCertificates(tmp_path / "dot1x", key_password(MASTER))
    made.ensure_authority(now)
    made.ensure_server(SERVER_NAME, now)
    made.make_client("cart-7", now)
    return tmp_path / "dot1x"


@asynccontextmanager
async def serving(
    tmp_path: Path, *drivers: str, vlan: str = "", networks: Sequence[dict[str, str]] = ()
) -> AsyncIterator[tuple[AccessOffice, NetworkPorts]]:
    enforcement = {
        "drivers": list(drivers), "ports": [{"interface": PORT, "bridge": BRIDGE}], "networks": list(networks),
    }  # fmt: skip
    settings = described(tmp_path, 1812, methods=["tls"], vlan=vlan, enforcement=enforcement)
    database = Database(f"sqlite:///{tmp_path}/drumtower.db")
    await database.open()
    office = SupplicantOffice(database.supplicants, MASTER)
    if not await office.all():
        await office.add("cart-7", "far" if vlan else "", None, None, may_bypass=False, has_md5=False)
    access = AccessOffice(settings, database)
    radius = EmbeddedRadius(settings, tmp_path, database, MASTER)
    ports = NetworkPorts(settings, tmp_path, access.directory)
    await access.start(Calls())
    await radius.start()
    await ports.start()
    try:
        yield access, ports
    finally:
        await ports.stop()
        await radius.stop()
        access.stop()
        await database.close()


async def test_from_the_plug_to_the_gate_and_back(line: WardPorts, certificates: Path, tmp_path: Path):
    async with serving(tmp_path, "bridge", "nftables") as (access, ports):
        assert not await line.passes()
        network = tls_network("cart-7", certificates / "cart-7", Trust(certificates / "ca.pem", SERVER_NAME))
        terminal = Supplicant(tmp_path / "wpa", network, "eth0", line.terminal.prefix)
        try:
            await until_holds(access.sessions)
            (seen,) = ports.statuses()[0].terminals
            assert (seen.mac, seen.standing, seen.identity) == (WHO, Standing.IN, "cart-7")
            assert not await line.passes(), "nobody knows its address yet"
            assert access.gate.decide_now(CALL).reason is Reason.NO_SESSION
            line.announce()
            await line.until_passes(True)
            assert access.gate.decide_now(CALL).reason is Reason.SESSION
            terminal.fall_silent()
            assert ports.disconnect(WHO)
            await line.until_passes(False)
            assert access.gate.decide_now(CALL).reason is Reason.NO_SESSION
        finally:
            terminal.stop()


def failures(ears: socket.socket) -> int:
    """How many EAP-Failures have come since this was asked last."""
    found = 0
    with suppress(BlockingIOError):
        while True:
            frame = eapol.parse_frame(ears.recv(4096))
            found += frame.packet.type == eapol.Type.EAP and eap.parse(frame.packet.body).code == eap.Code.FAILURE
    return found


@pytest.mark.parametrize(
    ("networks", "reason", "told"),
    [((), "unknown-vlan", 1), (({"vlan": "42", "bridge": "nobridge"},), "no-network", 2)],
)
async def test_a_network_that_cannot_be_had_is_a_refusal_that_the_terminal_is_told(
    line: WardPorts, certificates: Path, tmp_path: Path, networks: Sequence[dict[str, str]], reason: str, told: int
):
    """Where it shows only at the kernel it is let in for a moment, out again, and refused at its next try."""
    async with serving(tmp_path, "bridge", "nftables", vlan="42", networks=networks) as (access, ports):
        network = tls_network("cart-7", certificates / "cart-7", Trust(certificates / "ca.pem", SERVER_NAME))
        with line.ears() as ears:
            terminal = Supplicant(tmp_path / "wpa", network, "eth0", line.terminal.prefix)
            try:
                await until_holds(
                    lambda: (
                        [(each.standing, each.why) for each in ports.statuses()[0].terminals]
                        == [(Standing.REFUSED, reason)]
                    )
                )
                assert failures(ears) == told
                line.announce()
                assert access.sessions() == []
                assert access.gate.decide_now(CALL).reason is Reason.NO_SESSION
                assert not await line.passes()
            finally:
                terminal.stop()


async def test_a_restart_closes_the_port_and_knows_who_is_back(line: WardPorts, certificates: Path, tmp_path: Path):
    network = tls_network("cart-7", certificates / "cart-7", Trust(certificates / "ca.pem", SERVER_NAME))
    terminal = Supplicant(tmp_path / "wpa", network, "eth0", line.terminal.prefix)
    try:
        async with serving(tmp_path, "bridge", "nftables") as (access, _):
            await until_holds(access.sessions)
            line.announce()
            await line.until_passes(True)
        assert not await line.passes()
        async with serving(tmp_path, "bridge", "nftables") as (access, _):
            await line.until_passes(True, within_s=5)  # with no word about its address
            assert access.gate.decide_now(CALL).reason is Reason.SESSION
    finally:
        terminal.stop()


async def test_a_device_that_speaks_no_eap_is_seen_by_what_it_sends(
    line: WardPorts, certificates: Path, tmp_path: Path
):
    async with serving(tmp_path, "bridge") as (_, ports):
        await until_holds(lambda: ports.statuses()[0].is_up)
        line.announce()
        await until_holds(lambda: ports.statuses()[0].terminals)
        (seen,) = ports.statuses()[0].terminals
        assert (seen.mac, seen.standing) == (WHO, Standing.ASKED)
        assert not await line.passes()
    assert not await asyncio.wait_for(line.passes(), 5)
