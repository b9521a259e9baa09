"""MD5 and HMAC-MD5 (RFC 1321, RFC 2104), which RADIUS proves its packets with: several of each for one packet.

OpenSSL looks an algorithm up whenever a digest is begun; a copy of one that was begun before costs half of that.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

DIGEST_BYTES: Final = 16
_BLOCK_BYTES: Final = 64
_INNER: Final = bytes(octet ^ 0x36 for octet in range(256))
_OUTER: Final = bytes(octet ^ 0x5C for octet in range(256))
_KEYS: Final = 512
"""More than there are servers and clients (config.dot1x, config.dot1x_server)."""
_begun = hashlib.md5(usedforsecurity=False)


def md5(octets: bytes) -> bytes:
    """The digest."""
    made = _begun.copy()
    made.update(octets)
    return made.digest()


def hmac_md5(key: bytes, octets: bytes) -> bytes:
    """The keyed digest."""
    began_inner, began_outer = _keyed(key)
    inner = began_inner.copy()
    inner.update(octets)
    outer = began_outer.copy()
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(_KEYS)
def _keyed(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """What RFC 2104 2 makes of a key alone: inner and outer digest, begun."""
    block = (key if len(key) <= _BLOCK_BYTES else md5(key)).ljust(_BLOCK_BYTES, b"\0")
    inner, outer = _begun.copy(), _begun.copy()
    inner.update(block.translate(_INNER))
    outer.update(block.translate(_OUTER))
    return inner, outer
