"""SDES: SRTP keys in a=crypto lines of SDP (RFC 4568, AEAD suites by RFC 7714)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# Suite -> bytes of master key and master salt (RFC 4568 6.2, RFC 7714 14.2).
SUITES: dict[str, tuple[int, int]] = {
    "AEAD_AES_256_GCM": (32, 12),
    "AEAD_AES_128_GCM": (16, 12),
    "AES_CM_128_HMAC_SHA1_80": (16, 14),
}
"""What we take, best first."""

MAX_KEY_CHARACTERS = 128
_LINE = re.compile(r"(\d{1,9})[ \t]+(\S+)[ \t]+(\S+)(?:[ \t]+(.*))?")
_LIFETIME = re.compile(r"(?:2\^)?\d{1,20}")
_MKI = re.compile(r"\d{1,39}:\d{1,3}")
# Session parameters that change nothing for a receiver that ignores them; any other one makes a line unusable (6.3.7).
_HARMLESS = ("WSH=", "KDR=0")


@dataclass(frozen=True, slots=True)
class CryptoLine:
    """One usable a=crypto line."""

    tag: int
    suite: str
    key: bytes = field(repr=False)
    """Master key followed by master salt."""

    def serialize(self) -> str:
        """The value of the attribute."""
        return f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"


def parse(value: str) -> CryptoLine | None:
    """The line, or None where we cannot use it: unknown suite, bad key, an MKI, or a parameter that must be obeyed."""
    found = _LINE.fullmatch(value.strip())
    if not found or found.group(2) not in SUITES or not _may_ignore(found.group(4) or ""):
        return None
    key = _parse_key(found.group(3), sum(SUITES[found.group(2)]))
    return CryptoLine(int(found.group(1)), found.group(2), key) if key is not None else None


def choose(values: Iterable[str]) -> CryptoLine | None:
    """The best usable line of an offer by our own order; the first one among equals."""
    lines = [line for line in map(parse, values) if line is not None]
    order = list(SUITES)
    return min(lines, key=lambda line: order.index(line.suite), default=None)


def make(tag: int, suite: str, random_bytes: Callable[[int], bytes]) -> CryptoLine:
    """A line with a fresh key. Raises KeyError for an unknown suite."""
    return CryptoLine(tag, suite, random_bytes(sum(SUITES[suite])))


def _parse_key(params: str, size: int) -> bytes | None:
    """`inline:` key and salt, with an optional lifetime; of several keys (which need MKIs) none is taken."""
    method, colon, info = params.partition(":")
    if method.lower() != "inline" or not colon or ";" in params or len(params) > MAX_KEY_CHARACTERS:
        return None
    text, *rest = info.split("|")
    if len(rest) > 1 or any(not _LIFETIME.fullmatch(part) or _MKI.fullmatch(part) for part in rest):
        return None
    try:
        # Some terminals leave the padding off.
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == size else None


def _may_ignore(parameters: str) -> bool:
    return all(part.upper().startswith(_HARMLESS) for part in parameters.split())
