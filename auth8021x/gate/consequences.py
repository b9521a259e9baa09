"""The one timer of the aftermath, and who carries its orders out."""

from __future__ import annotations

import asyncio
from typing import Protocol

from auth8021x.directory.events import Event
from auth8021x.gate.aftermath import Aftermath, DropCalls, Order


class Calls(Protocol):
    """Registrations and calls of all protocols, wired by the composition root."""

    def unregister(self, order: Order) -> None:
        """Forget what is registered from there."""

    def drop_calls(self, order: Order) -> None:
        """End the calls from there."""


class Consequences:
    """Give happened() to DirectoryKeeper.observe(). Close it."""

    def __init__(self, core: Aftermath, calls: Calls) -> None:
        self._core = core
        self._calls = calls
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def happened(self, event: Event) -> None:
        """Something happened in the directory."""
        self._core.happened(event, self._loop.time())
        self._work()

    def close(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._core.handle_timeout(self._loop.time())
        self._work()

    def _work(self) -> None:
        while (order := self._core.next_order()) is not None:
            if isinstance(order, DropCalls):
                self._calls.drop_calls(order)
            else:
                self._calls.unregister(order)
        self.close()
        due = self._core.next_timeout()
        if due is not None:
            self._timer = self._loop.call_at(due, self._due)
