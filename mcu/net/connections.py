"""Which TCP connections may stay: how many, how long without a check of ICE, how long in silence."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from mcu.net.ice import Address


@dataclass(slots=True)
class _Connection:
    opened_us: int
    heard_us: int


class Connections:
    """The register of one listener. What has not passed a check of ICE yet makes room for newcomers."""

    def __init__(
        self, *, max_connections: int, max_per_source: int, check_s: float, idle_s: float, counters: Counter[str]
    ) -> None:
        self._max_connections = max_connections
        self._max_per_source = max_per_source
        self._check_us = int(check_s * 1e6)
        self._idle_us = int(idle_s * 1e6)
        self._counters = counters
        self._unchecked: OrderedDict[Address, _Connection] = OrderedDict()
        self._checked: dict[Address, _Connection] = {}
        self._per_source: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._unchecked) + len(self._checked)

    def open(self, remote: Address, now_us: int) -> tuple[bool, Address | None]:
        """Whether a new connection may stay, and which older one has to go for it."""
        if self._per_source[remote[0]] >= self._max_per_source:
            self._counters["tcp-source-full"] += 1
            return False, None
        evicted = None
        if len(self) >= self._max_connections:
            evicted = next(iter(self._unchecked), None)
            self._counters["tcp-full"] += 1
            if evicted is None:
                return False, None
            self.close(evicted)
        self._unchecked[remote] = _Connection(now_us, now_us)
        self._per_source[remote[0]] += 1
        return True, evicted

    def heard(self, remote: Address, now_us: int) -> None:
        """Bytes came from one that has passed a check; unknown ones are ignored."""
        connection = self._checked.get(remote)
        if connection is None:
            connection = self._unchecked.pop(remote, None)
            if connection is None:
                return
            self._checked[remote] = connection
        connection.heard_us = now_us

    def close(self, remote: Address) -> None:
        """A connection is gone; unknown ones are ignored."""
        known = self._unchecked.pop(remote, None) or self._checked.pop(remote, None)
        if known is None:
            return
        self._per_source[remote[0]] -= 1
        if not self._per_source[remote[0]]:
            del self._per_source[remote[0]]

    def overdue(self, now_us: int, has_leg: Callable[[Address], bool]) -> list[Address]:
        """Those that passed no check in time, were silent for too long, or whose leg is gone."""
        late = [remote for remote, each in self._unchecked.items() if now_us - each.opened_us > self._check_us]
        left = [remote for remote in self._checked if not has_leg(remote)]
        idle = [
            remote
            for remote, each in self._checked.items()
            if now_us - each.heard_us > self._idle_us and has_leg(remote)
        ]
        for reason, those in (("tcp-unchecked", late), ("tcp-idle", idle)):
            if those:
                self._counters[reason] += len(those)
        return late + left + idle
