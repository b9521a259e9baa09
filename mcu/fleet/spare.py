"""A process that is started before it is needed: Python takes longer to start than callers take to notice silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from mcu.fleet.process import WorkerProcess
from mcu.worker.messages import AnyMessage

logger = logging.getLogger(__name__)
_START_DELAY_S = 1.0
"""Somebody has just come in, or a process has just died: they go first."""
_RETRY_DELAY_S = 30.0

Heard = Callable[[AnyMessage], None]
Ended = Callable[[int], None]


class Spare:
    """One process in waiting while it `is_wanted`; `start(heard, ended)` makes it."""

    def __init__(self, start: Callable[[Heard, Ended], WorkerProcess]) -> None:
        self._start = start
        self._process: WorkerProcess | None = None
        self._made = 0
        """Which one `_process` is: one that was sent away may end after the next one was made."""
        self._timer: asyncio.TimerHandle | None = None
        self._is_wanted = False
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int:
        """Of the process in waiting; 0 where there is none."""
        return 0 if self._process is None else self._process.pid

    def want(self, is_wanted: bool) -> None:
        """Have one soon, or end the one there is."""
        self._is_wanted = is_wanted
        if is_wanted:
            self._prepare(_START_DELAY_S)
            return
        self._cancel()
        process, self._process = self._process, None
        if process is not None:
            task = asyncio.get_running_loop().create_task(process.stop())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def take(self, heard: Heard, ended: Ended) -> WorkerProcess | None:
        """The process in waiting, which speaks to these from now on; another one is made ready. None: there is none."""
        process, self._process = self._process, None
        if self._is_wanted:
            self._prepare(_START_DELAY_S)
        if process is not None:
            process.adopt(heard, ended)
        return process

    async def stop(self) -> None:
        """End it; return when it is gone."""
        self.want(False)
        await asyncio.gather(*self._ending)

    def _prepare(self, delay_s: float) -> None:
        if self._process is None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._make)

    def _make(self) -> None:
        self._timer = None
        self._made += 1
        try:
            self._process = self._start(_ignore, partial(self._lost, self._made))
        except OSError as error:  # no memory, no processes left: that may pass
            logger.warning("a spare process cannot be started: %s", error)
            self._prepare(_RETRY_DELAY_S)

    def _lost(self, number: int, status: int) -> None:
        if self._process is None or number != self._made:
            return
        logger.warning("process=%s pid=%d ended in waiting with status %d", self._process.name, self.pid, status)
        self._process = None
        if self._is_wanted:
            self._prepare(_RETRY_DELAY_S)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _ignore(message: AnyMessage) -> None:
    """Who waits has nothing to say."""
