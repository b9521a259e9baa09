"""Growing delays after failed sign-ins, counted per user name and per source; a pure core with a bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LockoutPolicy:
    """When waiting starts and how it grows."""

    free_failures: int
    """Failures that cost nothing, as people mistype."""
    first_delay_s: float = 2.0
    """Delay after the first failure over the free ones; it doubles with each further one."""
    max_delay_s: float = 900.0
    forget_after_s: float = 3600.0
    """Failures older than this no longer count."""


@dataclass(slots=True)
class _Entry:
    failures: int = 0
    last_failure: float = 0.0
    open_at: float = 0.0


class Lockout:
    """Failures of many keys (user names or addresses); `now` is any monotonic clock in seconds."""

    def __init__(self, policy: LockoutPolicy, max_keys: int = 10_000) -> None:
        self._policy = policy
        self._max_keys = max_keys
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def retry_after_s(self, key: str, now: float) -> float:
        """How long `key` has to wait; 0 when it may try."""
        entry = self._entries.get(key)
        return max(0.0, entry.open_at - now) if entry else 0.0

    def fail(self, key: str, now: float) -> None:
        """Count a failure. Callers count before they check, so that parallel guesses gain nothing."""
        entry = self._entries.pop(key, None)
        if entry is None or now - entry.last_failure > self._policy.forget_after_s:
            entry = _Entry()
        entry.failures += 1
        entry.last_failure = now
        excess = entry.failures - self._policy.free_failures
        if excess > 0:
            delay = self._policy.first_delay_s * 2 ** min(excess - 1, 32)
            entry.open_at = now + min(delay, self._policy.max_delay_s)
        self._entries[key] = entry
        while len(self._entries) > self._max_keys:
            self._entries.popitem(last=False)

    def succeed(self, key: str) -> None:
        """Forget the failures of `key`."""
        self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)
