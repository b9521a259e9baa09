"""Identifiers of requests that wait (RFC 2865 3): 256 a socket, so that there are several sockets. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

PER_LANE: Final = 256
T = TypeVar("T")


class Identifiers(Generic[T]):
    """Those of one server. A lane is one socket or connection; a new one is used when all others are full."""

    def __init__(self, max_lanes: int) -> None:
        self._max_lanes = max_lanes
        self._free: list[deque[int]] = []
        self._waiting: dict[tuple[int, int], T] = {}

    def take(self, item: T) -> tuple[int, int] | None:
        """Lane and identifier of a request that will wait, None when there is none left.

        The identifier that was freed longest ago comes first, so that a late answer meets no new request.
        """
        for lane, free in enumerate(self._free):
            if free:
                identifier = free.popleft()
                self._waiting[lane, identifier] = item
                return lane, identifier
        if len(self._free) >= self._max_lanes:
            return None
        self._free.append(deque(range(PER_LANE)))
        return self.take(item)

    def find(self, lane: int, identifier: int) -> T | None:
        """What waits there."""
        return self._waiting.get((lane, identifier))

    def free(self, lane: int, identifier: int) -> None:
        """It waits no longer."""
        if self._waiting.pop((lane, identifier), None) is not None:
            self._free[lane].append(identifier)

    def of_lane(self, lane: int) -> list[T]:
        """All that waits on one lane."""
        return [item for (where, _), item in self._waiting.items() if where == lane]

    def __len__(self) -> int:
        return len(self._waiting)
