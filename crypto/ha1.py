"""What a server keeps instead of a terminal's secret: H(username:realm:secret) in MD5 and SHA-256 (RFC 7616 3.4.2).

Whoever has it can answer digests of that realm, so it is sealed under the master key wherever it is stored.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Final, Protocol

MD5: Final = "MD5"
SHA256: Final = "SHA-256"
ALGORITHMS: Final = (SHA256, MD5)
"""The names that RFC 7616 6.1 gives them, stronger one first."""


class Wrapper(Protocol):
    """The master key, see crypto.keys.MasterKey."""

    def wrap(self, key: bytes, context: str) -> bytes:
        """Seal for `context`."""

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Open what was sealed for `context`. Raises crypto.keys.KeyFault."""


def digest(algorithm: str, text: str) -> str:
    """H(text) in hex, with the algorithm of this name."""
    data = text.encode("utf-8", "surrogateescape")
    if algorithm == SHA256:
        return hashlib.sha256(data).hexdigest()
    # RFC 8760 keeps MD5 for terminals that know nothing else.
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Ha1:
    """Both hashes of one secret; they hold for this realm only."""

    realm: str
    md5: str = field(repr=False)
    sha256: str = field(repr=False)

    @classmethod
    def of(cls, username: str, realm: str, secret: str) -> Ha1:
        """Hash a clear secret."""
        text = f"{username}:{realm}:" + secret
        return cls(realm, digest(MD5, text), digest(SHA256, text))

    def hash_of(self, algorithm: str) -> str:
        """The one that an answer of this algorithm is checked with, hex."""
        return self.sha256 if algorithm == SHA256 else self.md5

    def seal(self, master: Wrapper, username: str) -> bytes:
        """For the database: it opens only for the same user name."""
        return master.wrap(json.dumps([self.realm, self.md5, self.sha256]).encode(), _context(username))

    @classmethod
    def unseal(cls, master: Wrapper, username: str, sealed: bytes) -> Ha1:
        """What was sealed. Raises crypto.keys.KeyFault."""
        realm, md5, sha256 = json.loads(master.unwrap(sealed, _context(username)))
        return cls(realm, md5, sha256)


def _context(username: str) -> str:
    return f"terminal/{username}"
