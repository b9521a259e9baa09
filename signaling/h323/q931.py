"""Q.931 messages as H.225.0 uses them (7.1 to 7.3): header and information elements, whatever these contain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from signaling.h323.errors import MalformedPduError

MAX_BYTES = 20_480
MAX_ELEMENTS = 64
"""Of one message; no message of H.225.0 7.3 has half as many."""

_PROTOCOL_DISCRIMINATOR = 0x08  # Q.931 4.2
_FROM_DESTINATION = 0x80
_SINGLE_OCTET = 0x80
_SHIFT, _NON_LOCKING = 0x90, 0x08
_ASN1_USER_INFORMATION = 0x05  # H.225.0 7.2.2.31


class MessageType(IntEnum):
    """What a message is (Q.931 table 4-2), as far as H.225.0 7.1 knows it."""

    ALERTING = 0x01
    CALL_PROCEEDING = 0x02
    PROGRESS = 0x03
    SETUP = 0x05
    CONNECT = 0x07
    SETUP_ACKNOWLEDGE = 0x0D
    CONNECT_ACKNOWLEDGE = 0x0F
    """Not to be sent in H.225.0 (7.3.4)."""
    RELEASE_COMPLETE = 0x5A
    FACILITY = 0x62
    NOTIFY = 0x6E
    STATUS_ENQUIRY = 0x75
    INFORMATION = 0x7B
    STATUS = 0x7D


class Id(IntEnum):
    """Information elements of codeset 0 (Q.931 table 4-3)."""

    BEARER_CAPABILITY = 0x04
    CAUSE = 0x08
    CALL_STATE = 0x14
    FACILITY = 0x1C
    PROGRESS_INDICATOR = 0x1E
    NOTIFICATION_INDICATOR = 0x27
    DISPLAY = 0x28
    DATE_TIME = 0x29
    KEYPAD = 0x2C
    SIGNAL = 0x34
    CONNECTED_NUMBER = 0x4C
    CALLING_PARTY_NUMBER = 0x6C
    CALLING_PARTY_SUBADDRESS = 0x6D
    CALLED_PARTY_NUMBER = 0x70
    CALLED_PARTY_SUBADDRESS = 0x71
    REDIRECTING_NUMBER = 0x74
    USER_USER = 0x7E
    SENDING_COMPLETE = 0xA1


@dataclass(frozen=True, slots=True)
class Element:
    """One information element; `contents` is what follows the length. An identifier from 0x80 is the whole octet."""

    identifier: int
    contents: bytes = b""
    codeset: int = 0

    def serialize(self) -> bytes:
        """The wire form. Raises ValueError when the contents are too long: a fault of the caller."""
        shift = bytes((_SHIFT | _NON_LOCKING | self.codeset,)) if self.codeset else b""
        if self.identifier & _SINGLE_OCTET:
            return shift + bytes((self.identifier,))
        size = _length_bytes(self.identifier, self.codeset)
        if len(self.contents) >> (8 * size):
            raise ValueError(f"element {self.identifier:#x} of {len(self.contents)} bytes")
        return shift + bytes((self.identifier,)) + len(self.contents).to_bytes(size, "big") + self.contents


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message. Elements of one codeset stand in ascending order of their identifiers (Q.931 4.5.1)."""

    type: int
    call_reference: int
    """15 bits, chosen by the side that sent Setup; 0 means all calls of the connection (H.225.0 7.2.2)."""
    is_from_destination: bool
    """The call reference flag: the sender is not the side that chose the reference."""
    elements: tuple[Element, ...] = ()

    def find(self, identifier: Id) -> bytes | None:
        """The contents of the first such element of codeset 0: a repeated one is ignored (Q.931 5.8.6.2)."""
        for element in self.elements:
            if element.identifier == identifier and element.codeset == 0:
                return element.contents
        return None

    @property
    def user_information(self) -> bytes | None:
        """H323-UserInformation in PER; None without it. Raises MalformedPduError for one of another protocol."""
        contents = self.find(Id.USER_USER)
        if contents is None:
            return None
        if len(contents) < 2 or contents[0] != _ASN1_USER_INFORMATION:
            raise MalformedPduError("User-user that is not ASN.1")
        return contents[1:]

    def serialize(self) -> bytes:
        """The wire form."""
        flag = _FROM_DESTINATION if self.is_from_destination else 0
        reference = bytes((flag | self.call_reference >> 8, self.call_reference & 0xFF))
        header = bytes((_PROTOCOL_DISCRIMINATOR, len(reference))) + reference + bytes((self.type,))
        return header + b"".join(element.serialize() for element in self.elements)


def user_user(information: bytes) -> Element:
    """The element that carries H323-UserInformation in PER."""
    return Element(Id.USER_USER, bytes((_ASN1_USER_INFORMATION,)) + information)


def parse(octets: bytes) -> Message:
    """One message. Raises MalformedPduError."""
    if len(octets) > MAX_BYTES:
        raise MalformedPduError(f"Q.931 of {len(octets)} bytes")
    if len(octets) < 2 or octets[0] != _PROTOCOL_DISCRIMINATOR:
        raise MalformedPduError("no Q.931")
    size = octets[1]
    if size not in (1, 2) or len(octets) < 3 + size:  # H.225.0 7.2.2 has 2; 1 is basic access of Q.931 4.3
        raise MalformedPduError("call reference")
    reference = int.from_bytes(octets[2 : 2 + size], "big")
    flag = 1 << (8 * size - 1)
    elements = _parse_elements(octets, 3 + size)
    return Message(octets[2 + size] & 0x7F, reference & (flag - 1), bool(reference & flag), elements)


def _parse_elements(octets: bytes, place: int) -> tuple[Element, ...]:
    elements: list[Element] = []
    locked = codeset = 0
    while place < len(octets):
        identifier = octets[place]
        place += 1
        if identifier & 0xF0 == _SHIFT:  # Q.931 4.5.3, 4.5.4
            codeset = identifier & 0x07
            locked = locked if identifier & _NON_LOCKING else codeset
            continue
        if identifier & _SINGLE_OCTET:
            elements.append(Element(identifier, b"", codeset))
        else:
            contents, place = _contents(octets, place, _length_bytes(identifier, codeset))
            elements.append(Element(identifier, contents, codeset))
        if len(elements) > MAX_ELEMENTS:
            raise MalformedPduError("too many elements")
        codeset = locked
    return tuple(elements)


def _contents(octets: bytes, place: int, size: int) -> tuple[bytes, int]:
    start = place + size
    end = start + int.from_bytes(octets[place:start], "big")
    if start > len(octets) or end > len(octets):
        raise MalformedPduError("element past the end")
    return octets[start:end], end


def _length_bytes(identifier: int, codeset: int) -> int:
    """User-user has a length of two octets in H.225.0 (7.2.2.31)."""
    return 2 if identifier == Id.USER_USER and codeset == 0 else 1
