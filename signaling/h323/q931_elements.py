"""What stands in the information elements of Q.931 that H.225.0 uses (Q.931 4.5, H.225.0 7.2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from signaling.h323.errors import MalformedPduError
from signaling.h323.q931 import Element, Id

MAX_TEXT_BYTES = 82
"""Of Display (Q.931 4.5.16)."""
MAX_DIGITS = 128
"""Of a party number or of Keypad; both fields hold less in Q.931, none says how much in H.225.0."""

_LAST = 0x80
"""The extension bit: this octet group goes no further (Q.931 4.5.1)."""
_UNRESTRICTED_DIGITAL = 0x08
_H221_H242 = 0x25
"""User information layer 1: an H.323 video call (H.225.0 7.2.2.1)."""
_RATES = {1: 0x10, 2: 0x11, 6: 0x13, 24: 0x15, 30: 0x17}
_MULTIRATE = 0x18
_CODES = {code: multiplier for multiplier, code in _RATES.items()}


class CallState(IntEnum):
    """Call state values (Q.931 table 4-8) that H.225.0 leaves."""

    NULL = 0
    CALL_INITIATED = 1
    OVERLAP_SENDING = 2
    OUTGOING_CALL_PROCEEDING = 3
    CALL_DELIVERED = 4
    CALL_PRESENT = 6
    CALL_RECEIVED = 7
    CONNECT_REQUEST = 8
    INCOMING_CALL_PROCEEDING = 9
    ACTIVE = 10


@dataclass(frozen=True, slots=True)
class PartyNumber:
    """A calling, called, connected or redirecting number (Q.931 4.5.8, 4.5.10)."""

    digits: str
    type_of_number: int = 0
    """0 unknown, 1 international, 2 national, 4 subscriber."""
    plan: int = 1
    """1 E.164, 9 private."""
    is_restricted: bool = False
    """Presentation: not to be shown. Not told of a called number."""


def bearer_capability(multiplier: int) -> Element:
    """Unrestricted digital information of `multiplier` times 64 kbit/s, with video (H.225.0 7.2.2.1)."""
    multiplier = max(1, min(multiplier, 127))
    head = bytes((_LAST | _UNRESTRICTED_DIGITAL,))
    rate = _RATES.get(multiplier)
    transfer = bytes((_LAST | rate,)) if rate else bytes((_LAST | _MULTIRATE, _LAST | multiplier))
    return Element(Id.BEARER_CAPABILITY, head + transfer + bytes((_LAST | _H221_H242,)))


def read_bearer_multiplier(contents: bytes) -> int:
    """How many times 64 kbit/s; 0 where the rate is none of a circuit. Raises MalformedPduError."""
    if len(contents) < 2:
        raise MalformedPduError("bearer capability")
    rate = contents[1] & 0x1F
    if rate != _MULTIRATE:
        return _CODES.get(rate, 0)
    if len(contents) < 3:
        raise MalformedPduError("bearer capability without its multiplier")
    return contents[2] & 0x7F


def cause(value: int, location: int = 0) -> Element:
    """Why (Q.850); location 0 is the user."""
    return Element(Id.CAUSE, bytes((_LAST | location, _LAST | value)))


def read_cause(contents: bytes) -> int:
    """The cause value. Raises MalformedPduError."""
    place = _group_end(contents, 0)
    if place >= len(contents):
        raise MalformedPduError("cause")
    return contents[place] & 0x7F


def call_state(state: CallState) -> Element:
    """Where the call stands, for Status."""
    return Element(Id.CALL_STATE, bytes((state,)))


def read_call_state(contents: bytes) -> int:
    """A value of CallState, or another. Raises MalformedPduError."""
    if not contents:
        raise MalformedPduError("call state")
    return contents[0] & 0x3F


def display(text: str) -> Element:
    """A text to show; what IA5 lacks becomes a question mark."""
    return Element(Id.DISPLAY, text.encode("ascii", "replace")[:MAX_TEXT_BYTES])


def read_text(contents: bytes) -> str:
    """Of Display: IA5 by the standard, UTF-8 or Latin-1 by the terminals; without control characters."""
    contents = contents[:MAX_TEXT_BYTES].rstrip(b"\0")
    try:
        text = contents.decode()
    except UnicodeDecodeError:
        text = contents.decode("latin-1")
    return "".join(character for character in text if character.isprintable())


def keypad(digits: str) -> Element:
    """Keys that were pressed (Q.931 4.5.18). Raises ValueError for what is no IA5."""
    return Element(Id.KEYPAD, digits.encode("ascii"))


def read_keypad(contents: bytes) -> str:
    """The keys: digits, `*`, `#`, `A` to `D`; other characters are left out."""
    return "".join(chr(octet) for octet in contents[:MAX_DIGITS].upper() if octet in b"0123456789*#ABCD")


def called_party_number(number: PartyNumber) -> Element:
    """Whom the call is for (Q.931 4.5.8)."""
    head = bytes((_LAST | number.type_of_number << 4 | number.plan,))
    return Element(Id.CALLED_PARTY_NUMBER, head + number.digits.encode("ascii"))


def calling_party_number(number: PartyNumber) -> Element:
    """Who calls (Q.931 4.5.10); user-provided, not screened."""
    head = bytes((number.type_of_number << 4 | number.plan, _LAST | (0x20 if number.is_restricted else 0)))
    return Element(Id.CALLING_PARTY_NUMBER, head + number.digits.encode("ascii"))


def read_party_number(contents: bytes) -> PartyNumber:
    """Of any of the number elements: they differ in the length of the first octet group. Raises MalformedPduError."""
    place = _group_end(contents, 0)
    if place > len(contents) or not contents:
        raise MalformedPduError("party number")
    digits = contents[place : place + MAX_DIGITS].decode("ascii", "replace")
    is_restricted = place > 1 and contents[1] >> 5 & 0x03 == 0x01
    return PartyNumber(digits, contents[0] >> 4 & 0x07, contents[0] & 0x0F, is_restricted)


def _group_end(contents: bytes, place: int) -> int:
    """Behind the octet group that begins at `place`; behind the end where none ends it."""
    while place < len(contents) and not contents[place] & _LAST:
        place += 1
    return place + 1
