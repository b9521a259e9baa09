"""Wrong passwords, counted by name and device and by name alone, in bounded tables. Pure.

Certificates cannot be guessed, so that who has one is never kept out by somebody who guesses.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

_Key = tuple[str, str]
_ANYWHERE: Final = ""


@dataclass(slots=True)
class _Count:
    since: float
    failures: int = 0


class Tries:
    """A count begins with a wrong password and ends `window_s` later, or with a right one."""

    def __init__(self, per_station: int, per_identity: int, window_s: float, max_entries: int) -> None:
        self._per_station = per_station
        self._per_identity = per_identity
        self._window_s = window_s
        self._max_entries = max_entries
        self._counts: OrderedDict[_Key, _Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def are_spent(self, identity: str, station: str, now: float) -> bool:
        """Whether no password for this name from this device is looked at any more."""
        name = identity.casefold()
        return (
            self._failures((name, station), now) >= self._per_station
            or self._failures((name, _ANYWHERE), now) >= self._per_identity
        )

    def failed(self, identity: str, station: str, now: float) -> None:
        """Count a wrong password."""
        name = identity.casefold()
        for key in ((name, station), (name, _ANYWHERE)):
            if self._failures(key, now) == 0:
                self._counts.pop(key, None)  # the table is in the order of beginnings
                self._counts[key] = _Count(now)
            self._counts[key].failures += 1
        while len(self._counts) > self._max_entries:
            self._counts.popitem(last=False)

    def passed(self, identity: str, station: str) -> None:
        """Forget what this device mistyped; what others guessed at this name stays counted."""
        self._counts.pop((identity.casefold(), station), None)

    def _failures(self, key: _Key, now: float) -> int:
        found = self._counts.get(key)
        return found.failures if found is not None and now - found.since < self._window_s else 0
