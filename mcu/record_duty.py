"""Recording that nobody waits for: begun by the room's policy or after a loss, and tried again where it has to be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from mcu.taping import RegisterError

logger = logging.getLogger(__name__)
_RETRY_S = 15.0
"""A room that has to be recorded is tried again so often."""


class RecordDuty:
    """Who comes in or hangs up meanwhile neither delays nor cancels it.

    Where recording is impossible people meet all the same: a consultation is worth more than its recording.
    """

    def __init__(self, room: str, start: Callable[[str], Awaitable[None]], has_to: Callable[[], bool]) -> None:
        """`start` records, and raises RegisterError; `has_to` tells whether to try again after that."""
        self._room = room
        self._start = start
        self._has_to = has_to
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def later(self, by: str, delay_s: float = 0.0) -> None:
        """Record in `delay_s` seconds, instead of when it was planned before."""
        self.forget()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._now, by)

    def forget(self) -> None:
        """Do not, after all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _now(self, by: str) -> None:
        self._timer = None
        self._task = asyncio.get_running_loop().create_task(self._try(by))

    async def _try(self, by: str) -> None:
        try:
            await self._start(by)
        except RegisterError as error:
            logger.error("room=%s is not recorded: %s", self._room, error.reason)
            if self._has_to():
                self.later(by, _RETRY_S)
