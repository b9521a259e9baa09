"""Lines of an audit that strangers can cause: so many a minute, then only their number."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

_WINDOW_S: Final = 60.0
_MAX_SHOWN: Final = 64


class AuditLines:
    """Writes to a logger; `clock` gives monotonic seconds, `what` says in the plural what is counted."""

    def __init__(self, audit: logging.Logger, per_minute: int, clock: Callable[[], float], what: str = "lines") -> None:
        self._audit = audit
        self._limit = per_minute
        self._clock = clock
        self._what = what
        self._began = clock()
        self._written = 0
        self._unsaid = 0
        self.suppressed = 0
        """Lines that were not written; cumulative."""

    def write(self, level: int, text: str, *values: object) -> None:
        """One line, if there is room for it in this minute."""
        self.flush()
        if self._written >= self._limit:
            self.suppressed += 1
            self._unsaid += 1
            return
        self._written += 1
        self._audit.log(level, text, *values)

    def flush(self) -> None:
        """Begin a new minute where the last one is over, and say how much was not written in it."""
        now = self._clock()
        if now - self._began < _WINDOW_S:
            return
        if self._unsaid:
            self._audit.warning("%d further %s in the last %.0f s", self._unsaid, self._what, now - self._began)
        self._began, self._written, self._unsaid = now, 0, 0


def shown(text: str) -> str:
    """What a peer wrote, fit for a line."""
    text = text[:_MAX_SHOWN]
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
