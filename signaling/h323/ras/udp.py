"""UDP sockets of RAS: the gatekeeper's own port, and the group in which terminals look for one (H.225.0 7.8)."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from typing import Final

from signaling.h323.ras.address import Address

MULTICAST: Final[Address] = ("224.0.1.41", 1718)
"""Gatekeeper discovery (H.225.0 7.8.1)."""
_IP_MULTICAST_ALL: Final = 49
"""Linux; Python has no name for it."""
_BUFFER_BYTES: Final = 1 << 20
_BUDGET_S: Final = 0.002
"""So long one socket may hold the loop in one go."""

Receiver = Callable[[bytes, Address], None]


def bind(address: str, port: int) -> socket.socket:
    """A socket of our own address. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        made.bind((address, port))
    except OSError as error:
        made.close()
        raise OSError(error.errno, f"RAS on UDP port {port} of {address}: {error.strerror}") from error
    return made


def join(address: str) -> socket.socket:
    """A socket of the discovery group on the interface of this IPv4 address. Raises OSError."""
    group, port = MULTICAST
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        made.bind((group, port))
        membership = socket.inet_aton(group) + socket.inet_aton(address)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except OSError as error:
        made.close()
        raise OSError(error.errno, f"discovery of the gatekeeper on {address}: {error.strerror}") from error
    return made


class RasSocket:
    """Hands every datagram of a bound socket, which it owns, to `receive`."""

    def __init__(
        self, made: socket.socket, receive: Receiver, counters: Counter[str], batch: int, max_bytes: int
    ) -> None:
        self._socket = made
        self._receive = receive
        self._counters = counters
        self._batch = batch
        self._max_bytes = max_bytes
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(made, self._drain)

    @property
    def local(self) -> Address:
        """What it is bound to."""
        name = self._socket.getsockname()
        return name[0], name[1]

    def send(self, octets: bytes, remote: Address) -> None:
        """Send one datagram; what cannot be sent is counted, like one lost on the way."""
        try:
            self._socket.sendto(octets, remote)
        except (OSError, UnicodeError, OverflowError):
            self._counters["udp-send-error"] += 1

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _drain(self) -> None:
        until = self._loop.time() + _BUDGET_S
        for _ in range(self._batch):
            try:
                # One octet more than is allowed tells a datagram that is too long from one that just fits.
                octets, remote = self._socket.recvfrom(self._max_bytes + 1)
            except BlockingIOError:
                return
            except OSError:
                self._counters["udp-receive-error"] += 1  # an ICMP error of an earlier datagram
                continue
            self._receive(octets, (remote[0], remote[1]))
            if self._loop.time() >= until:
                return
