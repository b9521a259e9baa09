"""Frames of ARP and DHCP: what is read of them, what is believed, and thousands that are damaged."""

import ipaddress
import random
import struct

import pytest

from auth8021x.directory.session import Source
from auth8021x.errors import MalformedPacketError
from auth8021x.snooping.sighting import Sighting, sighting
from tests.auth8021x.directory.reports import VT1, VT2, directory, told
from tests.fuzz.mutator import mutate

BROADCAST = b"\xff" * 6
SERVER = bytes.fromhex("02005e0053fe")


def arp(
    address: str = "10.1.2.3", *, mac: bytes = VT1, source: bytes = VT1, operation: int = 1, tag: bytes = b""
) -> bytes:
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + mac + ipaddress.ip_address(address).packed + bytes(10)
    return BROADCAST + source + tag + b"\x08\x06" + body + bytes(18)


def dhcp(
    kind: int = 5, address: str = "10.1.2.3", *, ports: tuple[int, int] = (67, 68), op: int = 2, options: bytes = b"",
    fragment: int = 0, ip_options: bytes = b"",
) -> bytes:  # fmt: skip
    """RFC 2131, figure 1, as ISC's server sends it."""
    yiaddr = ipaddress.ip_address(address).packed
    bootp = struct.pack("!BBBBIHH4x4s8x16s192x", op, 1, 6, 0, 0x1234, 0, 0, yiaddr, VT1) + b"\x63\x82\x53\x63"
    bootp += options + bytes((53, 1, kind, 54, 4, 10, 1, 0, 1, 51, 4, 0, 0, 14, 16, 255)) + bytes(20)
    udp = struct.pack("!HHHH", *ports, 8 + len(bootp), 0) + bootp
    words = 5 + len(ip_options) // 4
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x40 | words, 0, words * 4 + len(udp), 1, fragment, 64, 17, 0, bytes(4), b"\xff" * 4
    )
    return VT1 + SERVER + b"\x08\x00" + header + ip_options + udp


@pytest.mark.parametrize(
    ("data", "is_outgoing", "found"),
    [
        (arp(), False, Sighting(VT1, "10.1.2.3", Source.ARP)),
        (arp(operation=2), False, Sighting(VT1, "10.1.2.3", Source.ARP)),
        (arp(tag=b"\x81\x00\x00\x2a"), False, Sighting(VT1, "10.1.2.3", Source.ARP)),
        (arp("0.0.0.0"), False, None),  # RFC 5227: a probe
        (arp("255.255.255.255"), False, None),
        (arp(), True, None),
        (dhcp(), True, Sighting(VT1, "10.1.2.3", Source.DHCP, SERVER)),
        (dhcp(options=bytes(3) + b"\x0c\x04ward"), True, Sighting(VT1, "10.1.2.3", Source.DHCP, SERVER)),
        (dhcp(ip_options=bytes(8)), True, Sighting(VT1, "10.1.2.3", Source.DHCP, SERVER)),
        (dhcp(), False, None),  # a terminal plays the server
        (dhcp(2), True, None),  # an offer is no lease
        (dhcp(6), True, None),
        (dhcp(address="0.0.0.0"), True, None),  # the answer to INFORM
        (dhcp(op=1), True, None),
        (dhcp(ports=(68, 67)), True, None),
        (dhcp(fragment=0x2000), True, None),
        (dhcp(fragment=5), True, None),
        (VT1 + SERVER + b"\x86\xdd" + bytes(60), True, None),
        (VT1 + SERVER + b"\x88\x8e" + bytes(60), False, None),
    ],
)  # fmt: skip
def test_what_is_believed(data: bytes, is_outgoing: bool, found: Sighting | None):
    assert sighting(data, is_outgoing=is_outgoing) == found


@pytest.mark.parametrize(
    ("data", "is_outgoing"),
    [
        (b"", False),
        (arp()[:13], False),
        (arp(mac=VT2), False),  # in the name of another
        (arp(operation=3), False),
        (arp(mac=b"\x03" + bytes(5), source=b"\x03" + bytes(5)), False),
        (BROADCAST + VT1 + b"\x81\x00\x00", False),
        (dhcp(options=b"\x0c\xff"), True),
        (dhcp()[:40], True),
        (dhcp()[:14] + b"\x44" + dhcp()[15:], True),
        (dhcp()[:14] + b"\x65" + dhcp()[15:], True),
    ],
)
def test_what_is_damaged(data: bytes, is_outgoing: bool):
    with pytest.raises(MalformedPacketError):
        sighting(data, is_outgoing=is_outgoing)


@pytest.mark.parametrize(("whole", "is_outgoing"), [(arp()[:42], False), (dhcp(), True)])
def test_cut_at_every_length(whole: bytes, is_outgoing: bool):
    assert sighting(whole, is_outgoing=is_outgoing) is not None
    for length in range(len(whole)):
        with pytest.raises(MalformedPacketError):
            sighting(whole[:length], is_outgoing=is_outgoing)


def test_a_terminal_that_lies_about_its_address_stays_who_it_is():
    core = directory()
    core.report(told(), 0)
    core.report(told(mac=VT2, session_id="s2", identity="vt2"), 0)
    for data in (arp(), arp(mac=VT2, source=VT2)):
        found = sighting(data, is_outgoing=False)
        assert found is not None
        core.sighted("north", found.mac, found.address, found.source, 1)
    session = core.find("north", "10.1.2.3")
    assert session is not None
    assert session.identity == "vt2"


@pytest.mark.exhaustive
def test_20_000_changed_frames():
    chance, core = random.Random(7), directory()
    core.report(told(), 0)
    refused = 0
    for number in range(20_000):
        is_outgoing = bool(number % 2)
        try:
            found = sighting(mutate(chance, [dhcp() if is_outgoing else arp()], 2000), is_outgoing=is_outgoing)
        except MalformedPacketError:
            refused += 1
            continue
        if found is not None:
            core.sighted("north", found.mac, found.address, found.source, number)
    assert 0 < refused < 20_000
    assert len(core.sessions()[0].addresses) == core.gauges()["addresses"] <= 8
