"""Ends calls from which no media comes any more: a terminal that lost its power sends no BYE."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class SilenceWatch:
    """Calls `went_silent` once when nothing was heard for `limit_s` seconds, unless no media is expected (hold)."""

    def __init__(self, limit_s: float, went_silent: Callable[[], None]) -> None:
        self.expects_media = True
        self._limit_s = limit_s
        self._went_silent = went_silent
        self._timer: asyncio.TimerHandle | None = None

    def silent(self, silent_s: float) -> None:
        """Nothing was heard for so long already."""
        if self._timer is None:
            delay = max(0.0, self._limit_s - silent_s)
            self._timer = asyncio.get_running_loop().call_later(delay, self._run_out)

    def stop(self) -> None:
        """All is well again: watch no more until the next silent()."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run_out(self) -> None:
        self._timer = None
        if self.expects_media:
            self._went_silent()
        else:
            self.silent(0.0)
