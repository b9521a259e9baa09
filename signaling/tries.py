"""Who tried how often: pure counters of wrong passcodes per call, per source and per room, each in a bounded table.

No clock inside: every method is given `now` in seconds of one monotonic clock.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

from config.gate import GateSettings

Entry = TypeVar("Entry")


class Recent(Generic[Entry]):
    """The entries used last, at most `size` of them; `evicted` counts the others."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.evicted = 0

    def get(self, key: str) -> Entry | None:
        """The entry of `key`, which thereby becomes the newest."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: str, entry: Entry) -> Entry:
        """Keep `entry`; the oldest one leaves where the table is full."""
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
            self.evicted += 1
        return entry

    def discard(self, key: str) -> None:
        """Forget `key`."""
        self._entries.pop(key, None)

    def items(self) -> Iterator[tuple[str, Entry]]:
        """A copy of what is there, oldest first."""
        return iter(list(self._entries.items()))

    def __len__(self) -> int:
        return len(self._entries)


class CallTries:
    """Passcodes tried in one call."""

    def __init__(self, settings: GateSettings) -> None:
        self._limit = settings.tries_per_call
        self._calls: Recent[int] = Recent(settings.max_calls)

    def charge(self, call: str) -> bool:
        """Take one try before the passcode is looked at; False when none is left."""
        used = self._calls.get(call) or 0
        if used >= self._limit:
            return False
        self._calls.put(call, used + 1)
        return True

    def refund(self, call: str) -> None:
        """Give the try back: it was right."""
        used = self._calls.get(call) or 0
        if used > 1:
            self._calls.put(call, used - 1)
        else:
            self._calls.discard(call)

    def left(self, call: str) -> int:
        """Tries that remain."""
        return self._limit - (self._calls.get(call) or 0)

    def __len__(self) -> int:
        return len(self._calls)


@dataclass(slots=True)
class _Source:
    failures: int
    last_failure: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How a source is treated now: wait `delay_s` before the answer, or, with `retry_after_s`, refuse at once."""

    delay_s: float = 0.0
    retry_after_s: float = 0.0


_AT_ONCE = Pace()


class SourceTries:
    """Failures of one source, whichever room and call they concern."""

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._sources: Recent[_Source] = Recent(settings.max_sources)

    def failed(self, source: str, now: float) -> None:
        """Count one failure."""
        found = self._current(source, now)
        self._sources.put(source, _Source(found.failures + 1 if found else 1, now))

    def passed(self, source: str, now: float) -> None:
        """A right passcode makes up for one failure.

        A hospital calls from one address (a NAT, a SIP proxy): who mistypes there must not keep the others out. Whoever
        guesses with the help of a room of their own gains little: the room that they guess at is blocked all the same.
        """
        found = self._current(source, now)
        if found is not None and found.failures > 1:
            found.failures -= 1
        elif found is not None:
            self._sources.discard(source)

    def pace(self, source: str, now: float) -> Pace:
        """Slow at first, then refused for growing pauses."""
        found = self._current(source, now)
        settings = self._settings
        if found is None or found.failures <= settings.source_free_failures:
            return _AT_ONCE
        if found.failures < settings.source_refused_failures:
            steps = found.failures - settings.source_free_failures - 1
            return Pace(delay_s=_doubled(settings.source_delay_s, steps, settings.source_max_delay_s))
        steps = found.failures - settings.source_refused_failures
        pause_s = _doubled(settings.source_pause_s, steps, settings.source_max_pause_s)
        remaining_s = found.last_failure + pause_s - now
        return Pace(retry_after_s=remaining_s) if remaining_s > 0 else Pace(delay_s=settings.source_max_delay_s)

    def _current(self, source: str, now: float) -> _Source | None:
        found = self._sources.get(source)
        if found is not None and now - found.last_failure > self._settings.source_forgotten_s:
            self._sources.discard(source)
            return None
        return found

    def __len__(self) -> int:
        return len(self._sources)


@dataclass(slots=True)
class _Room:
    failures: deque[float] = field(default_factory=deque)
    blocked_until: float | None = None
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A room that strangers cannot find for a while."""

    room: str
    remaining_s: float
    blocks: int
    """How many blocks in a row, this one included."""


class RoomTries:
    """Wrong passcodes of one room, and its block. Only rooms that exist have an entry."""

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._rooms: Recent[_Room] = Recent(settings.max_rooms)

    def failed(self, number: str, now: float) -> Block | None:
        """Count one wrong passcode; the block, where this one begins it."""
        settings = self._settings
        room = self._current(number, now) or self._rooms.put(number, _Room())
        room.failures.append(now)
        while room.failures and room.failures[0] <= now - settings.room_window_s:
            room.failures.popleft()
        if len(room.failures) <= settings.room_failures or self.is_blocked(number, now):
            while len(room.failures) > settings.room_failures:
                room.failures.popleft()
            return None
        duration_s = _doubled(settings.room_block_s, room.blocks, settings.room_max_block_s)
        room.blocks += 1
        room.blocked_until = now + duration_s
        room.failures.clear()
        return Block(number, duration_s, room.blocks)

    def is_blocked(self, number: str, now: float) -> bool:
        """Whether strangers are told that there is no such room."""
        room = self._current(number, now)
        return room is not None and room.blocked_until is not None and now < room.blocked_until

    def unblock(self, number: str, now: float) -> bool:
        """End the block and forget what was counted; False when the room was not blocked.

        The next block still lasts longer than this one: whoever was guessing may come back.
        """
        room = self._current(number, now)
        if room is None or not self.is_blocked(number, now):
            return False
        room.blocked_until = now
        room.failures.clear()
        return True

    def blocked(self, now: float) -> list[Block]:
        """All rooms that are blocked now."""
        return [
            Block(number, room.blocked_until - now, room.blocks)
            for number, room in self._rooms.items()
            if room.blocked_until is not None and now < room.blocked_until
        ]

    def _current(self, number: str, now: float) -> _Room | None:
        room = self._rooms.get(number)
        if room is None:
            return None
        end = room.blocked_until
        if end is not None and now - end > self._settings.room_forgotten_s:
            room.blocked_until, room.blocks = None, 0
        return room

    def __len__(self) -> int:
        return len(self._rooms)


@lru_cache(maxsize=8192)
def source_key(address: str) -> str:
    """What counts as one source: an IPv4 address, or the /64 of an IPv6 address (one customer's network)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


def _doubled(first_s: float, steps: int, most_s: float) -> float:
    return min(most_s, first_s * 2.0 ** min(steps, 40))
