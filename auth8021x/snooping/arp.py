"""ARP for IPv4 over Ethernet (RFC 826): who says to have which address."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import Final

from auth8021x.errors import MalformedPacketError

_PACKET: Final = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET: Final = 1
_IPV4: Final = 0x0800
_OPERATIONS: Final = (1, 2)
"""Request and reply: both name their sender."""


@dataclass(frozen=True, slots=True)
class Arp:
    """The sender of an ARP packet; 0.0.0.0 asks whether an address is free (RFC 5227 2.1.1)."""

    mac: bytes
    address: str


def parse(payload: bytes) -> Arp:
    """What is behind the Ethernet header; padding may follow. Raises MalformedPacketError."""
    if len(payload) < _PACKET.size:
        raise MalformedPacketError("ARP: too short")
    hardware, protocol, mac_bytes, address_bytes, operation, mac, address, _, _ = _PACKET.unpack_from(payload)
    if (hardware, protocol, mac_bytes, address_bytes) != (_ETHERNET, _IPV4, 6, 4) or operation not in _OPERATIONS:
        raise MalformedPacketError("ARP: not of IPv4 over Ethernet")
    return Arp(mac, str(ipaddress.IPv4Address(address)))
