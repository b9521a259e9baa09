"""Changes inputs at random: flipped bits, cut and repeated parts, telling numbers, parts of other inputs."""

from __future__ import annotations

import random
from collections.abc import Sequence

_TELLING = (b"\0", b"\x7f", b"\x80", b"\xff", b"\0\0", b"\x7f\xff", b"\x80\0", b"\xff\xff", b"\0\0\0\1", b"\xff" * 4,
            b"\x80\0\0\0", b"\x7f\xff\xff\xff", b"\0" * 8, b"\xff" * 8)  # fmt: skip


def mutate(chance: random.Random, seeds: Sequence[bytes], max_bytes: int) -> bytes:
    """One of `seeds` after a few changes."""
    data = bytearray(chance.choice(seeds)) if seeds else bytearray(chance.randbytes(chance.randrange(1, 64)))
    for _ in range(chance.choice((1, 1, 2, 3, 5, 9))):
        chance.choice(_CHANGES)(chance, data, seeds)
    return bytes(data[:max_bytes])


def _flip(chance: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _replace(chance: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _tell(chance: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    number, at = chance.choice(_TELLING), chance.randrange(len(data) + 1)
    data[at : at + len(number)] = number


def _cut(chance: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    first, last = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    del data[first:last]


def _truncate(chance: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    del data[chance.randrange(len(data) + 1) :]


def _repeat(chance: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    first, last = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    data[first:first] = bytes(data[first:last]) * chance.choice((1, 1, 2, 8))


def _insert(chance: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = chance.randbytes(chance.randrange(1, 16))


def _splice(chance: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    if seeds:
        other, at = chance.choice(seeds), chance.randrange(len(data) + 1)
        data[at:] = other[chance.randrange(len(other) + 1) :]


_CHANGES = (_flip, _flip, _replace, _replace, _tell, _tell, _cut, _truncate, _repeat, _insert, _splice)
