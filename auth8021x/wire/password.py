"""User-Password, hidden under the secret (RFC 2865 5.2).

MPPE keys (RFC 2548 2.4.2) are hidden in a similar way. A wired authenticator without MACsec needs none of them, so that
nothing here reads them.
"""

from __future__ import annotations

import hashlib
from typing import Final

from auth8021x.errors import MalformedPacketError

MAX_PASSWORD_BYTES: Final = 128
_BLOCK_BYTES: Final = 16


def hide(password: bytes, request_authenticator: bytes, secret: bytes) -> bytes:
    """The value of User-Password in a request. Raises ValueError when the password is too long."""
    if len(password) > MAX_PASSWORD_BYTES:
        raise ValueError(f"a User-Password has at most {MAX_PASSWORD_BYTES} octets")
    padded = password + bytes(-len(password) % _BLOCK_BYTES if password else _BLOCK_BYTES)
    hidden = b""
    previous = request_authenticator
    for start in range(0, len(padded), _BLOCK_BYTES):
        previous = _xor(padded[start : start + _BLOCK_BYTES], secret, previous)
        hidden += previous
    return hidden


def reveal(hidden: bytes, request_authenticator: bytes, secret: bytes) -> bytes:
    """The password, without the zeros behind it. Raises MalformedPacketError."""
    if not hidden or len(hidden) % _BLOCK_BYTES or len(hidden) > MAX_PASSWORD_BYTES:
        raise MalformedPacketError("RADIUS: User-Password has a wrong length")
    padded = b""
    previous = request_authenticator
    for start in range(0, len(hidden), _BLOCK_BYTES):
        block = hidden[start : start + _BLOCK_BYTES]
        padded += _xor(block, secret, previous)
        previous = block
    return padded.rstrip(b"\0")


def _xor(block: bytes, secret: bytes, previous: bytes) -> bytes:
    mask = hashlib.md5(secret + previous, usedforsecurity=False).digest()
    return bytes(one ^ other for one, other in zip(block, mask, strict=True))
