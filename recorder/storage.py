"""Where files of recordings are kept: what the recorder and the library need of a disk, or of a store of objects."""

from __future__ import annotations

from typing import Protocol

RECORDING_SUFFIX = ".dtr"
"""Of the sealed file of a recording, behind its id."""
INDEX_SUFFIX = ".dti"
"""Of the index beside it."""
DRAFT_SUFFIX = ".part"
"""Of what is being made, and worth nothing before it has its name."""


class GrowingFile(Protocol):
    """A file while it is written, by one writer."""

    def append(self, data: bytes | bytearray) -> None:
        """Write at its end; what an error interrupts may be there in part. Raises OSError."""

    def sync(self) -> None:
        """What was appended outlives a power cut from now on, and so does its name. Raises OSError."""

    def close(self) -> None:
        """Nothing follows; others may mend it now. Idempotent."""


class StoredFile(Protocol):
    """A file that is read at any place, by several threads."""

    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes from `offset`, fewer only at the end. Raises OSError."""

    def close(self) -> None:
        """Free it; idempotent."""


class Storage(Protocol):
    """A flat folder of files that are written once, and then only renamed, cut or removed."""

    def create(self, name: str) -> GrowingFile:
        """A new file. Raises OSError, FileExistsError among them."""

    def open(self, name: str, patience_s: float = 0.0) -> StoredFile:
        """A file; one that is being written is waited for so long. Raises OSError, NoSuchFileError among them."""

    def rename(self, name: str, new: str) -> None:
        """Give a file its name, over a power cut, in the place of one that has it. Raises OSError."""

    def cut(self, name: str, size: int) -> None:
        """Take away what lies behind `size`. Raises OSError."""

    def remove(self, name: str) -> None:
        """Take away a file; nothing happens when there is none. Raises OSError."""

    def names(self) -> list[str]:
        """All files. Raises OSError."""

    def free_bytes(self) -> int:
        """How much can still be written. Raises OSError."""
