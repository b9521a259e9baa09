"""MD4 (RFC 1320), which NT hashes are made with and OpenSSL 3 has no more. For nothing else: it is broken."""

from __future__ import annotations

import struct
from typing import Final

_BLOCK_BYTES: Final = 64
_WORD: Final = 0xFFFFFFFF
_START: Final = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_ROUNDS: Final = (
    (0, (3, 7, 11, 19), tuple(range(16))),
    (0x5A827999, (3, 5, 9, 13), (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)),
    (0x6ED9EBA1, (3, 9, 11, 15), (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15)),
)
"""3.4: what is added, the shifts, and the order of the words in each round."""


def md4(data: bytes) -> bytes:
    """The digest, 16 octets."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % _BLOCK_BYTES) + struct.pack("<Q", 8 * len(data))
    state: tuple[int, ...] = _START
    for start in range(0, len(padded), _BLOCK_BYTES):
        state = _block(state, struct.unpack_from("<16I", padded, start))
    return struct.pack("<4I", *state)


def _block(state: tuple[int, ...], words: tuple[int, ...]) -> tuple[int, ...]:
    a, b, c, d = state
    for number, (constant, shifts, order) in enumerate(_ROUNDS):
        for step, place in enumerate(order):
            mixed = (a + _function(number, b, c, d) + words[place] + constant) & _WORD
            shift = shifts[step % 4]
            a, b, c, d = d, (mixed << shift | mixed >> (32 - shift)) & _WORD, b, c
    return tuple((old + new) & _WORD for old, new in zip(state, (a, b, c, d), strict=True))


def _function(number: int, x: int, y: int, z: int) -> int:
    if number == 0:
        return (x & y) | (~x & z)
    return (x & y) | (x & z) | (y & z) if number == 1 else x ^ y ^ z
