"""Sessions that are over: an update that comes late opens none of them again. Pure.

Some switches give a device that is back soon the Acct-Session-Id that it had (hostapd). Only their own clock tells that
it is a new session: Event-Timestamp (RFC 2869 5.3).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

Id = tuple[str, str, str]
"""Site, NAS and Acct-Session-Id."""


@dataclass(slots=True)
class _Over:
    until: float
    """When it is forgotten."""
    epoch: int
    """Of its NAS."""
    told_at: int | None
    """Event-Timestamp of the last that was told of it."""
    is_told: bool
    """Its switch said itself that it is over."""


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
        self._until: OrderedDict[Id, _Over] = OrderedDict()
        self._nas: dict[tuple[str, str], _Nas] = {}

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, session: Id) -> bool:
        found = self._until.get(session)
        return found is not None and found.epoch == self._nas[session[:2]].epoch

    def begins_anew(self, session: Id, told_at: int | None, *, is_start: bool) -> bool:
        """Whether what is told now is of a new session with the identifier of one that is over.

        It has to be later than all that was told of that one; a mere update counts only where its switch had said that
        it was over, since a switch that was ordered to end it may go on with updates.
        """
        found = self._until.get(session)
        if found is None or told_at is None or found.told_at is None:
            return False
        return told_at > found.told_at and (is_start or found.is_told)

    def add(self, session: Id, now: float, told_at: int | None = None, *, is_told: bool = False) -> None:
        """A session is over."""
        nas = self._nas.setdefault(session[:2], _Nas())
        before = self._until.get(session)
        nas.entries += before is None
        if before is not None and before.epoch == nas.epoch:
            told_at = max((each for each in (told_at, before.told_at) if each is not None), default=None)
        self._until[session] = _Over(now + self._keep_s, nas.epoch, told_at, is_told)
        self._until.move_to_end(session)
        if len(self._until) > self._max_entries:
            self._drop_oldest()

    def discard(self, session: Id) -> None:
        """It has begun anew."""
        if session in self._until:
            self._drop(session)

    def expire(self, now: float) -> None:
        """Forget what is long over."""
        while self._until and next(iter(self._until.values())).until <= now:
            self._drop_oldest()

    def forget(self, site: str, nas: str) -> None:
        """A NAS has started anew, and may count its sessions from the beginning."""
        found = self._nas.get((site, nas))
        if found is not None:
            found.epoch += 1

    def _drop_oldest(self) -> None:
        self._drop(next(iter(self._until)))

    def _drop(self, session: Id) -> None:
        del self._until[session]
        nas = self._nas[session[:2]]
        nas.entries -= 1
        if not nas.entries:
            del self._nas[session[:2]]
