"""BFCP messages (RFC 8855 5): the common header and the attributes behind it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from signaling.bfcp import attributes
from signaling.bfcp.attributes import Attribute, BadAttributeError, Type

HEADER_BYTES = 12
MAX_PAYLOAD_BYTES = 4096
"""Far more than any message of one floor; the field allows 262,140."""
RELIABLE, UNRELIABLE = 1, 2
"""Versions: 1 over TCP, 2 over UDP (RFC 8855 5.1)."""

_HEADER = struct.Struct("!BBHIHH")
_RESPONDER, _FRAGMENT = 0x10, 0x08


class Primitive(IntEnum):
    """What a message is about (RFC 8855 table 1)."""

    FLOOR_REQUEST = 1
    FLOOR_RELEASE = 2
    FLOOR_REQUEST_QUERY = 3
    FLOOR_REQUEST_STATUS = 4
    USER_QUERY = 5
    USER_STATUS = 6
    FLOOR_QUERY = 7
    FLOOR_STATUS = 8
    CHAIR_ACTION = 9
    CHAIR_ACTION_ACK = 10
    HELLO = 11
    HELLO_ACK = 12
    ERROR = 13
    FLOOR_REQUEST_STATUS_ACK = 14
    FLOOR_STATUS_ACK = 15
    GOODBYE = 16
    GOODBYE_ACK = 17


class ErrorCode(IntEnum):
    """Values of ERROR-CODE (RFC 8855 table 5)."""

    NO_SUCH_CONFERENCE = 1
    NO_SUCH_USER = 2
    UNKNOWN_PRIMITIVE = 3
    UNKNOWN_MANDATORY_ATTRIBUTE = 4
    UNAUTHORIZED = 5
    INVALID_FLOOR = 6
    NO_SUCH_REQUEST = 7
    TOO_MANY_REQUESTS = 8
    USE_TLS = 9
    UNABLE_TO_PARSE = 10
    USE_DTLS = 11
    UNSUPPORTED_VERSION = 12
    INCORRECT_LENGTH = 13
    GENERIC = 14


class BadMessageError(ValueError):
    """Bytes that are no usable message; `code` and `header` make the Error that answers it, where there is a header."""

    def __init__(self, code: ErrorCode, header: Header | None = None, info: str = "") -> None:
        super().__init__(info or code.name)
        self.code = code
        self.header = header
        self.info = info


@dataclass(frozen=True, slots=True)
class Header:
    """The common header without what follows from the rest (RFC 8855 5.1)."""

    version: int
    primitive: int
    conference_id: int
    transaction_id: int
    user_id: int
    is_response: bool = False
    is_fragment: bool = False
    payload_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message."""

    primitive: int
    conference_id: int
    transaction_id: int
    user_id: int
    attributes: tuple[Attribute, ...] = ()
    version: int = RELIABLE
    is_response: bool = False

    def find(self, kind: Type) -> Attribute | None:
        """The first attribute of a type."""
        return attributes.find(self.attributes, kind)

    @property
    def floor_ids(self) -> list[int]:
        """The floors that a request or a query names."""
        return [attribute.number for attribute in self.attributes if attribute.type == Type.FLOOR_ID]

    def serialize(self) -> bytes:
        """The wire form. The R bit exists in version 2 only (RFC 8855 5.1)."""
        payload = b"".join(attribute.serialize() for attribute in self.attributes)
        first = self.version << 5 | (_RESPONDER if self.is_response and self.version == UNRELIABLE else 0)
        return _HEADER.pack(
            first, self.primitive, len(payload) // 4, self.conference_id, self.transaction_id, self.user_id
        ) + payload  # fmt: skip


def parse_header(data: bytes) -> Header | None:
    """The header, None where there are too few bytes."""
    if len(data) < HEADER_BYTES:
        return None
    first, primitive, words, conference, transaction, user = _HEADER.unpack_from(data)
    return Header(
        first >> 5,
        primitive,
        conference,
        transaction,
        user,
        bool(first & _RESPONDER),
        bool(first & _FRAGMENT),
        4 * words,
    )


def parse(data: bytes, version: int) -> Message:
    """One message of the version that the transport asks for. Raises BadMessageError."""
    header = parse_header(data)
    if header is None:
        raise BadMessageError(ErrorCode.UNABLE_TO_PARSE)
    if header.version != version:
        raise BadMessageError(ErrorCode.UNSUPPORTED_VERSION, header)
    if header.is_fragment and version == UNRELIABLE:
        raise BadMessageError(ErrorCode.GENERIC, header, "fragments are not supported")
    if header.payload_bytes != len(data) - HEADER_BYTES or header.payload_bytes > MAX_PAYLOAD_BYTES:
        raise BadMessageError(ErrorCode.INCORRECT_LENGTH, header)
    try:
        found = attributes.parse(data[HEADER_BYTES:])
    except BadAttributeError as error:
        raise BadMessageError(ErrorCode.UNABLE_TO_PARSE, header, str(error)) from error
    return Message(
        header.primitive, header.conference_id, header.transaction_id, header.user_id, found, version,
        is_response=header.is_response and version == UNRELIABLE,
    )  # fmt: skip


def error(code: ErrorCode, info: str = "", details: bytes = b"") -> tuple[Attribute, ...]:
    """The attributes of an Error (RFC 8855 5.3.13)."""
    found = [Attribute(Type.ERROR_CODE, bytes((code,)) + details)]
    if info:
        found.append(attributes.text(Type.ERROR_INFO, info))
    return tuple(found)


class Splitter:
    """Cuts messages out of a stream (RFC 8855 6.1); a length beyond the bound ends it, since nothing behind is sure."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.is_broken = False

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now."""
        found: list[bytes] = []
        if self.is_broken:
            return found
        self._buffer += data
        while (header := parse_header(bytes(self._buffer[:HEADER_BYTES]))) is not None:
            if header.payload_bytes > MAX_PAYLOAD_BYTES:
                self.is_broken = True
                self._buffer.clear()
                break
            size = HEADER_BYTES + header.payload_bytes
            if len(self._buffer) < size:
                break
            found.append(bytes(self._buffer[:size]))
            del self._buffer[:size]
        return found
