"""Watches the carrier of our ports: who pulls the plug is out, and the next one at the socket has to prove itself."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Iterable
from typing import Final

from auth8021x.ports.link_messages import GROUP_LINK, Carriers

logger = logging.getLogger(__name__)

_MAX_DATAGRAM_BYTES: Final = 1 << 16
_BATCH: Final = 64
_ASK_AGAIN_S: Final = 0.2
"""After a list that the kernel did not give, or messages that were lost."""


class CarrierWatch:
    """Tells `changed` of each interface that comes up (also those that are up already) or goes down. Close it."""

    def __init__(self, interfaces: Iterable[str], changed: Callable[[str, bool], None]) -> None:
        """Raises OSError where netlink cannot be had."""
        self.carriers = Carriers(interfaces)
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        try:
            self._socket.setblocking(False)
            self._socket.bind((0, GROUP_LINK))
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._drain)
        self._ask()

    def close(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _drain(self) -> None:
        for _ in range(_BATCH):
            try:
                data, source = self._socket.recvfrom(_MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    self.carriers.counters["link-receive-error"] += 1
                self.carriers.lost()
                break
            if source[0] == 0:  # of the kernel itself, not of another process
                for name, is_up in self.carriers.receive(data):
                    self._tell(name, is_up)
        if self._timer is None:
            self._timer = self._loop.call_later(_ASK_AGAIN_S, self._ask)

    def _tell(self, name: str, is_up: bool) -> None:
        try:
            self._changed(name, is_up)
        except Exception:
            # One port must not keep the next from hearing that its line is gone: nobody says it again.
            logger.exception("port=%s", name)

    def _ask(self) -> None:
        """For the list, where there is one to be asked for."""
        self._timer = None
        request = self.carriers.request()
        if request is None:
            return
        try:
            self._socket.send(request)
        except OSError:
            self.carriers.unsent()
            self._timer = self._loop.call_later(_ASK_AGAIN_S, self._ask)
