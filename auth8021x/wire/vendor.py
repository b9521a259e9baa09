"""Vendor-Specific attributes (RFC 2865 5.26) of the vendors that we know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from auth8021x.errors import MalformedPacketError
from auth8021x.wire.attribute import MAX_VALUE_BYTES, Attribute
from auth8021x.wire.dictionary import Type, Vendor

_ID_BYTES: Final = 4
_HEADER_BYTES: Final = 2


def make(vendor: Vendor, kind: int, value: bytes) -> Attribute:
    """One attribute with one vendor attribute in it. Raises ValueError when it does not fit."""
    size = _HEADER_BYTES + len(value)
    if _ID_BYTES + size > MAX_VALUE_BYTES:
        raise ValueError("a vendor attribute has at most 247 octets")
    return Attribute(Type.VENDOR_SPECIFIC, vendor.to_bytes(_ID_BYTES, "big") + bytes((kind, size)) + value)


def every(attributes: Iterable[Attribute], vendor: Vendor, kind: int) -> list[bytes]:
    """The values of a vendor's attribute, in their order. Raises MalformedPacketError.

    Only for vendors that fill the attribute as RFC 2865 proposes; those of others are passed over unread.
    """
    head = vendor.to_bytes(_ID_BYTES, "big")
    return [
        value
        for each in attributes
        if each.type == Type.VENDOR_SPECIFIC and each.value.startswith(head)
        for found, value in _parse(each.value[_ID_BYTES:])
        if found == kind
    ]


def _parse(data: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    position = 0
    while position < len(data):
        size = data[position + 1] if position + 1 < len(data) else 0
        if size < _HEADER_BYTES or position + size > len(data):
            raise MalformedPacketError("RADIUS: a vendor attribute has a wrong length")
        found.append((data[position], data[position + _HEADER_BYTES : position + size]))
        position += size
    return found
