"""How many calls may be signalled here at once: in all, of one source, and of those whom nobody knows (sans-IO)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from config.h323 import H323Settings
from signaling.tries import source_key


class CallPlaces:
    """The places of a server; calls of ours take places, too, but none is refused to them."""

    def __init__(self, settings: H323Settings, counters: Counter[str]) -> None:
        self._settings = settings
        self._counters = counters
        self._sources: dict[Hashable, str] = {}
        self._strangers: set[Hashable] = set()
        self._per_source: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._sources)

    def refusal(self, source: str, *, is_limited: bool, is_known: bool) -> str:
        """Why there is none for a call of this source (ReleaseCompleteReason); "" when there is one."""
        settings = self._settings
        if len(self._sources) >= settings.max_signalled_calls:
            found = "call-too-many"
        elif is_limited and self._per_source[source_key(source)] >= settings.max_signalled_calls_per_source:
            found = "call-too-many-of-source"
        elif not is_known and len(self._strangers) >= settings.max_stranger_calls:
            found = "call-too-many-of-strangers"
        else:
            return ""
        self._counters[found] += 1
        return "gatewayResources"

    def enter(self, call: Hashable, source: str, *, is_known: bool) -> None:
        """It takes one."""
        key = self._sources[call] = source_key(source)
        self._per_source[key] += 1
        if not is_known:
            self._strangers.add(call)

    def leave(self, call: Hashable) -> None:
        """It is over."""
        self._strangers.discard(call)
        key = self._sources.pop(call, None)
        if key is not None:
            self._per_source[key] -= 1
            if not self._per_source[key]:
                del self._per_source[key]
