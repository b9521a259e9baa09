"""A selector for a busy packet loop: under load it lets packets gather for a moment, so that one round serves many."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable

GATHER_S = 0.0025
"""How long packets may wait for each other; sound and pictures come later by half of it on average."""
_WINDOW_S = 0.1
_BUSY_ROUNDS = 50
"""Rounds within a window from which on gathering pays."""
_CALM_ROUNDS = 20
"""Rounds within a window of gathering below which it does not pay any more."""


class Gathering:
    """When to wait: pure. Without load nothing is ever delayed."""

    __slots__ = ("_began", "_is_busy", "_looked", "_rounds")

    def __init__(self) -> None:
        self._is_busy = False
        self._rounds = 0
        self._began = self._looked = 0.0

    def wait_s(self, timeout_s: float | None, now: float) -> float:
        """How long to sleep before the loop looks at its descriptors; never beyond its next timer."""
        if not self._is_busy:
            return 0.0
        wait = self._looked + GATHER_S - now
        return wait if timeout_s is None else min(wait, timeout_s)

    def looked(self, now: float) -> None:
        """The loop has looked; something was there, or a timer is due."""
        self._looked = now
        self._rounds += 1
        if now - self._began >= _WINDOW_S:
            self._is_busy = self._rounds >= (_CALM_ROUNDS if self._is_busy else _BUSY_ROUNDS)
            self._began, self._rounds = now, 0


class GatheringSelector(selectors.EpollSelector):
    """epoll that waits as Gathering says; for asyncio.SelectorEventLoop."""

    def __init__(self) -> None:
        super().__init__()
        self._gathering = Gathering()
        self._clock: Callable[[], float] = time.monotonic

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See selectors.BaseSelector."""
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        wait = self._gathering.wait_s(timeout, self._clock())
        if wait > 0:
            time.sleep(wait)
            timeout = None if timeout is None else timeout - wait
        found = super().select(timeout)
        self._gathering.looked(self._clock())
        return found
