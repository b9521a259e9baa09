"""The header fields that every message has, understood once a message (RFC 3261 8.1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from signaling.errors import SipError
from signaling.sip.wire.message import Headers
from signaling.sip.wire.uri import NameAddr, parse_name_addr
from signaling.sip.wire.via import Via, parse_via

_CSEQ = re.compile(r"(\d{1,10})\s+(\S+)")
MAX_CSEQ = 2**31 - 1


@dataclass(frozen=True, slots=True)
class CSeq:
    """Sequence number and method."""

    number: int
    method: str


def parse_cseq(text: str) -> CSeq:
    """The CSeq header. Raises SipError."""
    found = _CSEQ.fullmatch(text)
    if not found or int(found.group(1)) > MAX_CSEQ:
        raise SipError(400, "Malformed CSeq")
    return CSeq(int(found.group(1)), found.group(2))


def cseq_of(headers: Headers) -> CSeq:
    """The CSeq. Raises SipError."""
    found: CSeq | None = headers.understood.get("CSeq")
    return found or headers.parsed("CSeq", parse_cseq)


def from_of(headers: Headers) -> NameAddr:
    """The From. Raises SipError."""
    found: NameAddr | None = headers.understood.get("From")
    return found or headers.parsed("From", parse_name_addr)


def to_of(headers: Headers) -> NameAddr:
    """The To. Raises SipError."""
    found: NameAddr | None = headers.understood.get("To")
    return found or headers.parsed("To", parse_name_addr)


def top_via(headers: Headers) -> Via:
    """The first Via. Raises SipError."""
    found: Via | None = headers.understood.get("Via")
    return found or headers.parsed("Via", _first_via)


def _first_via(line: str) -> Via:
    return parse_via(Headers([("Via", line)]).values("Via")[0] if "," in line else line)
