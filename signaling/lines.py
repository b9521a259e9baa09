"""Admissions of one source stand in line, so that guessing in parallel gains nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


class LineFull(Exception):
    """Too many stand in this line, or in all lines together."""


@dataclass(slots=True)
class _Line:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Lines:
    """One line a source, all of them bounded; a line exists only while somebody stands in it."""

    def __init__(self, *, most: int, most_per_source: int) -> None:
        self._most = most
        self._most_per_source = most_per_source
        self._lines: dict[str, _Line] = {}
        self._length = 0

    @asynccontextmanager
    async def turn(self, source: str) -> AsyncIterator[None]:
        """Wait until those before are done. Raises LineFull at once."""
        line = self._lines.get(source) or _Line()
        if self._length >= self._most or line.length >= self._most_per_source:
            raise LineFull(source)
        self._lines[source] = line
        line.length += 1
        self._length += 1
        try:
            async with line.turn:
                yield
        finally:
            line.length -= 1
            self._length -= 1
            if line.length == 0:
                del self._lines[source]

    def __len__(self) -> int:
        return self._length
