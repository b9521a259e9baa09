"""Ethernet frames (IEEE 802.3), as far as ARP and DHCP need them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from auth8021x.errors import MalformedPacketError

ARP: Final = 0x0806
IPV4: Final = 0x0800
_VLAN_TAG: Final = 0x8100
_HEADER: Final = struct.Struct("!6s6sH")
_TAG_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, without its VLAN tag."""

    destination: bytes
    source: bytes
    type: int
    payload: bytes = field(repr=False)


def parse(data: bytes) -> Frame:
    """Raises MalformedPacketError."""
    if len(data) < _HEADER.size:
        raise MalformedPacketError("Ethernet: no header")
    destination, source, kind = _HEADER.unpack_from(data)
    start = _HEADER.size
    if kind == _VLAN_TAG:
        if len(data) < start + _TAG_BYTES:
            raise MalformedPacketError("Ethernet: a VLAN tag is cut off")
        kind = int.from_bytes(data[start + 2 : start + 4], "big")
        start += _TAG_BYTES
    return Frame(destination, source, kind, data[start:])
