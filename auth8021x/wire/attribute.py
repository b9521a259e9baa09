"""Attributes of RADIUS packets (RFC 2865 5): type, length, value."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

import msgspec

from auth8021x.errors import MalformedPacketError
from auth8021x.wire.dictionary import Type

MAX_VALUE_BYTES: Final = 253
MAX_BYTES: Final = 255
"""With its header."""
MAX_ATTRIBUTES: Final = 256
"""In one packet."""
_HEADER_BYTES: Final = 2
_NAMES: Final = {kind.value: kind.name for kind in Type}


class Attribute(msgspec.Struct, frozen=True, gc=False):
    """One attribute. Passwords, keys and challenges are attributes, too: no value is in a repr."""

    type: int
    value: bytes

    def __repr__(self) -> str:
        return f"Attribute({_NAMES.get(self.type, self.type)}, {len(self.value)} octets)"

    @property
    def size(self) -> int:
        """On the wire, header included."""
        return _HEADER_BYTES + len(self.value)

    def serialize(self) -> bytes:
        """The wire form. Raises ValueError when the value is too long."""
        return serialize((self,))


def number(kind: Type, value: int) -> Attribute:
    """An integer or a time: 32 bits (RFC 2865 5)."""
    return Attribute(kind, value.to_bytes(4, "big"))


def text(kind: Type, value: str) -> Attribute:
    """UTF-8, cut between characters where it does not fit."""
    return Attribute(kind, value.encode()[:MAX_VALUE_BYTES].decode("utf-8", "ignore").encode())


def nas_address(address: str) -> Attribute:
    """NAS-IP-Address or NAS-IPv6-Address. Raises ValueError when it is no address."""
    packed = ipaddress.ip_address(address.partition("%")[0]).packed
    return Attribute(Type.NAS_IP_ADDRESS if len(packed) == 4 else Type.NAS_IPV6_ADDRESS, packed)


def every(attributes: Iterable[Attribute], kind: int) -> list[bytes]:
    """The values of all attributes of a type, in their order."""
    return [attribute.value for attribute in attributes if attribute.type == kind]


def first(attributes: Iterable[Attribute], kind: int) -> bytes | None:
    """The value of the first attribute of a type."""
    for attribute in attributes:
        if attribute.type == kind:
            return attribute.value
    return None


def first_number(attributes: Iterable[Attribute], kind: int) -> int | None:
    """The same as an integer. Raises MalformedPacketError when it is not of 32 bits."""
    value = first(attributes, kind)
    if value is None:
        return None
    if len(value) != 4:
        raise MalformedPacketError(f"RADIUS: {_NAMES.get(kind, kind)} is no number")
    return int.from_bytes(value, "big")


def first_text(attributes: Iterable[Attribute], kind: int) -> str | None:
    """The same as text: see shown()."""
    value = first(attributes, kind)
    return None if value is None else shown(value)


def shown(value: bytes) -> str:
    """A text, for logs and pages: what is no UTF-8 is replaced, and so are control characters."""
    text = value.decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def serialize(attributes: Iterable[Attribute]) -> bytes:
    """All of them on the wire, in their order. Raises ValueError when a value is too long."""
    octets = bytearray()
    for each in attributes:
        value = each.value
        size = _HEADER_BYTES + len(value)
        if size > MAX_BYTES:
            raise ValueError(f"a RADIUS attribute has at most {MAX_VALUE_BYTES} octets")
        octets.append(each.type)
        octets.append(size)
        octets += value
    return bytes(octets)


def parse(data: bytes) -> tuple[Attribute, ...]:
    """All attributes of a packet. Raises MalformedPacketError."""
    found: list[Attribute] = []
    position, end = 0, len(data)
    while position < end:
        if position + _HEADER_BYTES > end:
            raise MalformedPacketError("RADIUS: an attribute is cut off")
        size = data[position + 1]
        following = position + size
        if size < _HEADER_BYTES or following > end:
            raise MalformedPacketError("RADIUS: an attribute has a wrong length")
        found.append(Attribute(data[position], data[position + _HEADER_BYTES : following]))
        position = following
        if len(found) > MAX_ATTRIBUTES:
            raise MalformedPacketError("RADIUS: too many attributes")
    return tuple(found)
