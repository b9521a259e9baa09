"""Checking a whole sealed file: which part of it is the first that does not hold."""

from __future__ import annotations

from dataclasses import dataclass

from crypto.sealing.chunk import ReadAt, Sealer, link_after, link_before, places
from crypto.sealing.head import MAX_HEAD_BYTES, Head, open_label


@dataclass(frozen=True, slots=True)
class Verified:
    """What verify() found."""

    chain_head: str
    """The last link that holds, hex."""
    size: int
    """Bytes of the sealed file up to there."""
    is_complete: bool
    """Whether the file was finished and all of it holds."""
    first_bad: tuple[int, int] | None = None
    """First and last-plus-one byte of the first chunk that does not hold, or of a torn end."""


def verify(read_at: ReadAt, size: int, key: bytes) -> Verified:
    """Check head, every chunk and the whole chain of a file of `size` bytes. Raises SealError when its head is bad."""
    data = read_at(0, MAX_HEAD_BYTES)
    head, offset = Head.parse(data)
    open_label(head, key)
    sealer = Sealer(key, data[:offset])
    link = sealer.head_link
    is_complete = False
    # Of a head without label its first chunk is the only witness.
    sure = offset if head.label else 0
    for place in places(read_at, offset, size):
        chunk = read_at(place.offset, place.end - place.offset)
        if link_before(chunk) != link or sealer.open(place.number, chunk) is None:
            return Verified(link.hex(), offset, is_complete=False, first_bad=(sure, place.end))
        link = link_after(chunk)
        offset = sure = place.end
        is_complete = place.is_last
    first_bad = (sure, size) if offset < size else None
    return Verified(link.hex(), offset, is_complete and first_bad is None, first_bad)
