"""The index of a recording that has ended: a sealed file beside it, by which any range is served at once.

Its pages are, in this order: what is put in front of the pieces of the recording (recorder.mp4), the table that tells
for each place of the served file where its bytes are, and the table that tells where each chunk of the sealed file
begins (recorder.table). The last chunk has the rest, and whose index this is: the last link of the chain and the length
of the file that it was made from. It gets its name when all of it is on the disk: no power cut leaves half of one.

An index holds nothing that cannot be made again from the recording. It is sealed under a key of its own that follows
from the data key and a fresh salt, so that nobody else makes one; and a chunk opens only at its own place, so that
even a wrong one shows nothing but its being wrong.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from crypto.sealing import Place, Places, ScannedPlaces, SealedPages, SealError, companion_key
from recorder.errors import BadIndexError
from recorder.mp4 import Part
from recorder.storage import StoredFile
from recorder.table import Table

PAGE_BYTES = 8192
IN_INDEX = 1 << 63
"""Set in a source that is a place in the pages; else it is one in the clear file."""
_FOOTER = struct.Struct(">4s32sQQQd?QQQQ")
_MAGIC = b"DTI1"


@dataclass(frozen=True, slots=True)
class Footer:
    """What the last chunk of an index says."""

    chain_head: bytes
    sealed_bytes: int
    clear_bytes: int
    served_bytes: int
    duration_s: float
    is_complete: bool
    sources_at: int
    sources: int
    chunks_at: int
    chunks: int

    def serialize(self) -> bytes:
        """See parse()."""
        return _FOOTER.pack(
            _MAGIC, self.chain_head, self.sealed_bytes, self.clear_bytes, self.served_bytes, self.duration_s,
            self.is_complete, self.sources_at, self.sources, self.chunks_at, self.chunks,
        )  # fmt: skip

    @classmethod
    def parse(cls, data: bytes) -> Footer:
        """Raises SealError."""
        magic, *values = _FOOTER.unpack(data)
        if magic != _MAGIC:
            raise SealError("not an index")
        return cls(*values)


class StoredIndex:
    """One index, read page by page: what it keeps in memory does not grow with the recording. For one thread."""

    def __init__(self, file: StoredFile, key: bytes) -> None:
        """`key` is the data key of the recording. Raises SealError."""
        self._file = file
        self._pages = SealedPages(
            file.read_at, file.size, lambda head: companion_key(key, head), PAGE_BYTES, _FOOTER.size
        )
        self.footer = footer = Footer.parse(self._pages.last)
        self.size = footer.served_bytes
        """Length of the file as it is served."""
        self.duration_s = footer.duration_s
        """How long it plays."""
        self._sources = Table(self._read_pages, footer.sources_at, footer.sources)
        self.places: Places = _Chunks(Table(self._read_pages, footer.chunks_at, footer.chunks), footer)
        """Where the chunks of the recording are."""

    def belongs_to(self, sealed_bytes: int, chain_head: str) -> bool:
        """Whether it was made from a file of this length that ends so; "" where nobody knows how it ends."""
        is_same_end = not chain_head or self.footer.chain_head.hex() == chain_head
        return self.footer.sealed_bytes == sealed_bytes and is_same_end

    def parts(self, start: int, length: int) -> Iterator[Part]:
        """What a range of the served file consists of. Raises BadIndexError."""
        end = min(self.size, start + length)
        while 0 <= start < end:
            found = self._sources.find(start)
            if found is None:
                raise BadIndexError
            following = self.size if found.next_key is None else found.next_key
            wanted = min(end, following) - start
            at = (found.value & ~IN_INDEX) + start - found.key
            yield self._read_pages(at, wanted) if found.value & IN_INDEX else (at, wanted)
            start += wanted

    def close(self) -> None:
        """Free the file."""
        self._file.close()

    def _read_pages(self, start: int, length: int) -> bytes:
        try:
            return self._pages.read(start, length)
        except SealError as error:
            raise BadIndexError from error


class _Chunks:
    """See crypto.sealing.Places."""

    def __init__(self, table: Table, footer: Footer) -> None:
        self._table = table
        self._footer = footer
        self.size = footer.clear_bytes
        self.is_complete = footer.is_complete

    def find(self, plain_offset: int) -> Place | None:
        """See Places."""
        found = self._table.find(plain_offset) if 0 <= plain_offset < self.size else None
        if found is None:
            return None
        plain_end = self.size if found.next_key is None else found.next_key
        return Place(found.number, found.value, found.key, plain_end - found.key, False)


def chunk_table(places: ScannedPlaces) -> tuple[array[int], array[int]]:
    """Keys and values of the table of chunks; an empty last chunk has nothing that is looked for."""
    numbers = range(len(places))
    found = [place for place in (places[number] for number in numbers) if place.plain_bytes]
    return array("Q", (place.plain_offset for place in found)), array("Q", (place.offset for place in found))
