"""UDP sockets of the RADIUS client: one for every 256 requests that wait, each connected to its server."""

from __future__ import annotations

import logging
import socket
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from auth8021x.polling import PolledReader

logger = logging.getLogger(__name__)

Receive = Callable[[int, bytes], None]
"""Takes the lane and what came in on it."""
_BUFFER_BYTES: Final = 1 << 20


class UdpLanes:
    """The sockets towards one server; made when they are first used."""

    def __init__(
        self, address: str, port: int, receive: Receive, counters: Counter[str], batch: int, max_bytes: int
    ) -> None:
        self._remote = (address, port)
        self._receive = receive
        self._counters = counters
        self._batch = batch
        self._max_bytes = max_bytes
        self._sockets: dict[int, socket.socket] = {}
        self._readers: list[PolledReader] = []

    def send(self, lane: int, octets: bytes) -> None:
        """One datagram; what cannot be sent is counted, like one lost on the way."""
        try:
            made = self._sockets.get(lane) or self._open(lane)
            made.send(octets)
        except OSError:
            self._counters["udp-send-error"] += 1

    def close(self) -> None:
        """Close all sockets."""
        for reader in self._readers:
            reader.close()
        for each in self._sockets.values():
            each.close()
        self._readers.clear()
        self._sockets.clear()

    def _open(self, lane: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._remote[0] else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            made.connect(self._remote)  # so that nobody else's datagrams come in
        except OSError:
            made.close()
            raise
        self._sockets[lane] = made
        self._readers.append(PolledReader(made, partial(self._drain, lane, made), self._batch))
        return made

    def _drain(self, lane: int, made: socket.socket) -> int:
        for count in range(self._batch):
            try:
                octets = made.recv(self._max_bytes)
            except BlockingIOError:
                return count
            except OSError:
                self._counters["udp-receive-error"] += 1  # nobody listens there: an ICMP error of an earlier datagram
                continue
            self._receive(lane, octets)
        return self._batch
