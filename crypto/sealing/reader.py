"""Reading a sealed file at any place."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from typing import Protocol

from crypto.sealing.chunk import Place, ReadAt, Sealer, SealError, places
from crypto.sealing.head import MAX_HEAD_BYTES, Head

_KEPT_CHUNKS = 16
"""1 MB for each reader: what is served jumps to and fro within a few seconds of the recording."""


class Places(Protocol):
    """Where the chunks of a file lie. It need not be trusted: a chunk opens only as what and where it was sealed."""

    size: int
    """Bytes of plain text."""
    is_complete: bool
    """Whether the file was finished."""

    def find(self, plain_offset: int) -> Place | None:
        """The chunk with this byte of the plain text; None behind the end."""


class ScannedPlaces:
    """Found by looking at each chunk, 16 bytes of memory for each."""

    def __init__(self, read_at: ReadAt, offset: int, size: int) -> None:
        """`offset` is the length of the head, `size` that of the file; a torn end is ignored."""
        self._plain = array("Q")
        self._sealed = array("Q")
        self.size = self.sealed_size = 0
        self.is_complete = False
        for place in places(read_at, offset, size):
            self._plain.append(place.plain_offset)
            self._sealed.append(place.offset)
            self.size, self.sealed_size = place.plain_offset + place.plain_bytes, place.end
            self.is_complete = place.is_last

    def __len__(self) -> int:
        return len(self._plain)

    def __getitem__(self, number: int) -> Place:
        is_end = number + 1 == len(self._plain)
        plain_end = self.size if is_end else self._plain[number + 1]
        start = self._plain[number]
        return Place(number, self._sealed[number], start, plain_end - start, is_end and self.is_complete)

    def find(self, plain_offset: int) -> Place | None:
        """See Places."""
        if not 0 <= plain_offset < self.size:
            return None
        return self[bisect_right(self._plain, plain_offset) - 1]


class SealReader:
    """Random access to the plain text of a sealed file; every chunk that is read is verified first."""

    def __init__(self, read_at: ReadAt, size: int, key: bytes, known: Places | None = None) -> None:
        """`size` is the length of the sealed file; what is after its last whole chunk is ignored. Raises SealError.

        Without `known` places all chunks are looked at.
        """
        self._read_at = read_at
        head = read_at(0, MAX_HEAD_BYTES)
        _, length = Head.parse(head)
        self._sealer = Sealer(key, head[:length])
        self._places: Places = ScannedPlaces(read_at, length, size) if known is None else known
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of plain text."""
        return self._places.size

    @property
    def is_complete(self) -> bool:
        """Whether the file was finished."""
        return self._places.is_complete

    @property
    def places(self) -> Places:
        """Where its chunks lie."""
        return self._places

    def read(self, start: int, length: int) -> bytes:
        """Plain text from `start`, shorter only at the end. Raises SealError for a chunk that was changed."""
        return b"".join(self.pieces(start, length))

    def pieces(self, start: int, length: int) -> list[memoryview]:
        """The same, as it lies in the chunks: for those who put it together with other things."""
        pieces: list[memoryview] = []
        while length > 0 and (place := self._places.find(start)) is not None:
            skip = start - place.plain_offset
            piece = memoryview(self._open(place))[skip : skip + length]
            if not piece:
                raise SealError("a chunk is shorter than its index says", place.offset, place.end)
            pieces.append(piece)
            start += len(piece)
            length -= len(piece)
        return pieces

    def _open(self, place: Place) -> bytes:
        plain = self._kept.get(place.number)
        if plain is None:
            plain = self._sealer.open(place.number, self._read_at(place.offset, place.end - place.offset))
            if plain is None:
                raise SealError("a chunk was changed", place.offset, place.end)
            self._kept[place.number] = plain
            if len(self._kept) > _KEPT_CHUNKS:
                self._kept.popitem(last=False)
        return plain
