"""Ports for floor control: one number a terminal, for UDP and TCP alike, from a small configured range."""

from __future__ import annotations

import logging
import secrets
import socket

logger = logging.getLogger(__name__)

_MAX_TRIES = 100
_BACKLOG = 2


class FloorPort:
    """A bound UDP socket and a TCP socket of the same number that listens when it is asked to."""

    def __init__(self, udp: socket.socket, tcp: socket.socket) -> None:
        self.udp = udp
        self.tcp = tcp
        self.number: int = udp.getsockname()[1]

    def listen(self) -> None:
        """Take connections on the TCP socket."""
        self.tcp.listen(_BACKLOG)

    def close(self) -> None:
        """Give the number back."""
        self.udp.close()
        self.tcp.close()


class FloorPorts:
    """The range; the sockets themselves are the record of what is in use."""

    def __init__(self, first: int, last: int) -> None:
        self._first = first
        self._count = last - first + 1

    def take(self, address: str) -> FloorPort | None:
        """A free number at a local address; None when the range is used up."""
        start = secrets.randbelow(self._count)
        for offset in range(min(self._count, _MAX_TRIES)):
            port = self._first + (start + offset) % self._count
            try:
                return _bind(address, port)
            except OSError:
                continue
        logger.warning("no port left for floor control at %s", address)
        return None


def _bind(address: str, port: int) -> FloorPort:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    tcp = socket.socket(family, socket.SOCK_STREAM)
    try:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for each in (udp, tcp):
            each.setblocking(False)
            each.bind((address, port))
    except OSError:
        udp.close()
        tcp.close()
        raise
    return FloorPort(udp, tcp)
