"""Whether a secret shared with a switch can be guessed from one recorded packet (RFC 2865 3). Pure."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

MIN_OCTETS: Final = 16
"""RFC 2865 3."""
_MIN_BITS: Final = 64.0
_MIN_DIFFERENT: Final = 8
_ALPHABETS: Final = (("0123456789", 10), ("abcdefghijklmnopqrstuvwxyz", 26), ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26))
_OTHERS: Final = 32
_KNOWN: Final = ("testing123", "radius", "secret", "password", "cisco", "huawei", "admin", "drumtower", "hospital")
"""Of examples and vendors; they count for nothing."""
ADVICE: Final = "make one: drumtower dot1x secret FILE"


class WeakSecretError(Exception):
    """A secret that is not used; the text says whose and why, never what it is."""


def demand_strong(secret: bytes, owner: str) -> None:
    """Raises WeakSecretError."""
    reason = weakness(secret)
    if reason:
        raise WeakSecretError(f"the secret of {owner} is too weak: {reason}; {ADVICE}")


def weakness(secret: bytes) -> str:
    """What is wrong with it, "" for nothing. A lower bound: what looks random here may be a book's first line."""
    if len(secret) < MIN_OCTETS:
        return f"it has fewer than {MIN_OCTETS} characters"
    if len(set(secret)) < _MIN_DIFFERENT:
        return f"it has fewer than {_MIN_DIFFERENT} different characters"
    if secret in (secret + secret)[1:-1]:
        return "it repeats itself"
    rest = secret.decode("latin-1")
    for word in _KNOWN:
        while word in rest.lower():
            start = rest.lower().index(word)
            rest = rest[:start] + rest[start + len(word) :]
    if _bits(rest) < _MIN_BITS:
        return "it is made of too few different kinds of characters, or of well-known words"
    return ""


def _bits(text: str) -> float:
    """Bits if each character were drawn from the alphabets that occur; those that follow their neighbour count none."""
    size = sum(count for letters, count in _ALPHABETS if any(char in letters for char in text))
    if any(all(char not in letters for letters, _ in _ALPHABETS) for char in text):
        size += _OTHERS
    free = sum(abs(ord(char) - ord(before)) > 1 for before, char in pairwise(text)) + bool(text)
    return free * math.log2(size) if size else 0.0
