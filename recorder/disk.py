"""Writes a file on a thread of its own and syncs it about every second, so that a slow disk holds nobody up.

The thread wakes for what is to be written and, when nothing follows, once more to sync it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import queue
import threading
import time
from pathlib import Path

from recorder.tape import Mark

_SYNC_INTERVAL_S = 0.9
MAX_WAITING_BYTES = 32 << 20
"""About a minute of a recording; a disk that is further behind will not catch up."""


class DiskWriter:
    """One new file. `synced` is what would be left after a power cut; `error` is a word once it failed."""

    def __init__(self, path: Path, min_free_bytes: int) -> None:
        """Create the file; never overwrites one. Raises OSError."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        # Held until the file is closed: a server that starts anew does not mend what is still being written.
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._path = path
        self._min_free_bytes = min_free_bytes
        self._queue: queue.SimpleQueue[tuple[bytes, Mark] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._written: Mark | None = None
        self.synced = Mark(0, 0.0, "")
        self.error = ""
        self.is_low = False
        """Less is free than wanted, though enough to end the file in good order."""
        self.is_done = False
        self._thread = threading.Thread(target=self._run, name=f"disk-{path.stem}", daemon=True)
        self._thread.start()

    def put(self, data: bytes, mark: Mark) -> None:
        """Write `data`, at whose end `mark` holds; never blocks. After an error it is dropped."""
        with self._lock:
            self._waiting_bytes += len(data)
            if self._waiting_bytes > MAX_WAITING_BYTES and not self.error:
                self.error = "disk-too-slow"
        if not self.error:
            self._queue.put((data, mark))

    def finish(self) -> None:
        """Nothing follows: write what waits, sync, close; then `is_done`."""
        self._queue.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait until everything is on the disk."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        for step in (self._sync_folder, self._write_all, self._sync):
            try:
                step()
            except OSError as error:
                self.error = self.error or errno.errorcode.get(error.errno or 0, "disk-error").lower()
        os.close(self._descriptor)
        self.is_done = True

    def _write_all(self) -> None:
        next_sync = time.monotonic() + _SYNC_INTERVAL_S
        while not self.error:
            is_synced = self._written is None or self._written == self.synced
            try:
                item = self._queue.get(timeout=None if is_synced else max(0.0, next_sync - time.monotonic()))
            except queue.Empty:
                pass
            else:
                if item is None:
                    return
                self._write(*item)
            if time.monotonic() >= next_sync:
                self._sync()
                next_sync = time.monotonic() + _SYNC_INTERVAL_S

    def _write(self, data: bytes, mark: Mark) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        with self._lock:
            self._waiting_bytes -= len(data)
        self._written = mark

    def _sync(self) -> None:
        if self._written is None or self._written == self.synced:
            return
        mark = self._written
        os.fdatasync(self._descriptor)
        self.synced = mark
        disk = os.fstatvfs(self._descriptor)
        self.is_low = disk.f_bavail * disk.f_frsize < self._min_free_bytes

    def _sync_folder(self) -> None:
        sync_folder(self._path.parent)


def sync_folder(folder: Path) -> None:
    """A new name is safe only once its folder is synced: else a power cut takes the whole file, synced or not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
