"""Writes a file on a thread of its own, so that a slow disk holds nobody up.

The thread wakes for what is to be written and, when nothing follows, once more to sync it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from recorder.appender import Appender
from recorder.storage import Storage
from recorder.tape import Mark

MAX_WAITING_BYTES = 32 << 20
"""About a minute of a recording; a disk that is further behind will not catch up."""


class DiskWriter:
    """One new file. `synced` is what would be left after a power cut; `error` is a word once it failed."""

    def __init__(
        self, storage: Storage, name: str, min_free_bytes: int, afterwards: Callable[[], object] = lambda: None
    ) -> None:
        """Create the file; never overwrites one. Raises OSError.

        `afterwards` is called on the thread of the file, once it is closed without an error.
        """
        self._appender = Appender(storage, name, min_free_bytes)
        self._afterwards = afterwards
        self._queue: queue.SimpleQueue[tuple[bytes | bytearray, Mark] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._is_too_slow = False
        self.is_done = False
        """Whether the file is closed."""
        self._thread = threading.Thread(target=self._run, name=f"disk-{name}", daemon=True)
        self._thread.start()

    @property
    def synced(self) -> Mark:
        """What would be left after a power cut."""
        return self._appender.synced

    @property
    def error(self) -> str:
        """What went wrong, "" while nothing did."""
        return self._appender.error or ("disk-too-slow" if self._is_too_slow else "")

    @property
    def is_low(self) -> bool:
        """Whether less is free than wanted, though enough to end the file in good order."""
        return self._appender.is_low

    @property
    def left_s(self) -> float | None:
        """How long the disk lasts, as far as anybody can say."""
        return self._appender.left_s

    @property
    def is_gone(self) -> bool:
        """Whether its thread has ended."""
        return not self._thread.is_alive()

    def put(self, data: bytes | bytearray, mark: Mark) -> None:
        """Write `data`, at whose end `mark` holds; never blocks. After an error it is dropped."""
        with self._lock:
            self._waiting_bytes += len(data)
            self._is_too_slow = self._is_too_slow or self._waiting_bytes > MAX_WAITING_BYTES
        if not self.error:
            self._queue.put((data, mark))

    def finish(self) -> None:
        """Nothing follows: write what waits, sync, close; then `is_done`."""
        self._queue.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait until everything is on the disk, and what comes afterwards is done."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self.error:
            due_s = self._appender.next_timeout()
            try:
                item = self._queue.get(timeout=None if due_s is None else max(0.0, due_s - time.monotonic()))
            except queue.Empty:
                self._appender.handle_timeout(time.monotonic())
                continue
            if item is None:
                break
            self._appender.append(*item, time.monotonic())
            with self._lock:
                self._waiting_bytes -= len(item[0])
        self._appender.finish()
        self.is_done = True
        if not self.error:
            self._afterwards()
