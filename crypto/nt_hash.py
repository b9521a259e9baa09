"""What a server keeps of a password that is proved by MSCHAPv2: NtPasswordHash, MD4 of its UTF-16 (RFC 2759 8.3).

Whoever has it can answer for the user, so it is sealed under the master key wherever it is stored.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from crypto.ha1 import Wrapper
from crypto.md4 import md4

HASH_BYTES: Final = 16
MAX_PASSWORD_CHARACTERS: Final = 256
"""RFC 2759 8.3."""


@dataclass(frozen=True, slots=True)
class NtHash:
    """The hash of one password."""

    octets: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.octets) != HASH_BYTES:
            raise ValueError(f"an NT hash has {HASH_BYTES} bytes")

    @classmethod
    def of(cls, password: str) -> NtHash:
        """Hash a clear password. Raises ValueError when it is too long."""
        if len(password) > MAX_PASSWORD_CHARACTERS:
            raise ValueError(f"a password has at most {MAX_PASSWORD_CHARACTERS} characters")
        return cls(md4(password.encode("utf-16-le", "surrogatepass")))

    def is_of(self, password: str) -> bool:
        """Whether it is the hash of this password; takes as long for any wrong one of its length."""
        return len(password) <= MAX_PASSWORD_CHARACTERS and hmac.compare_digest(self.octets, NtHash.of(password).octets)

    def seal(self, master: Wrapper, identity: str) -> bytes:
        """For the database: it opens only for the same identity."""
        return master.wrap(self.octets, _context(identity))

    @classmethod
    def unseal(cls, master: Wrapper, identity: str, sealed: bytes) -> NtHash:
        """What was sealed. Raises crypto.keys.KeyFault, or ValueError where it is no such hash."""
        return cls(master.unwrap(sealed, _context(identity)))


def _context(identity: str) -> str:
    return f"nt-hash/{identity}"
