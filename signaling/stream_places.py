"""Who may have a stream: so many in all, so many a source, and few that have not proved to be of use (sans-IO).

Half-open ones (a handshake under way, or nothing of use said yet) have few places, and the oldest makes way for the
next: who only holds connections open keeps nobody out.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

from signaling.tries import source_key


class StreamPlaces:
    """The places of one server."""

    def __init__(self, most: int, most_per_source: int, most_half_open: int, counters: Counter[str]) -> None:
        self._most = most
        self._most_per_source = most_per_source
        self._most_half_open = most_half_open
        self._counters = counters
        self._numbers = itertools.count(1)
        self._half_open: dict[int, Callable[[], object]] = {}
        self._sources: dict[int, str] = {}
        self._per_source: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, number: int) -> bool:
        return number in self._sources

    @property
    def half_open(self) -> int:
        """How many have proved nothing yet."""
        return len(self._half_open)

    def enter(self, address: str, end: Callable[[], object] | None = None) -> int | None:
        """A number for one more stream of this source, None where there is no place.

        `end` is called when an incoming one has to make way before it proved to be of use.
        """
        source = source_key(address)
        if self._per_source[source] >= self._most_per_source:
            self._counters["stream-too-many-of-source"] += 1
            return None
        if end is not None and len(self._half_open) >= self._most_half_open:
            self._make_way()
        if len(self._sources) >= self._most and not self._make_way():
            self._counters["stream-too-many"] += 1
            return None
        number = next(self._numbers)
        self._sources[number] = source
        self._per_source[source] += 1
        if end is not None:
            self._half_open[number] = end
        return number

    def ends_by(self, number: int, end: Callable[[], object]) -> None:
        """Another way to end it while it is half-open."""
        if number in self._half_open:
            self._half_open[number] = end

    def prove(self, number: int) -> None:
        """It is of use."""
        self._half_open.pop(number, None)

    def leave(self, number: int) -> None:
        """The stream of this number is no more."""
        self._half_open.pop(number, None)
        source = self._sources.pop(number, None)
        if source is not None:
            self._per_source[source] -= 1
            if not self._per_source[source]:
                del self._per_source[source]

    def _make_way(self) -> bool:
        if not self._half_open:
            return False
        number, end = next(iter(self._half_open.items()))
        self._counters["stream-made-way"] += 1
        end()
        self.leave(number)
        return True
