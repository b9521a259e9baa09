"""Sockets that are read when they are ready, and under load once a millisecond, as drivers of network cards do (NAPI).

One round of the loop then serves what many terminals have sent; without load nothing waits.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

POLL_S: Final = 0.001
_WINDOW_S: Final = 0.1
_BUSY_ROUNDS_PER_S: Final = 2000.0
"""Rounds of the loop for one socket from which on polling pays."""
_WORTH_READS: Final = 2.0
"""Frames or datagrams for each poll below which it does not pay any more."""


class Load:
    """Whether polling pays: pure."""

    def __init__(self) -> None:
        self.is_high = False
        self._began = 0.0
        self._rounds = self._reads = 0

    def looked(self, reads: int, now: float) -> None:
        """The socket was looked at and held so many; what follows is decided once in a while."""
        self._rounds += 1
        self._reads += reads
        lasted_s = now - self._began
        if lasted_s < _WINDOW_S:
            return
        if self.is_high:
            self.is_high = self._reads >= _WORTH_READS * self._rounds
        else:
            self.is_high = self._rounds >= _BUSY_ROUNDS_PER_S * lasted_s
        self._began, self._rounds, self._reads = now, 0, 0


class PolledReader:
    """Has a socket drained. Close it before the socket."""

    def __init__(self, read: socket.socket, drain: Callable[[], int], most: int) -> None:
        """`drain` reads what is there, `most` at a time, and says how many it was; it may close the reader."""
        self._socket = read
        self._drain = drain
        self._most = most
        self._load = Load()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._loop.add_reader(read, self._ready)

    @property
    def polls(self) -> bool:
        """Whether it looks by the clock."""
        return self._timer is not None

    def close(self) -> None:
        """Read no more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        else:
            self._loop.remove_reader(self._socket)

    def _ready(self) -> None:
        self._load.looked(self._drain(), self._loop.time())
        if self._load.is_high and not self._is_closed:
            self._loop.remove_reader(self._socket)
            self._timer = self._loop.call_later(POLL_S, self._poll)

    def _poll(self) -> None:
        reads = self._drain()
        self._load.looked(reads, self._loop.time())
        if self._is_closed:
            return
        if self._load.is_high:
            self._timer = self._loop.call_later(0.0 if reads >= self._most else POLL_S, self._poll)
        else:
            self._timer = None
            self._loop.add_reader(self._socket, self._ready)
