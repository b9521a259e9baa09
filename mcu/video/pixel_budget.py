"""How many pixels the pictures of all sources of one process may have together; where they have more, the largest go.

The senders decide how large their pictures are: without a bound few of them could keep every decoding thread busy, and
fill the memory with reference pictures, at the cost of all others.
"""

from __future__ import annotations

import threading


class PixelBudget:
    """Shared by all sources, whose threads call it at any time."""

    def __init__(self, pixels: int) -> None:
        """`pixels` are those of one picture of each source, added up."""
        self._left = pixels
        self._held: dict[int, int] = {}
        self._lock = threading.Lock()

    def take(self, stream: int, pixels: int) -> bool:
        """Whether a source may have pictures of this size from now on; larger ones of others make room where needed.

        A source that made room finds out by its next call.
        """
        if self._held.get(stream) == pixels:
            return True
        with self._lock:
            self._release(stream)
            if pixels > self._left:
                largest = max(self._held, key=lambda each: self._held[each], default=stream)
                if self._held.get(largest, 0) <= pixels:
                    return False
                self._release(largest)
            self._held[stream] = pixels
            self._left -= pixels
            return True

    def release(self, stream: int) -> None:
        """The source is decoded no more."""
        with self._lock:
            self._release(stream)

    def _release(self, stream: int) -> None:
        self._left += self._held.pop(stream, 0)
