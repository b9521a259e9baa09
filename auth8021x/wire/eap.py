"""EAP packets (RFC 3748 section 4)."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

import msgspec

from auth8021x.errors import MalformedPacketError

HEADER_BYTES: Final = 4
MAX_PACKET_BYTES: Final = 4000
"""What a RADIUS packet of 4096 octets can carry at the most, and more than an Ethernet frame does."""

_HEADER = struct.Struct("!BBH")
_TYPED_HEADER = struct.Struct("!BBHB")
_TYPED_BYTES: Final = _TYPED_HEADER.size


class Code(IntEnum):
    """RFC 3748 4."""

    REQUEST = 1
    RESPONSE = 2
    SUCCESS = 3
    FAILURE = 4


class Method(IntEnum):
    """Types of requests and responses (RFC 3748 5, IANA's registry of EAP)."""

    IDENTITY = 1
    NOTIFICATION = 2
    NAK = 3
    MD5_CHALLENGE = 4
    OTP = 5
    GTC = 6
    TLS = 13
    TTLS = 21
    PEAP = 25
    MSCHAPV2 = 26
    TLV = 33
    FAST = 43
    TEAP = 55
    EXPANDED = 254
    EXPERIMENTAL = 255


TYPED: Final = frozenset({Code.REQUEST, Code.RESPONSE})
"""Codes whose packets have a type."""


class Eap(msgspec.Struct, frozen=True, gc=False):
    """One packet; `type` is 0 in those that have none. The data may prove an identity, so it is in no repr."""

    code: int
    identifier: int
    type: int = 0
    data: bytes = b""

    def __repr__(self) -> str:
        return f"Eap(code={self.code}, identifier={self.identifier}, type={self.type}, {len(self.data)} octets)"

    @property
    def size(self) -> int:
        """On the wire."""
        return _TYPED_BYTES + len(self.data) if self.code in TYPED else HEADER_BYTES

    def serialize(self) -> bytes:
        """The wire form. Raises ValueError when it is longer than MAX_PACKET_BYTES."""
        if self.code not in TYPED:
            return _HEADER.pack(self.code, self.identifier, HEADER_BYTES)
        size = _TYPED_BYTES + len(self.data)
        if size > MAX_PACKET_BYTES:
            raise ValueError(f"an EAP packet has at most {MAX_PACKET_BYTES} octets")
        return _TYPED_HEADER.pack(self.code, self.identifier, size, self.type) + self.data


def parse(data: bytes) -> Eap:
    """One packet; octets behind its length are padding (4.1). Raises MalformedPacketError."""
    if len(data) < HEADER_BYTES:
        raise MalformedPacketError("EAP: no header")
    code, identifier, size = _HEADER.unpack_from(data)
    if size > len(data) or size > MAX_PACKET_BYTES:
        raise MalformedPacketError("EAP: cut off")
    if code in TYPED:
        if size <= HEADER_BYTES:
            raise MalformedPacketError("EAP: no type")
        return Eap(code, identifier, data[HEADER_BYTES], data[_TYPED_BYTES:size])
    if code not in (Code.SUCCESS, Code.FAILURE):
        raise MalformedPacketError("EAP: unknown code")
    if size != HEADER_BYTES:
        raise MalformedPacketError("EAP: Success and Failure hold nothing")  # 4.2
    return Eap(code, identifier)


def request_identity(identifier: int) -> Eap:
    """The question that begins an authentication (5.1)."""
    return Eap(Code.REQUEST, identifier, Method.IDENTITY)


def success(identifier: int) -> Eap:
    """The end of a good one (4.2); `identifier` is that of the response that it answers."""
    return Eap(Code.SUCCESS, identifier)


def failure(identifier: int) -> Eap:
    """The end of a bad one (4.2)."""
    return Eap(Code.FAILURE, identifier)
