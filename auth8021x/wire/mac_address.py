"""MAC addresses as text: every spelling that switches send, and the one of RFC 3580 3.20."""

from __future__ import annotations

import re
from typing import Final

from auth8021x.errors import MalformedPacketError

_SPELLINGS: Final = (
    re.compile(r"(?:[0-9a-f]{2}([-:.]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}"),
    re.compile(r"[0-9a-f]{4}([-:.])[0-9a-f]{4}\1[0-9a-f]{4}"),
    re.compile(r"[0-9a-f]{6}[-:][0-9a-f]{6}"),
    re.compile(r"[0-9a-f]{12}"),
)
"""02-00-5e-.., 02:00:5e:.., 0200-5e00-5301 (Huawei), 0200.5e00.5301 (Cisco), 02005e-005301 (HP), 02005e005301."""
_MAX_CHARACTERS: Final = 253


def parse(text: str) -> bytes:
    """The six octets of any spelling; ":" and a name may follow (RFC 3580 3.20). Raises MalformedPacketError."""
    written = text[:_MAX_CHARACTERS].strip().lower()
    for spelling in _SPELLINGS:
        found = spelling.match(written)
        if found is not None and (found.end() == len(written) or written[found.end()] == ":"):
            return bytes.fromhex(re.sub("[^0-9a-f]", "", found[0]))
    raise MalformedPacketError("no MAC address")


def plain(address: bytes) -> str:
    """02:00:5e:00:53:01, as Linux and our own pages write it."""
    return address.hex(":")


def station_id(address: bytes) -> str:
    """02-00-5E-00-53-01, for Calling-Station-Id and Called-Station-Id (RFC 3580 3.20, 3.21)."""
    return address.hex("-").upper()


def user_name(address: bytes) -> str:
    """02005e005301: user name and password of a terminal that is known by its address alone."""
    return address.hex()
