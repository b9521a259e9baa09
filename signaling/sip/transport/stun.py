"""The little of STUN that keeps a SIP flow over UDP alive: the Binding method (RFC 5626 3.5.2, RFC 8489)."""

from __future__ import annotations

import ipaddress
import struct

_COOKIE = b"\x21\x12\xa4\x42"
_REQUEST, _SUCCESS = 0x0001, 0x0101
_HEADER_BYTES = 20
_XOR_MAPPED_ADDRESS = 0x0020
_OPTIONAL = 0x8000
"""Attributes from here on may be ignored by those who do not know them (RFC 8489 14)."""
_MAX_BYTES = 548


def is_stun(data: bytes) -> bool:
    """Whether a datagram on a SIP port is STUN; a SIP message begins with a letter (RFC 5626 8)."""
    return len(data) >= _HEADER_BYTES and data[0] < 4 and data[4:8] == _COOKIE


def binding_request(transaction_id: bytes) -> bytes:
    """A request without attributes; `transaction_id` has 12 random bytes."""
    return struct.pack("!HH4s12s", _REQUEST, 0, _COOKIE, transaction_id)


def binding_answer(data: bytes, source: tuple[str, int]) -> bytes | None:
    """What a request that came from `source` is answered; None for everything else."""
    if len(data) > _MAX_BYTES or _kind(data) != _REQUEST or not _is_understood(data):
        return None
    address = ipaddress.ip_address(source[0].partition("%")[0])
    mask = int.from_bytes(_COOKIE + data[8:20], "big") >> (96 if address.version == 4 else 0)
    width = 4 if address.version == 4 else 16
    family = 1 if address.version == 4 else 2
    value = struct.pack("!BBH", 0, family, source[1] ^ 0x2112) + (int(address) ^ mask).to_bytes(width, "big")
    attribute = struct.pack("!HH", _XOR_MAPPED_ADDRESS, len(value)) + value
    return struct.pack("!HH4s12s", _SUCCESS, len(attribute), _COOKIE, data[8:20]) + attribute


def answered_transaction(data: bytes) -> bytes | None:
    """The transaction id of a success response, else None."""
    return data[8:20] if _kind(data) == _SUCCESS else None


def _kind(data: bytes) -> int:
    """The message type, -1 where the length is wrong."""
    kind, length = struct.unpack_from("!HH", data)
    return kind if len(data) == _HEADER_BYTES + length and length % 4 == 0 else -1


def _is_understood(data: bytes) -> bool:
    """Whether no attribute demands what we do not know; credentials do, and here nobody has any."""
    at = _HEADER_BYTES
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("!HH", data, at)
        if kind < _OPTIONAL:
            return False
        at += 4 + (length + 3) // 4 * 4
    return at == len(data)
