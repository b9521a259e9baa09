"""Reading boxes of an MP4 file (ISO/IEC 14496-12 section 4.2) that may be cut off anywhere."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recorder.errors import BadFileError

ReadAt = Callable[[int, int], bytes]
"""(offset, length) -> at most `length` bytes of the clear file."""

MAX_BOX_BYTES = 1 << 20
"""Longest box that is read whole (moov, moof); media data are only skipped."""
_CONTAINERS = frozenset((b"moov", b"trak", b"mdia", b"moof", b"traf", b"mvex"))


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type and where it and its contents lie."""

    kind: bytes
    start: int
    content: int
    end: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """All boxes in `data`, those inside containers after them. Stops where the structure breaks."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, start)
        if length < 8 or start + length > end:
            return
        box = Box(kind, start, start + 8, start + length)
        yield box
        if kind in _CONTAINERS:
            yield from boxes(data, box.content, box.end)
        start = box.end


def top_level(read_at: ReadAt, size: int) -> Iterator[Box]:
    """The whole boxes of a file of `size` bytes, up to where it is cut off or cannot be read."""
    offset = 0
    while offset + 8 <= size:
        head = read_at(offset, 16)
        if len(head) < 8:
            return
        length, kind = struct.unpack_from(">I4s", head)
        content = offset + 8
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack_from(">Q", head, 8)
            content = offset + 16
        if length < content - offset or offset + length > size:
            return
        if kind in (b"moov", b"moof") and length > MAX_BOX_BYTES:
            raise BadFileError("box-too-large")
        yield Box(kind, offset, content, offset + length)
        offset += length


def box(kind: bytes, *contents: bytes) -> bytes:
    """A box of this type."""
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    """A box with version and flags (4.2.2)."""
    return box(kind, struct.pack(">I", version << 24 | flags), *contents)


def version_and_flags(data: bytes, of: Box) -> tuple[int, int]:
    """The head of a full box."""
    (word,) = struct.unpack_from(">I", data, of.content)
    return word >> 24, word & 0xFFFFFF
