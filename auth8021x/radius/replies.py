"""Replies that are remembered (RFC 5080 2.2.2): a request that comes again is answered again, and done once. Pure."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum, auto

import msgspec

Source = tuple[str, int]


class Seen(Enum):
    """What is known of a request."""

    NEW = auto()
    AGAIN = auto()
    """The same from the same place: its answer, if there is one by now, may be sent again."""
    REPLAYED = auto()
    """The same from elsewhere: somebody has recorded it."""
    TOO_MANY = auto()
    """Nothing more can be remembered, so that nothing more is taken."""


class _Entry(msgspec.Struct, gc=False, eq=False):
    source: Source
    expires_at: float
    reply: bytes | None = None

    def __repr__(self) -> str:
        return f"_Entry({self.source!r}, {self.expires_at})"


class Replies:
    """Requests of all clients, by client, code, identifier and authenticator."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def check(self, key: bytes, source: Source, now: float, keep_s: float) -> tuple[Seen, bytes | None]:
        """Take note of a request whose authenticator was right; the reply where it has been answered already."""
        self._expire(now)
        found = self._entries.get(key)
        if found is not None:
            return (Seen.AGAIN, found.reply) if found.source == source else (Seen.REPLAYED, None)
        if len(self._entries) >= self._max_entries:
            return Seen.TOO_MANY, None
        self._entries[key] = _Entry(source, now + keep_s)
        return Seen.NEW, None

    def answered(self, key: bytes, reply: bytes) -> None:
        """Keep what a request was answered."""
        found = self._entries.get(key)
        if found is not None:
            found.reply = reply

    def forget(self, key: bytes) -> None:
        """Nothing was done on a request: where it comes again, it is as new."""
        self._entries.pop(key, None)

    def _expire(self, now: float) -> None:
        while self._entries:
            key, oldest = next(iter(self._entries.items()))
            if oldest.expires_at > now:
                return
            del self._entries[key]
