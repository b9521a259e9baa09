"""Records of accounting on disk: lines are added behind one another, and written anew when too many are of no use."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

from auth8021x.errors import MalformedPacketError
from auth8021x.radius import record as records
from auth8021x.radius.record import Record

_MODE: Final = 0o600
_COMPACT_BYTES: Final = 1 << 20
"""A file below it is left as it is."""


class Journal:
    """One file. All methods block; nothing of it runs on the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damaged = 0
        """Lines that could not be read: the machine lost power while the last one was written."""
        self._is_torn = False
        """The last write may have ended within a line: the disk was full."""

    def load(self) -> list[Record]:
        """What has not been delivered, in its order; the file is written anew. Raises OSError."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        found: dict[int, Record] = {}
        if self._path.exists():
            with self._path.open("rb") as file:
                while text := file.readline(records.MAX_LINE_BYTES):
                    self._read(text, found)
        kept = sorted(found.values(), key=lambda each: each.number)
        self.compact(kept)
        return kept

    def write(self, added: Iterable[Record], removed: Iterable[int]) -> int:
        """Add lines and see that they are on the disk; the size of the file. Raises OSError."""
        lines = [*map(records.line, added), *map(records.removal, removed)]
        if self._is_torn:
            lines.insert(0, b"\n")
        self._is_torn = True
        with self._open(self._path, os.O_APPEND) as file:
            file.write(b"".join(lines))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        self._is_torn = False
        return size

    def compact(self, kept: Iterable[Record]) -> None:
        """Write the file anew with these records alone. Raises OSError."""
        new = self._path.with_suffix(".new")
        with self._open(new, os.O_TRUNC) as file:
            file.writelines(map(records.line, kept))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        self._is_torn = False
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @staticmethod
    def is_wasteful(size: int, kept: int) -> bool:
        """Whether a file of this size is worth writing anew for so many records."""
        return size > _COMPACT_BYTES + kept * records.MAX_LINE_BYTES // 8

    def _read(self, text: bytes, found: dict[int, Record]) -> None:
        if text == b"\n":
            return
        try:
            read = records.parse(text.rstrip(b"\n"))
        except MalformedPacketError:
            self.damaged += 1
            return
        if isinstance(read, Record):
            found[read.number] = read
        else:
            found.pop(read, None)

    @staticmethod
    def _open(path: Path, flag: int) -> BinaryIO:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | flag, _MODE), "ab" if flag == os.O_APPEND else "wb")
