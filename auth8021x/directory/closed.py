"""Sessions that are over: an update that comes late opens none of them again. Pure."""

from __future__ import annotations

from collections import OrderedDict

Id = tuple[str, str, str]
"""Site, NAS and Acct-Session-Id."""


class Closed:
    """A bounded memory; past its bound the oldest is forgotten."""

    def __init__(self, max_entries: int, keep_s: float) -> None:
        self._max_entries = max_entries
        self._keep_s = keep_s
        self._until: OrderedDict[Id, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, session: Id) -> bool:
        return session in self._until

    def add(self, session: Id, now: float) -> None:
        """A session is over."""
        self._until[session] = now + self._keep_s
        self._until.move_to_end(session)
        if len(self._until) > self._max_entries:
            self._until.popitem(last=False)

    def expire(self, now: float) -> None:
        """Forget what is long over."""
        while self._until and next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)

    def forget(self, site: str, nas: str) -> None:
        """A NAS has started anew, and may count its sessions from the beginning."""
        for session in [each for each in self._until if each[:2] == (site, nas)]:
            del self._until[session]
