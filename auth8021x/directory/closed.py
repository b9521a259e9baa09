"""Sessions that are over: an update that comes late opens none of them again. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

Id = tuple[str, str, str]
"""Site, NAS and Acct-Session-Id."""


@dataclass(slots=True)
class _Nas:
    epoch: int = 0
    """Counts how often it has started anew: what is remembered from an earlier epoch counts no more."""
    entries: int = 0


class Closed:
    """A bounded memory; past its bound the oldest is forgotten."""

    def __init__(self, max_entries: int, keep_s: float) -> None:
        self._max_entries = max_entries
        self._keep_s = keep_s
        self._until: OrderedDict[Id, tuple[float, int]] = OrderedDict()
        """When it is forgotten, and the epoch of its NAS."""
        self._nas: dict[tuple[str, str], _Nas] = {}

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, session: Id) -> bool:
        found = self._until.get(session)
        return found is not None and found[1] == self._nas[session[:2]].epoch

    def add(self, session: Id, now: float) -> None:
        """A session is over."""
        nas = self._nas.setdefault(session[:2], _Nas())
        nas.entries += session not in self._until
        self._until[session] = (now + self._keep_s, nas.epoch)
        self._until.move_to_end(session)
        if len(self._until) > self._max_entries:
            self._drop_oldest()

    def expire(self, now: float) -> None:
        """Forget what is long over."""
        while self._until and next(iter(self._until.values()))[0] <= now:
            self._drop_oldest()

    def forget(self, site: str, nas: str) -> None:
        """A NAS has started anew, and may count its sessions from the beginning."""
        found = self._nas.get((site, nas))
        if found is not None:
            found.epoch += 1

    def _drop_oldest(self) -> None:
        session, _ = self._until.popitem(last=False)
        nas = self._nas[session[:2]]
        nas.entries -= 1
        if not nas.entries:
            del self._nas[session[:2]]
