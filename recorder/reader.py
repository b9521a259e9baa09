"""Reading a sealed recording: the file, the clear bytes as they are served, and waiting for who still writes it."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from pathlib import Path

from crypto.sealing import SealError, SealReader
from recorder.errors import BadFileError, NoSuchFileError
from recorder.mp4 import IndexedFile

logger = logging.getLogger(__name__)
_CLOSING_S = 5.0


class RecordingReader:
    """One recording, opened for watching; clear bytes exist only in what read() returns."""

    def __init__(self, file: SealedFile, reader: SealReader, index: IndexedFile) -> None:
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


class SealedFile:
    """A file read at any place, by several threads."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, NoSuchFileError among them."""
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NoSuchFileError from error
        self.size = os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes from `offset`, fewer only at the end."""
        return os.pread(self._descriptor, length, offset)

    def close(self) -> None:
        """Free the descriptor; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def wait_until_closed(path: Path) -> None:
    """A recorder whose server was killed finishes its file first. Raises OSError when it does not within 5 s."""
    with path.open("rb") as file:
        deadline_s = time.monotonic() + _CLOSING_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.05)


def read_intact(reader: SealReader, name: str, start: int, length: int) -> bytes:
    """What can be read of a range; nothing of a broken one, so that the part before the damage can be watched."""
    try:
        return reader.read(start, length)
    except SealError as error:
        logger.warning("recording=%s is broken: %s", name, error)
        return b""
