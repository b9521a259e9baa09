"""Messages that wait for their turn: every source has one after the other, however many each has sent (sans-IO)."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """A queue for each source, served in turn; over `most` in all, the longest queue loses its newest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._queues: OrderedDict[str, deque[T]] = OrderedDict()
        self._count = 0
        self.dropped = 0

    def __len__(self) -> int:
        return self._count

    def put(self, source: str, item: T) -> None:
        """Let a message wait behind those of its own source."""
        self._queues.setdefault(source, deque()).append(item)
        self._count += 1
        if self._count > self._most:
            longest = max(self._queues, key=lambda name: len(self._queues[name]))
            self._queues[longest].pop()
            self.dropped += 1
            self._taken(longest)

    def next(self) -> T | None:
        """The oldest message of the source whose turn it is."""
        if not self._queues:
            return None
        source, queue = next(iter(self._queues.items()))
        item = queue.popleft()
        self._queues.move_to_end(source)
        self._taken(source)
        return item

    def _taken(self, source: str) -> None:
        self._count -= 1
        if not self._queues[source]:
            del self._queues[source]
