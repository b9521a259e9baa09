"""Memory that nobody uses, given back to the system: glibc keeps what was freed in pieces for whoever comes next."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_INTERVAL_S = 2.0


class Returner:
    """Gives back what was freed when half of what was in use is not any more; made before the process is confined."""

    def __init__(self, trim: Callable[[], object] | None = None) -> None:
        self._trim = trim or _malloc_trim()
        self._peak = 0.0
        self._done = 0
        self._at_s = float("-inf")

    def take(self, in_use: float, done: int, now_s: float) -> bool:
        """Tell how many things are in use and how much was ever done with them; whether memory was given back."""
        self._peak = max(self._peak, in_use)
        # Trimming holds the locks of the allocator for some milliseconds: not for every encoder that ends.
        is_as_before = done == self._done and in_use == self._peak
        if is_as_before or in_use > self._peak / 2 or now_s - self._at_s < _INTERVAL_S:
            return False
        self._peak, self._done, self._at_s = in_use, done, now_s
        self._trim()
        return True


def _malloc_trim() -> Callable[[], object]:
    """malloc_trim(3) where the C library has it."""
    function = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return (lambda: None) if function is None else (lambda: function(0))
