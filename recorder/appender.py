"""What goes into the file of one recording, when it is synced, and how it fails; blocks as its disk does."""

from __future__ import annotations

import errno

from recorder.forecast import SpaceForecast
from recorder.storage import GrowingFile, Storage
from recorder.tape import Mark

SYNC_INTERVAL_S = 0.9


class Appender:
    """One new file. `synced` is what would be left after a power cut; `error` is a word once it failed."""

    def __init__(self, storage: Storage, name: str, min_free_bytes: int) -> None:
        """Create the file; never overwrites one. Raises OSError."""
        self._storage = storage
        self._file: GrowingFile = storage.create(name)
        self._forecast = SpaceForecast(min_free_bytes)
        self._written: Mark | None = None
        self._next_sync_s = 0.0
        self.synced = Mark(0, 0.0, "")
        self.error = ""

    @property
    def is_low(self) -> bool:
        """Whether less is free than wanted, though enough to end the file in good order."""
        return self._forecast.is_low

    @property
    def left_s(self) -> float | None:
        """How long the disk lasts, as far as anybody can say."""
        return self._forecast.left_s

    def append(self, data: bytes | bytearray, mark: Mark, now_s: float) -> None:
        """Write `data`, at whose end `mark` holds; nothing more after an error."""
        if self.error:
            return
        try:
            self._file.append(data)
            if self._written is None:
                self._next_sync_s = now_s + SYNC_INTERVAL_S
            self._written = mark
        except OSError as error:
            self._fail(error)
        self.handle_timeout(now_s)

    def next_timeout(self) -> float | None:
        """When to call handle_timeout; None while everything is synced."""
        is_synced = self.error or self._written is None or self._written == self.synced
        return None if is_synced else self._next_sync_s

    def handle_timeout(self, now_s: float) -> None:
        """Sync when it is time."""
        due_s = self.next_timeout()
        if due_s is not None and now_s >= due_s:
            self._sync(now_s)
            self._next_sync_s = now_s + SYNC_INTERVAL_S

    def finish(self) -> None:
        """Sync what was written, after an error, too, and close the file."""
        if self._written is not None and self._written != self.synced:
            self._sync(None)
        self._file.close()

    def _sync(self, now_s: float | None) -> None:
        try:
            self._file.sync()
            self.synced = self._written or self.synced
            if now_s is not None:
                self._forecast.note(now_s, self._storage.free_bytes(), self.synced.size_bytes)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        word = "disk-full" if is_full else errno.errorcode.get(error.errno or 0, "disk-error").lower()
        self.error = self.error or word
