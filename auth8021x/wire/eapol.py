"""EAPOL frames on Ethernet (IEEE 802.1X-2004 clause 7, 802.1X-2010 clause 11)."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

import msgspec

from auth8021x.errors import MalformedPacketError

ETHERTYPE: Final = 0x888E
"""Port Access Entity EtherType (7.5.1)."""
PAE_GROUP_ADDRESS: Final = bytes.fromhex("0180c2000003")
"""Destination of frames to whoever authenticates on the port (7.8); bridges do not pass it on."""
VERSION: Final = 2
"""802.1X-2004. Receivers take any version and read what they know (7.5.5)."""
MAX_BODY_BYTES: Final = 1500
"""No Ethernet frame carries more; the field allows 65,535."""

_HEADER = struct.Struct("!BBH")
_HEADER_BYTES: Final = _HEADER.size
_ETHERNET = struct.Struct("!6s6sH")
_ETHERNET_BYTES: Final = _ETHERNET.size
_TAG = struct.Struct("!HH")
_NOBODY: Final = bytes(6)
_PRIORITY_TAG: Final = 0x8100
"""A frame may be priority tagged, never VLAN tagged (7.4)."""
_VLAN_MASK: Final = 0x0FFF


class Type(IntEnum):
    """Packet types (802.1X-2010 table 11-3)."""

    EAP = 0
    START = 1
    LOGOFF = 2
    KEY = 3
    ASF_ALERT = 4
    MKA = 5
    ANNOUNCEMENT_GENERIC = 6
    ANNOUNCEMENT_SPECIFIC = 7
    ANNOUNCEMENT_REQUEST = 8


class Eapol(msgspec.Struct, frozen=True, gc=False):
    """One EAPOL packet. The body may hold what proves an identity, so it is in no repr."""

    type: int
    body: bytes = b""
    version: int = VERSION

    def __repr__(self) -> str:
        return f"Eapol(type={self.type}, {len(self.body)} octets, version={self.version})"

    def serialize(self) -> bytes:
        """The packet, what follows the EtherType. Raises ValueError when the body is too long."""
        if len(self.body) > MAX_BODY_BYTES:
            raise ValueError(f"an EAPOL body has at most {MAX_BODY_BYTES} octets")
        return _HEADER.pack(self.version, self.type, len(self.body)) + self.body


class Frame(msgspec.Struct, frozen=True, gc=False):
    """An EAPOL packet with the addresses (6 octets each) of its Ethernet frame."""

    destination: bytes
    source: bytes
    packet: Eapol

    def serialize(self) -> bytes:
        """The Ethernet frame; padding to 60 octets is the interface's business."""
        return _ETHERNET.pack(self.destination, self.source, ETHERTYPE) + self.packet.serialize()


def parse(data: bytes) -> Eapol:
    """An EAPOL packet; what follows its body is padding (7.5.6). Raises MalformedPacketError."""
    if len(data) < _HEADER_BYTES:
        raise MalformedPacketError("EAPOL: no header")
    version, kind, size = _HEADER.unpack_from(data)
    body = data[_HEADER_BYTES : _HEADER_BYTES + size]
    if len(body) != size or size > MAX_BODY_BYTES:
        raise MalformedPacketError("EAPOL: the body is cut off")
    return Eapol(kind, body, version)


def parse_frame(data: bytes) -> Frame:
    """An Ethernet frame of EAPOL, with or without a priority tag. Raises MalformedPacketError."""
    if len(data) < _ETHERNET_BYTES:
        raise MalformedPacketError("Ethernet: no header")
    destination, source, ethertype = _ETHERNET.unpack_from(data)
    start = _ETHERNET_BYTES
    if ethertype == _PRIORITY_TAG and len(data) >= start + _TAG.size:
        tag, following = _TAG.unpack_from(data, start)
        if not tag & _VLAN_MASK:
            ethertype = following
            start += _TAG.size
    if ethertype != ETHERTYPE:
        raise MalformedPacketError("Ethernet: no EAPOL")
    if source[0] & 1 or source == _NOBODY:
        raise MalformedPacketError("Ethernet: sent by a group address or by none")
    return Frame(destination, source, parse(data[start:]))
