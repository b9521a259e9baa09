"""SIP over UDP: one socket a local address, drained in batches (reference: half the cost of a datagram protocol)."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from signaling.errors import TransportError
from signaling.sip.transactions.transaction import Flow

Receiver = Callable[[bytes, Flow], None]
_MAX_DATAGRAM_BYTES = 65_535
_BUFFER_BYTES = 1 << 20
_MAX_FLOWS = 1024
_BUDGET_S = 0.002
"""So long one socket may hold the loop in one go."""


class UdpSocket:
    """A bound socket that hands every datagram to `receive`, and calls `drained` when it has handed over some."""

    def __init__(
        self,
        address: str,
        port: int,
        receive: Receiver,
        drained: Callable[[], None],
        counters: Counter[str],
        batch: int,
    ) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._socket.bind((address, port))
        except OSError as error:
            self._socket.close()
            raise OSError(error.errno, f"SIP on UDP port {port} of {address}: {error.strerror}") from error
        self.local: tuple[str, int] = (address, self._socket.getsockname()[1])
        self._receive = receive
        self._drained = drained
        self._counters = counters
        self._batch = batch
        self._flow_of = lru_cache(_MAX_FLOWS)(self._make_flow)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._drain)

    def send(self, data: bytes, remote: tuple[str, int]) -> None:
        """Send one datagram. Raises TransportError when the address cannot be reached."""
        try:
            self._socket.sendto(data, remote)
        except BlockingIOError:
            self._counters["udp-send-full"] += 1  # like a datagram lost on the way
        except (OSError, UnicodeError, OverflowError) as error:
            raise TransportError(type(error).__name__) from error

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _make_flow(self, address: str, port: int) -> Flow:
        return Flow("udp", self.local, (address, port))

    def _drain(self) -> None:
        until = self._loop.time() + _BUDGET_S
        for _ in range(self._batch):
            try:
                data, remote = self._socket.recvfrom(_MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except OSError:
                self._counters["udp-receive-error"] += 1  # an ICMP error of an earlier datagram
                continue
            self._receive(data, self._flow_of(remote[0], remote[1]))
            if self._loop.time() >= until:
                break
        self._drained()
