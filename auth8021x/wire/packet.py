"""RADIUS packets (RFC 2865 3): the header, and the attributes behind it."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import attribute
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code

HEADER_BYTES: Final = 20
MAX_PACKET_BYTES: Final = 4096
AUTHENTICATOR_BYTES: Final = 16
NO_AUTHENTICATOR: Final = bytes(AUTHENTICATOR_BYTES)

_HEADER = struct.Struct("!BBH16s")
_NAMES: Final = {code.value: code.name for code in Code}


class Packet(msgspec.Struct, frozen=True, gc=False):
    """One packet. `authenticator` is as on the wire; with the packet it could be used to guess the secret offline."""

    code: int
    identifier: int
    authenticator: bytes = NO_AUTHENTICATOR
    attributes: tuple[Attribute, ...] = ()

    def __repr__(self) -> str:
        return f"Packet({_NAMES.get(self.code, self.code)}, identifier={self.identifier}, {list(self.attributes)})"

    def serialize(self) -> bytes:
        """The wire form. Raises ValueError when it is too long."""
        return assemble(self.code, self.identifier, self.authenticator, attribute.serialize(self.attributes))


def assemble(code: int, identifier: int, authenticator: bytes, attributes: bytes) -> bytes:
    """A packet of attributes that are on the wire already. Raises ValueError when it is too long."""
    size = HEADER_BYTES + len(attributes)
    if size > MAX_PACKET_BYTES:
        raise ValueError(f"a RADIUS packet has at most {MAX_PACKET_BYTES} octets")
    return _HEADER.pack(code, identifier, size, authenticator) + attributes


def parse(data: bytes) -> Packet:
    """One packet; octets behind its length are padding (RFC 2865 3). Raises MalformedPacketError."""
    if len(data) < HEADER_BYTES:
        raise MalformedPacketError("RADIUS: no header")
    code, identifier, size, authenticator = _HEADER.unpack_from(data)
    if size < HEADER_BYTES or size > len(data) or size > MAX_PACKET_BYTES:
        raise MalformedPacketError("RADIUS: wrong length")
    return Packet(code, identifier, authenticator, attribute.parse(data[HEADER_BYTES:size]))


class Splitter:
    """Cuts packets out of a stream (RFC 6613 2.6.4); a length that cannot be ends it, since nothing behind is sure."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.is_broken = False

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that are complete now, unparsed."""
        found: list[bytes] = []
        if self.is_broken:
            return found
        self._buffer += data
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[2:4], "big")
            if not HEADER_BYTES <= size <= MAX_PACKET_BYTES:
                self.is_broken = True
                self._buffer.clear()
                break
            if len(self._buffer) < size:
                break
            found.append(bytes(self._buffer[:size]))
            del self._buffer[:size]
        return found
