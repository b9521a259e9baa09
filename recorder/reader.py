"""Reading a recording as it is served; clear bytes exist only in what read() returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from crypto.sealing import SealError, SealReader
from recorder.errors import BadFileError, BadIndexError
from recorder.mp4 import Part


class Shape(Protocol):
    """How a clear file is served: recorder.mp4.IndexedFile, recorder.index.StoredIndex."""

    size: int
    """Length in bytes as it is served."""
    duration_s: float

    def parts(self, start: int, length: int) -> Iterator[Part]:
        """What a range of the served file consists of."""


class RecordingReader:
    """One recording, opened for watching, by one thread at a time."""

    def __init__(
        self, reader: SealReader, shape: Shape, close: Callable[[], None], on_bad_index: Callable[[], None]
    ) -> None:
        """`close` frees the files; `on_bad_index` is called when the stored index turns out to be broken."""
        self._reader = reader
        self._shape = shape
        self._close = close
        self._on_bad_index = on_bad_index

    @property
    def size(self) -> int:
        """Length in bytes of the MP4 file as it is served."""
        return self._shape.size

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return self._shape.duration_s

    def read(self, start: int, length: int) -> bytes:
        """`length` clear bytes from `start`, fewer only at the end; blocks. Raises BadFileError on a broken seal."""
        found: list[bytes | memoryview] = []
        try:
            for part in self._shape.parts(start, length):
                if isinstance(part, bytes):
                    found.append(part)
                else:
                    found += self._reader.pieces(*part)
            return b"".join(found)
        except SealError as error:
            raise BadFileError(str(error)) from error
        except BadIndexError:
            self._on_bad_index()
            raise

    def close(self) -> None:
        """Free the files."""
        self._close()
