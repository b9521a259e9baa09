"""A record of accounting, and how it is kept in a line of text."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from auth8021x.errors import MalformedPacketError
from auth8021x.wire.attribute import MAX_VALUE_BYTES, Attribute
from auth8021x.wire.dictionary import AcctStatusType

MAX_LINE_BYTES: Final = 16_384
_CRC_DIGITS: Final = 8
_REMOVED: Final = "-"


@dataclass(frozen=True, slots=True)
class Record:
    """What is told about a session at one moment, without Acct-Delay-Time."""

    number: int
    """Greater than that of every record made before."""
    session: str
    """Acct-Session-Id; "" is about the whole machine (Accounting-On, Accounting-Off)."""
    status: AcctStatusType
    attributes: tuple[Attribute, ...]
    made_at: float
    """UTC seconds."""


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: Annotated[int, msgspec.Meta(ge=1, lt=1 << 62)]
    session: Annotated[str, msgspec.Meta(max_length=MAX_VALUE_BYTES)]
    status: AcctStatusType
    attributes: list[tuple[Annotated[int, msgspec.Meta(ge=0, le=255)], bytes]]
    made_at: float


def line(record: Record) -> bytes:
    """The line that keeps a record, with its checksum."""
    attributes = [(each.type, each.value) for each in record.attributes]
    return _sealed(msgspec.json.encode(_Line(record.number, record.session, record.status, attributes, record.made_at)))


def removal(number: int) -> bytes:
    """The line that says that a record has been delivered."""
    return _sealed(f"{_REMOVED}{number}".encode())


def parse(text: bytes) -> Record | int:
    """What a line keeps: a record, or the number of one that is no more. Raises MalformedPacketError."""
    body = text[_CRC_DIGITS + 1 :]
    if text[: _CRC_DIGITS + 1] != b"%08x " % zlib.crc32(body):
        raise MalformedPacketError("accounting: a line is damaged")
    try:
        if body.startswith(_REMOVED.encode()):
            return int(body[1:])
        read = msgspec.json.decode(body, type=_Line)
    except (ValueError, msgspec.DecodeError):
        raise MalformedPacketError("accounting: a line is of no use") from None
    attributes = tuple(Attribute(kind, value) for kind, value in read.attributes)
    if any(len(each.value) > MAX_VALUE_BYTES for each in attributes):
        raise MalformedPacketError("accounting: an attribute is too long")
    return Record(read.number, read.session, read.status, attributes, read.made_at)


def _sealed(body: bytes) -> bytes:
    return b"%08x " % zlib.crc32(body) + body + b"\n"
