"""Reading a recording as it is served; clear bytes exist only in what read() returns."""

from __future__ import annotations

import logging

from crypto.sealing import SealError, SealReader
from recorder.errors import BadFileError
from recorder.mp4 import IndexedFile
from recorder.storage import StoredFile

logger = logging.getLogger(__name__)


class RecordingReader:
    """One recording, opened for watching."""

    def __init__(self, file: StoredFile, reader: SealReader, index: IndexedFile) -> None:
        self._file = file
        self._reader = reader
        self._index = index

    @property
    def size(self) -> int:
        """Length in bytes of the MP4 file as it is served."""
        return self._index.size

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return self._index.duration_s

    def read(self, start: int, length: int) -> bytes:
        """`length` clear bytes from `start`, fewer only at the end; blocks. Raises BadFileError on a broken seal."""
        try:
            return self._index.read(self._reader.read, start, length)
        except SealError as error:
            raise BadFileError(str(error)) from error

    def close(self) -> None:
        """Free the file."""
        self._file.close()


def read_intact(reader: SealReader, name: str, start: int, length: int) -> bytes:
    """What can be read of a range; nothing of a broken one, so that the part before the damage can be watched."""
    try:
        return reader.read(start, length)
    except SealError as error:
        logger.warning("recording=%s is broken: %s", name, error)
        return b""
