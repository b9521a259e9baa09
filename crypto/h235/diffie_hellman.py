"""Diffie-Hellman key agreement of H.235.6 (8.1) and the key that encrypts session keys (7.6.1).

The groups are the safe primes of RFC 2409 and RFC 3526 with the generator 2, named by the OIDs of H.235.6. The powers
are Python's own: `cryptography` is giving Diffie-Hellman over finite fields up, and an exponent lives for one call.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache

_GENERATOR = 2
_EXPONENT_BITS = 512
"""More than twice the strength of the largest group (RFC 3526 8 estimates 150 to 240 bits); longer ones cost time."""


@dataclass(frozen=True)
class Group:
    """One group; `oid` is the tokenOID of its ClearToken."""

    oid: str
    bits: int
    offset: int
    """What RFC 2409 6.2 and RFC 3526 add to the digits of pi, the least that makes a safe prime."""
    names_parameters: bool
    """Whether modSize and generator travel in the token; of larger groups the OID is enough."""

    @property
    def size(self) -> int:
        """Octets of the prime, of half keys and of the secret."""
        return self.bits // 8

    @property
    def prime(self) -> int:
        """2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + offset)."""
        return _prime(self.bits, self.offset)


DH_1024 = Group("0.0.8.235.0.3.43", 1024, 129093, names_parameters=True)
DH_2048 = Group("0.0.8.235.0.3.45", 2048, 124476, names_parameters=False)
DH_4096 = Group("0.0.8.235.0.3.47", 4096, 240904, names_parameters=False)
GROUPS = {group.oid: group for group in (DH_1024, DH_2048, DH_4096)}
"""By OID, weakest first. DH-512 (0.0.8.235.0.3.40) is refused; what real terminals know is DH-1024."""


class HalfKeyError(ValueError):
    """The half key of a peer is not one of the group: with it the secret could be guessed."""


class KeyAgreement:
    """Our half of one agreement; for one call only."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self._exponent = secrets.randbits(_EXPONENT_BITS) | 1 << _EXPONENT_BITS - 1

    @property
    def half_key(self) -> bytes:
        """g^x mod p, padded to the size of the prime."""
        return pow(_GENERATOR, self._exponent, self.group.prime).to_bytes(self.group.size, "big")

    def secret(self, peer_half_key: bytes) -> bytes:
        """What both ends know now, padded to the size of the prime. Raises HalfKeyError."""
        y = int.from_bytes(peer_half_key, "big")
        if len(peer_half_key) > self.group.size or not 1 < y < self.group.prime - 1:
            raise HalfKeyError("half key out of range")
        return pow(y, self._exponent, self.group.prime).to_bytes(self.group.size, "big")


def key_encryption_key(secret: bytes, key_bytes: int) -> bytes:
    """The least significant octets of the secret (H.235.6 7.6.1): 16, 24 or 32 for AES-128, -192 or -256."""
    return secret[-key_bytes:]


@cache
def _prime(bits: int, offset: int) -> int:
    return (1 << bits) - (1 << bits - 64) - 1 + ((_pi_times_two_to(bits - 130) + offset) << 64)


def _pi_times_two_to(power: int) -> int:
    """floor(2^power * pi) by Machin's formula, with 64 bits to spare for rounding."""
    one = 1 << power + 64
    return 4 * (4 * _arctan_of_inverse(5, one) - _arctan_of_inverse(239, one)) >> 64


def _arctan_of_inverse(x: int, one: int) -> int:
    total = term = one // x
    divisor, sign = 3, -1
    while term := term // (x * x):
        total += sign * (term // divisor)
        divisor, sign = divisor + 2, -sign
    return total
