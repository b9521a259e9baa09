"""What a frame on one of our ports says about a terminal's address, and what of it is believed."""

from __future__ import annotations

from dataclasses import dataclass

from auth8021x.directory.session import Source
from auth8021x.errors import MalformedPacketError
from auth8021x.sites import address_of
from auth8021x.snooping import arp, dhcp, frame
from auth8021x.snooping.dhcp import MessageType


@dataclass(frozen=True, slots=True)
class Sighting:
    """A MAC has an address."""

    mac: bytes
    address: str
    source: Source
    server: bytes = b""
    """Who says so, where it is not the terminal itself: MAC of a DHCP server, or of the relay before it."""


def sighting(data: bytes, *, is_outgoing: bool) -> Sighting | None:
    """A frame that a terminal sent, or with `is_outgoing` one that goes to it. Raises MalformedPacketError.

    ARP counts from the terminal alone and under its own MAC; DHCP only on its way to the terminal, and only of a
    `server` that is no terminal of ours, which whoever has all ports has to see to.
    """
    read = frame.parse(data)
    if is_outgoing:
        return _given(read) if read.type == frame.IPV4 else None
    return _said(read) if read.type == frame.ARP else None


def _said(read: frame.Frame) -> Sighting | None:
    found = arp.parse(read.payload)
    if found.mac != read.source or found.mac[0] & 1:
        raise MalformedPacketError("ARP: in the name of another")
    return _of(found.mac, found.address, Source.ARP)


def _given(read: frame.Frame) -> Sighting | None:
    found = dhcp.parse(read.payload)
    if found is None or found.type != MessageType.ACK:
        return None
    return _of(found.mac, found.address, Source.DHCP, read.source)


def _of(mac: bytes, address: str, source: Source, server: bytes = b"") -> Sighting | None:
    known = address_of(address)
    return None if known is None else Sighting(mac, str(known), source, server)
