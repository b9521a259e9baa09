"""ARP of a real kernel and DHCP on a port of a bridge: what the socket sees, believes and keeps out."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from auth8021x.directory.session import Source
from auth8021x.ports.eapol_socket import mac_of
from auth8021x.snooping import address_socket
from auth8021x.snooping.address_socket import AddressSocket
from auth8021x.snooping.sighting import Sighting
from tests.auth8021x.directory.reports import VT1
from tests.auth8021x.snooping.test_sightings import SERVER, arp, dhcp

OURS, THEIRS, BRIDGE = "dtport", "dtterm", "dtbr"


@pytest.fixture
def line(needs):
    needs("ip")
    for command in (
        f"link add {OURS} type veth peer name {THEIRS}",
        f"link add {BRIDGE} type bridge",
        f"link set {OURS} master {BRIDGE}",
        f"addr add 10.1.2.3/24 dev {THEIRS}",
        *(f"link set {each} up" for each in (BRIDGE, OURS, THEIRS)),
    ):
        subprocess.run(["ip", *command.split()], check=True)
    yield
    for each in (OURS, BRIDGE):
        subprocess.run(["ip", "link", "del", each], check=True)


@dataclass
class Seen:
    counters: Counter[str] = field(default_factory=Counter)
    found: asyncio.Queue[Sighting] = field(default_factory=asyncio.Queue)

    async def next(self) -> Sighting:
        async with asyncio.timeout(5):
            return await self.found.get()


@pytest.fixture
async def seen(line: None) -> AsyncIterator[Seen]:
    made = Seen()
    listening = AddressSocket(OURS, made.found.put_nowait, made.counters)
    yield made
    listening.close()


def send(interface: str, *frames: bytes) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as made:
        made.bind((interface, 0))
        for frame in frames:
            made.send(frame)


async def test_the_arp_of_a_kernel(seen: Seen):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind(("10.1.2.3", 0))
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, THEIRS.encode())
        asking.sendto(b"anybody?", ("10.1.2.99", 9))
        assert await seen.next() == Sighting(mac_of(THEIRS), "10.1.2.3", Source.ARP)


async def test_a_lease_counts_only_on_its_way_to_the_terminal(seen: Seen):
    send(THEIRS, dhcp(address="10.1.2.66"))
    send(THEIRS, b"\xff" * 6 + VT1 + b"\x08\x00" + bytes(60), b"\xff" * 6 + VT1 + b"\x86\xdd" + bytes(60))
    send(OURS, dhcp(fragment=0x2000), dhcp(ports=(68, 67)), dhcp(ip_options=bytes(8), address="10.1.2.7"))
    assert await seen.next() == Sighting(VT1, "10.1.2.7", Source.DHCP, SERVER)
    assert seen.found.empty()
    assert not seen.counters


async def test_a_flood_is_counted_and_not_read(seen: Seen):
    for _ in range(8):
        send(THEIRS, *[arp()] * 50)
        await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        while seen.counters["snooping-rate"] < 100:
            await asyncio.sleep(0.01)
    assert address_socket.BURST <= seen.found.qsize() < 300
