"""Which source each decoder thread works on, in memory that outlives a crash: the control process reads it afterwards.

A memory file of a few 8-byte words, one a thread; a word is a stream number, 0 while the thread decodes nothing. The
control process makes it and hands its descriptor down; one aligned word is written in one go, so no lock is needed.
"""

from __future__ import annotations

import mmap
import os

MAX_THREADS = 16
_WORD_BYTES = 8
_SIZE_BYTES = MAX_THREADS * _WORD_BYTES


class InFlight:
    """One record of sources in decoders, seen by both processes. Owns its descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, _SIZE_BYTES)
        self._words = memoryview(self._map).cast("Q")

    @classmethod
    def create(cls) -> InFlight:
        """A new record; pass fileno() down to the process that decodes."""
        descriptor = os.memfd_create("drumtower-inflight")
        os.truncate(descriptor, _SIZE_BYTES)
        return cls(descriptor)

    @classmethod
    def attach(cls, descriptor: int) -> InFlight:
        """The record that another process made. Raises ValueError or OSError where `descriptor` is none."""
        return cls(descriptor)

    def fileno(self) -> int:
        """The memory file, to be inherited by a child."""
        return self._descriptor

    def enter(self, thread: int, stream: int) -> None:
        """Thread number `thread` (0..15) begins to decode `stream`."""
        self._words[thread] = stream

    def leave(self, thread: int) -> None:
        """Thread number `thread` came back unharmed."""
        self._words[thread] = 0

    def take(self) -> tuple[int, ...]:
        """The streams that were in decoders when the process ended, each once; the record is empty afterwards."""
        found = tuple(sorted({word for word in self._words if word}))
        for thread in range(MAX_THREADS):
            self._words[thread] = 0
        return found

    def close(self) -> None:
        """Let go of the memory and the descriptor."""
        self._words.release()
        self._map.close()
        os.close(self._descriptor)
