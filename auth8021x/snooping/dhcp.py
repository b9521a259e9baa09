"""DHCP messages (RFC 2131 2, RFC 2132 3) in IPv4 packets: which address a server gives to whom."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from auth8021x.errors import MalformedPacketError

SERVER_PORT: Final = 67
CLIENT_PORT: Final = 68
_UDP: Final = 17
_IP_HEADER_BYTES: Final = 20
_UDP_HEADER_BYTES: Final = 8
_FRAGMENT: Final = 0x3FFF
"""More fragments, or an offset."""
_BOOTP: Final = struct.Struct("!BBBB12x4s8x16s192x4s")
"""op, htype, hlen, hops; yiaddr; chaddr; magic cookie."""
_BOOT_REPLY: Final = 2
_ETHERNET: Final = 1
_COOKIE: Final = bytes((99, 130, 83, 99))
_PAD, _END, _MESSAGE_TYPE = 0, 255, 53


class MessageType(IntEnum):
    """RFC 2132 9.6, those that matter here."""

    ACK = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's message to a client."""

    type: int
    mac: bytes
    address: str
    """0.0.0.0 gives none."""


def parse(packet: bytes) -> Reply | None:
    """An IPv4 packet: the reply of a server, None for everything else. Raises MalformedPacketError."""
    message = _udp_payload(packet)
    if message is None:
        return None
    if len(message) < _BOOTP.size:
        raise MalformedPacketError("DHCP: too short")
    operation, hardware, size, _, address, mac, cookie = _BOOTP.unpack_from(message)
    if (operation, hardware, size, cookie) != (_BOOT_REPLY, _ETHERNET, 6, _COOKIE):
        return None
    return Reply(_message_type(message[_BOOTP.size :]), mac[:6], str(ipaddress.IPv4Address(address)))


def _udp_payload(packet: bytes) -> bytes | None:
    """What a DHCP server sends to a client: to be believed, it has to be whole."""
    if len(packet) < _IP_HEADER_BYTES:
        raise MalformedPacketError("IPv4: too short")
    header = (packet[0] & 0x0F) * 4
    size = int.from_bytes(packet[2:4], "big")
    if packet[0] >> 4 != 4 or header < _IP_HEADER_BYTES or not header <= size <= len(packet):
        raise MalformedPacketError("IPv4: wrong header")
    if packet[9] != _UDP or int.from_bytes(packet[6:8], "big") & _FRAGMENT:
        return None
    datagram = packet[header:size]
    if len(datagram) < _UDP_HEADER_BYTES:
        raise MalformedPacketError("UDP: too short")
    ports = int.from_bytes(datagram[:2], "big"), int.from_bytes(datagram[2:4], "big")
    length = int.from_bytes(datagram[4:6], "big")
    if ports != (SERVER_PORT, CLIENT_PORT):
        return None
    if not _UDP_HEADER_BYTES <= length <= len(datagram):
        raise MalformedPacketError("UDP: wrong length")
    return datagram[_UDP_HEADER_BYTES:length]


def _message_type(options: bytes) -> int:
    """Option 53; 0 where it is missing (BOOTP)."""
    position = 0
    while position < len(options) and options[position] != _END:
        if options[position] == _PAD:
            position += 1
            continue
        size = options[position + 1] if position + 1 < len(options) else -1
        value = options[position + 2 : position + 2 + size] if size >= 0 else b""
        if size < 0 or len(value) != size:
            raise MalformedPacketError("DHCP: an option is cut off")
        if options[position] == _MESSAGE_TYPE and size == 1:
            return value[0]
        position += 2 + size
    return 0
