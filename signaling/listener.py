"""A listening stream socket that gives away what it accepts before anything is spent on it."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable

Taker = Callable[[socket.socket, str], None]
"""Given an accepted socket and the numeric address of its peer; owns the socket."""
_BACKLOG = 512
_BATCH = 32
_PAUSE_S = 1.0


class Listener:
    """Accepts on one address until close()."""

    def __init__(self, what: str, address: str, port: int, take: Taker, counters: Counter[str]) -> None:
        """`what` is named in errors. Raises OSError."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._loop = asyncio.get_running_loop()
        self._take = take
        self._counters = counters
        self._resume: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.bind((address, port))
            self._socket.listen(_BACKLOG)
        except OSError as error:
            self._socket.close()
            raise OSError(error.errno, f"{what} on port {port} of {address}: {error.strerror}") from error
        self.local: tuple[str, int] = (address, self._socket.getsockname()[1])
        self._loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Accept no more; may be called by the taker."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._resume is not None:
            self._resume.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        for _ in range(_BATCH):
            try:
                accepted, remote = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no descriptors or no memory left: asking again at once would only burn time
                self._counters["stream-accept-failed"] += 1
                self._loop.remove_reader(self._socket)
                self._resume = self._loop.call_later(_PAUSE_S, self._loop.add_reader, self._socket, self._accept)
                return
            accepted.setblocking(False)
            self._take(accepted, remote[0])
            if self._is_closed:  # whoever took it wants no other
                return
