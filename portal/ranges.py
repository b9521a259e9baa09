"""Byte ranges of one representation (RFC 9110 section 14); a request for several ranges gets the whole."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`length` bytes from offset `start`."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """The Content-Range of an answer 206 (14.4)."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


class Unsatisfiable(ValueError):
    """No byte of the representation lies in the range."""


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The range that `header` asks of `size` bytes; None means the whole (absent, malformed or several ranges, 14.2).

    Raises Unsatisfiable when the range is well formed and selects nothing.
    """
    match = _SINGLE.fullmatch((header or "").strip().replace(" ", ""))
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return _suffix(int(match[2]), size)
    start = int(match[1])
    end = int(match[2]) if match[2] else size - 1
    if match[2] and end < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return ByteRange(start, min(end, size - 1) - start + 1)


def _suffix(length: int, size: int) -> ByteRange:
    if length == 0 or size == 0:
        raise Unsatisfiable
    length = min(length, size)
    return ByteRange(size - length, length)
