"""Chunks that are not sealed: the format of sealed files with the cipher and the chain taken out, to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from crypto.sealing import chunk, pages, reader, writer
from crypto.sealing.chunk import LAST, OVERHEAD_BYTES, WORD, Sealer

_TAG_BYTES = 16
_START_BYTES = OVERHEAD_BYTES - _TAG_BYTES


class PlainSealer(Sealer):
    """Puts the plain text where the sealed one would be."""

    def seal(self, _number: int, link: bytes, plain: memoryview, out: memoryview, *, is_last: bool) -> bytes:
        """The same layout; the link does not change."""
        out[:_START_BYTES] = WORD.pack(len(plain) | (LAST if is_last else 0)) + link
        out[_START_BYTES : _START_BYTES + len(plain)] = plain
        return link

    def open(self, _number: int, chunk: bytes) -> bytes | None:
        """As it is."""
        return chunk[_START_BYTES:-_TAG_BYTES]


@contextmanager
def plain_chunks() -> Iterator[None]:
    """Meanwhile nothing in this process is sealed."""
    modules = (writer, reader, pages)
    for module in modules:
        module.__dict__["Sealer"] = PlainSealer
    try:
        yield
    finally:
        for module in modules:
            module.__dict__["Sealer"] = chunk.Sealer
