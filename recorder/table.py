"""A sorted table in a file that is read at any place: a search tree that is written once (a static B+ tree).

Level 0 is the records; each level above has the first key of every 128 entries below it, up to one that is read at
once. So a record among 16 million is found by four reads.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from sys import byteorder
from typing import NamedTuple

ReadAt = Callable[[int, int], bytes]
_FAN_OUT = 128
_KEY_BYTES = 8
RECORD_BYTES = 16
"""A key and a value, 8 bytes each, big-endian; keys grow."""


class Found(NamedTuple):
    """The record with the largest key that is not above what was looked for."""

    number: int
    key: int
    value: int
    next_key: int | None
    """Of the record behind it; None at the end."""


def serialize(keys: Sequence[int], values: Sequence[int]) -> Iterator[bytes]:
    """The levels of a table, from the records up."""
    for start in range(0, len(keys), _FAN_OUT):
        pairs = zip(keys[start : start + _FAN_OUT], values[start : start + _FAN_OUT], strict=True)
        yield _packed(number for pair in pairs for number in pair)
    level = keys
    while len(level) > _FAN_OUT:
        level = level[::_FAN_OUT]
        yield _packed(level)


class Table:
    """Looks up records; the leaf that was read last is kept, because what follows is mostly in it."""

    def __init__(self, read_at: ReadAt, start: int, count: int) -> None:
        """`count` records lie at `start`, and the other levels behind them."""
        self._read_at = read_at
        self._levels: list[tuple[int, int]] = []
        """Offset and number of keys of each level above the records."""
        self._start, self._count = start, count
        offset, entries = start + count * RECORD_BYTES, count
        while entries > _FAN_OUT:
            entries = -(-entries // _FAN_OUT)
            self._levels.append((offset, entries))
            offset += entries * _KEY_BYTES
        self._leaf_number = -1
        self._keys: array[int] = array("Q")
        self._values: array[int] = array("Q")

    def find(self, key: int) -> Found | None:
        """The record for `key`; None below the first. What `read_at` raises."""
        keys = self._keys
        if not keys or key < keys[0] or (len(keys) > _FAN_OUT and key >= keys[_FAN_OUT]):
            number = 0
            for offset, count in reversed(self._levels):
                first = number * _FAN_OUT
                level = _unpacked(self._read_at(offset + first * _KEY_BYTES, min(_FAN_OUT, count - first) * _KEY_BYTES))
                number = first + max(0, bisect_right(level, key) - 1)
            self._read_leaf(number)
            keys = self._keys
        place = bisect_right(keys, key, 0, min(_FAN_OUT, len(keys))) - 1
        if place < 0:
            return None
        following = keys[place + 1] if place + 1 < len(keys) else None
        return Found(self._leaf_number * _FAN_OUT + place, keys[place], self._values[place], following)

    def _read_leaf(self, number: int) -> None:
        """With the first record of the next leaf, if there is one."""
        first = number * _FAN_OUT
        count = min(_FAN_OUT + 1, self._count - first)
        numbers = _unpacked(self._read_at(self._start + first * RECORD_BYTES, max(0, count) * RECORD_BYTES))
        self._leaf_number, self._keys, self._values = number, numbers[::2], numbers[1::2]


def _packed(numbers: Iterator[int] | Sequence[int]) -> bytes:
    made = array("Q", numbers)
    if byteorder == "little":
        made.byteswap()
    return made.tobytes()


def _unpacked(data: bytes) -> array[int]:
    made = array("Q", data)
    if byteorder == "little":
        made.byteswap()
    return made
