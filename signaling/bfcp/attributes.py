"""Attributes of BFCP messages (RFC 8855 5.2): type, value, and the attributes within grouped ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

MAX_ATTRIBUTES = 64
"""In one message, those inside of others included."""
_MAX_DEPTH = 3
_HEADER_BYTES = 2
_MAX_BYTES = 255


class Type(IntEnum):
    """Attribute types (RFC 8855 table 2)."""

    BENEFICIARY_ID = 1
    FLOOR_ID = 2
    FLOOR_REQUEST_ID = 3
    PRIORITY = 4
    REQUEST_STATUS = 5
    ERROR_CODE = 6
    ERROR_INFO = 7
    PARTICIPANT_PROVIDED_INFO = 8
    STATUS_INFO = 9
    SUPPORTED_ATTRIBUTES = 10
    SUPPORTED_PRIMITIVES = 11
    USER_DISPLAY_NAME = 12
    USER_URI = 13
    BENEFICIARY_INFORMATION = 14
    FLOOR_REQUEST_INFORMATION = 15
    REQUESTED_BY_INFORMATION = 16
    FLOOR_REQUEST_STATUS = 17
    OVERALL_REQUEST_STATUS = 18


class RequestStatus(IntEnum):
    """What became of a floor request (RFC 8855 table 4)."""

    PENDING = 1
    ACCEPTED = 2
    GRANTED = 3
    DENIED = 4
    CANCELLED = 5
    RELEASED = 6
    REVOKED = 7

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self >= RequestStatus.DENIED


NUMBERS = frozenset({Type.BENEFICIARY_ID, Type.FLOOR_ID, Type.FLOOR_REQUEST_ID})
GROUPS = frozenset({
    Type.BENEFICIARY_INFORMATION, Type.FLOOR_REQUEST_INFORMATION, Type.REQUESTED_BY_INFORMATION,
    Type.FLOOR_REQUEST_STATUS, Type.OVERALL_REQUEST_STATUS,
})  # fmt: skip
_SIZES: dict[int, int] = dict.fromkeys(NUMBERS | {Type.PRIORITY, Type.REQUEST_STATUS}, 2)


class BadAttributeError(ValueError):
    """The bytes are no attributes (RFC 8855 13.1.2)."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. `content` is the value; of a grouped one its two octets, with what it holds in `children`."""

    type: int
    content: bytes = b""
    children: tuple[Attribute, ...] = ()
    is_mandatory: bool = False

    @property
    def number(self) -> int:
        """The identifier that numbered and grouped attributes begin with."""
        return int.from_bytes(self.content[:2], "big")

    @property
    def text(self) -> str:
        """The value of an attribute that holds UTF-8."""
        return self.content.decode("utf-8", "replace")

    def serialize(self) -> bytes:
        """The wire form, padded to 32 bits. Raises ValueError when it does not fit into 255 octets."""
        body = self.content + b"".join(child.serialize() for child in self.children)
        size = _HEADER_BYTES + len(body)
        if size > _MAX_BYTES:
            raise ValueError("an attribute has at most 255 octets")
        head = bytes((self.type << 1 | self.is_mandatory, size))
        return head + body + bytes(-size % 4)


def number(kind: Type, value: int) -> Attribute:
    """An attribute of 16 bits."""
    return Attribute(kind, value.to_bytes(2, "big"))


def text(kind: Type, value: str, most: int = 64) -> Attribute:
    """An attribute of at most `most` octets of UTF-8, cut between characters."""
    return Attribute(kind, value.encode()[:most].decode("utf-8", "ignore").encode())


def group(kind: Type, identifier: int, children: Iterable[Attribute]) -> Attribute:
    """A grouped attribute."""
    return Attribute(kind, identifier.to_bytes(2, "big"), tuple(children))


def status(value: RequestStatus, queue_position: int = 0) -> Attribute:
    """REQUEST-STATUS."""
    return Attribute(Type.REQUEST_STATUS, bytes((value, queue_position)))


def find(attributes: Iterable[Attribute], kind: Type) -> Attribute | None:
    """The first attribute of a type."""
    return next((attribute for attribute in attributes if attribute.type == kind), None)


def parse(data: bytes) -> tuple[Attribute, ...]:
    """All attributes of a payload. Raises BadAttributeError."""
    found, _ = _parse(data, MAX_ATTRIBUTES, 0)
    return found


def _parse(data: bytes, left: int, depth: int) -> tuple[tuple[Attribute, ...], int]:
    """The attributes in `data`, and how many more there may be in the message."""
    found: list[Attribute] = []
    position = 0
    while position < len(data):
        if left == 0 or position + _HEADER_BYTES > len(data):
            raise BadAttributeError("too many, or cut off")
        kind, size = data[position] >> 1, data[position + 1]
        end = position + size
        if size < _HEADER_BYTES or end > len(data):
            raise BadAttributeError("length")
        left -= 1
        attribute, left = _one(kind, data[position] & 1 == 1, data[position + _HEADER_BYTES : end], left, depth)
        found.append(attribute)
        position = end + -size % 4  # padding behind the last one may be missing: some terminals leave it out
    return tuple(found), left


def _one(kind: int, is_mandatory: bool, body: bytes, left: int, depth: int) -> tuple[Attribute, int]:
    if kind in GROUPS:
        if len(body) < 2 or depth >= _MAX_DEPTH:
            raise BadAttributeError("group")
        children, left = _parse(body[2:], left, depth + 1)
        return Attribute(kind, body[:2], children, is_mandatory), left
    if len(body) != _SIZES.get(kind, len(body)) or (kind == Type.ERROR_CODE and not body):
        raise BadAttributeError("size")
    return Attribute(kind, body, (), is_mandatory), left
