"""Ports of a real bridge and real nftables: a UDP echo passes only while the terminal is in, whatever becomes of us."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from auth8021x.enforce.drivers import drivers
from auth8021x.enforce.enforcer import Enforcer
from auth8021x.errors import NoAnswerError
from auth8021x.pae.grant import Grant
from auth8021x.pae.nas import NasPort
from auth8021x.pae.port import Port
from auth8021x.ports.carrier_watch import CarrierWatch
from auth8021x.ports.eapol_socket import EapolSocket, mac_of
from auth8021x.ports.runner import PortRunner
from auth8021x.radius.chance import SystemChance
from auth8021x.radius.client import Done
from auth8021x.radius.request import Request
from auth8021x.snooping.address_socket import AddressSocket
from auth8021x.wire import eapol, mac_address
from auth8021x.wire.dictionary import TerminateCause
from auth8021x.wire.eapol import PAE_GROUP_ADDRESS, Eapol, Frame
from config.dot1x import PaeSettings
from config.dot1x_enforcement import Driver
from tests.auth8021x.snooping.test_sightings import arp, dhcp
from tests.interop.enforcing import MAC, PORT, TERMINAL, VLAN_BRIDGE, described
from tests.interop.waiting import until_holds
from tests.interop.ward_ports import BORROWED, WardPorts

ROOT = Path(__file__).parents[2]
WHO = mac_address.parse(MAC)
ONLY_BRIDGE: tuple[Driver, ...] = ("bridge",)
ONLY_NFTABLES: tuple[Driver, ...] = ("nftables",)
BOTH: tuple[Driver, ...] = ("bridge", "nftables")


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("ip", "bridge", "nft", "nsenter", "unshare")


@pytest.fixture
def ward() -> Iterator[WardPorts]:
    with closing(WardPorts()) as made:
        yield made


@pytest.fixture
def ward_42() -> Iterator[WardPorts]:
    """The hospital's network is VLAN 42, that of the port itself leads nowhere."""
    with closing(WardPorts(VLAN_BRIDGE)) as made:
        yield made


@asynccontextmanager
async def enforcing(*names: Driver, **others: object) -> AsyncIterator[Enforcer]:
    settings = described(*names, **others)
    made = Enforcer(settings, drivers(settings))
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def let_in(enforcer: Enforcer, vlan: str = "") -> None:
    enforcer.admit(PORT, WHO, Grant("vt1", vlan=vlan), "s1")
    enforcer.address(PORT, WHO, TERMINAL)


def throw_out(enforcer: Enforcer) -> None:
    enforcer.expel(PORT, WHO, "s1", TerminateCause.ADMIN_RESET)


@pytest.mark.parametrize("names", [ONLY_BRIDGE, ONLY_NFTABLES, BOTH])
async def test_only_who_is_in_passes(ward: WardPorts, names: tuple[Driver, ...]):
    await ward.until_passes(True, within_s=2)  # without us everything does
    async with enforcing(*names, timeout_s=1) as enforcer:
        assert not await ward.passes()
        let_in(enforcer)
        await ward.until_passes(True)
        await asyncio.sleep(1.5)  # longer than the timeout: it has been said again
        assert await ward.passes()
        throw_out(enforcer)
        await ward.until_passes(False)
        let_in(enforcer)
        await ward.until_passes(True)
    assert not await ward.passes(), "what stops closes"
    assert enforcer.counters == {}


async def test_a_bare_start_opens_nothing(ward: WardPorts):
    """The kernel's own default would learn the sender of any frame to a group address, and let it in."""
    async with enforcing("bridge"):
        ward.say(Frame(PAE_GROUP_ADDRESS, WHO, Eapol(eapol.Type.START)).serialize())
        assert not await ward.passes()
        assert not await ward.passes()


async def test_a_vlan_is_a_bridge_of_its_own(ward_42: WardPorts):
    async with enforcing("bridge") as enforcer:
        heard: list[bytes] = []
        socket = EapolSocket(PORT, heard.append, Counter())
        let_in(enforcer, "43")
        assert not await ward_42.passes(), "a VLAN that nobody knows"
        let_in(enforcer)
        await asyncio.sleep(0.2)
        assert not await ward_42.passes(), "another network"
        let_in(enforcer, "42")
        await ward_42.until_passes(True)
        ward_42.say(Frame(PAE_GROUP_ADDRESS, WHO, Eapol(eapol.Type.START)).serialize())
        await until_holds(lambda: heard)
        throw_out(enforcer)
        await ward_42.until_passes(False)
        socket.close()
    assert enforcer.counters == {}


async def test_a_terminal_sends_from_its_own_addresses_alone(ward: WardPorts):
    async with enforcing("nftables") as enforcer:
        listening = AddressSocket(PORT, lambda seen: enforcer.address(PORT, seen.mac, seen.address), Counter())
        enforcer.admit(PORT, WHO, Grant("vt1"), "s1")
        await asyncio.sleep(0.2)
        assert not await ward.passes(), "nobody knows its address yet"
        ward.say(arp(TERMINAL, mac=WHO, source=WHO))
        await ward.until_passes(True)
        assert not await ward.passes(BORROWED)
        listening.close()


@pytest.mark.parametrize("checks_addresses", [True, False])
async def test_a_terminal_is_no_dhcp_server(ward: WardPorts, checks_addresses: bool):
    async with enforcing("nftables", checks_addresses=checks_addresses) as enforcer:
        let_in(enforcer)
        await ward.until_passes(True)
        ward.say(dhcp()[:6] + WHO + dhcp()[12:])
        await until_holds(lambda: "udp sport 67 counter packets 1 " in rules())
        assert await ward.passes()


class NoServer:
    """Nobody answers."""

    def begin(self, request: Request, done: Done) -> None:
        done(NoAnswerError("no server"))


@pytest.mark.parametrize("names", [ONLY_BRIDGE, BOTH])
async def test_who_pulls_the_plug_is_out_and_stays_out(ward: WardPorts, names: tuple[Driver, ...]):
    """A guest, so that no server is needed: nothing lets it in again but another question."""
    settings = PaeSettings(guest="silent", guest_network="ward", request_timeout_s=0.1, max_requests=1, re_auth_max=1)
    async with enforcing(*names) as enforcer:
        core = Port(NasPort("ward", "", 1, PORT, mac_of(PORT)), settings, SystemChance())
        runner = PortRunner(core, NoServer(), enforcer)
        told: list[bool] = []

        def changed(_name: str, is_up: bool) -> None:
            told.append(is_up)
            runner.carrier(is_up)

        watch = CarrierWatch([PORT], changed)
        await until_holds(lambda: told == [True])
        runner.seen(WHO)
        enforcer.address(PORT, WHO, TERMINAL)
        await ward.until_passes(True, within_s=5)
        ward.plug(False)
        await until_holds(lambda: told == [True, False], 1)
        ward.plug(True)
        await until_holds(lambda: told == [True, False, True], 1)
        await ward.until_passes(False, within_s=1)
        for _ in range(5):
            assert not await ward.passes()
        runner.seen(WHO)
        enforcer.address(PORT, WHO, TERMINAL)
        await ward.until_passes(True, within_s=5)
        watch.close()
        runner.close()


TUN_SET_IFF, TUN_SET_CARRIER = 0x400454CA, 0x400454E2
TAP, NO_PI = 0x0002, 0x1000


async def test_a_plug_that_was_out_for_a_moment_is_noticed():
    """As most cards' (veth is another matter), the kernel then says no more than that the line is up."""
    told: list[bool] = []
    with Path("/dev/net/tun").open("r+b", buffering=0) as card:
        fcntl.ioctl(card, TUN_SET_IFF, struct.pack("16sH22x", b"entap", TAP | NO_PI))
        subprocess.run(["ip", "link", "set", "entap", "up"], check=True)
        with closing(CarrierWatch(["entap"], lambda _name, is_up: told.append(is_up))):
            await until_holds(lambda: told == [True])
            for is_in in (0, 1):
                fcntl.ioctl(card, TUN_SET_CARRIER, struct.pack("i", is_in))
            await until_holds(lambda: told == [True, False, True], 3)


@asynccontextmanager
async def another_process(*names: Driver) -> AsyncIterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "tests.interop.enforcing", *names], cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("names", [ONLY_NFTABLES, BOTH])
async def test_after_kill_everything_closes_by_itself(ward: WardPorts, names: tuple[Driver, ...]):
    async with another_process(*names) as process:
        await until_holds(lambda: MAC in rules())
        await ward.until_passes(True, within_s=5)
        process.kill()
        process.wait()
        await ward.until_passes(False, within_s=2)


async def test_what_a_killed_process_left_open_is_closed_by_the_next(ward: WardPorts):
    subprocess.run(["ip", "link", "set", PORT, "nomaster"], check=True)  # so that it passes only by its doing
    assert not await ward.passes()
    async with another_process("bridge") as process:
        await ward.until_passes(True, within_s=10)
        process.kill()
        process.wait()
    assert await ward.passes(), "entries of the kernel stay"
    async with enforcing("bridge"):
        assert not await ward.passes()


def rules() -> str:
    """The table as nft shows it, with who is in."""
    command = ["nft", "list", "table", "bridge", "drumtower"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
