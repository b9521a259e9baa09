"""What a server keeps of an H.323 terminal's password, SHA1(password), and the HMAC under it (H.235.1, RFC 2104).

Whoever has the key can sign as the terminal, so it is sealed under the master key wherever it is stored.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from crypto.ha1 import Wrapper

HASH_BYTES: Final = 12
"""HMAC-SHA1-96 keeps the first 96 bits (H.235.1, algorithm "U")."""
_KEY_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class PasswordKey:
    """The key of one password."""

    octets: bytes = field(repr=False)

    @classmethod
    def of(cls, password: str) -> PasswordKey:
        """SHA1 of the password's octets, without a terminating zero."""
        return cls(hashlib.sha1(password.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest())

    def hmac(self, octets: bytes) -> bytes:
        """HMAC-SHA1-96: 12 octets."""
        return hmac.digest(self.octets, octets, "sha1")[:HASH_BYTES]

    def is_hash_of(self, octets: bytes, claimed: bytes) -> bool:
        """Whether `claimed` is their HMAC; takes as long for any wrong answer."""
        return hmac.compare_digest(self.hmac(octets), claimed)

    def seal(self, master: Wrapper, alias: str) -> bytes:
        """For the database: it opens only for the same terminal."""
        return master.wrap(self.octets, _context(alias))

    @classmethod
    def unseal(cls, master: Wrapper, alias: str, sealed: bytes) -> PasswordKey:
        """What was sealed. Raises crypto.keys.KeyFault, or ValueError where it is no such key."""
        octets = master.unwrap(sealed, _context(alias))
        if len(octets) != _KEY_BYTES:
            raise ValueError(f"an H.235.1 key of {len(octets)} bytes")
        return cls(octets)


def _context(alias: str) -> str:
    return f"h235/{alias}"
