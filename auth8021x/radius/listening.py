"""UDP sockets that requests of RADIUS come in on; answers leave by the address that was asked."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

from auth8021x.polling import PolledReader
from auth8021x.radius.replies import Source

_BUFFER_BYTES: Final = 1 << 20
"""All terminals of a house ask at once when the power is back."""
_TURN_S: Final = 0.002
"""After which others get their turn, however many wait: one request may cost a signature, about 1 ms."""
_SO_RXQ_OVFL: Final = 40
_LOST: Final = struct.Struct("=I")
_LOST_SPACE: Final = socket.CMSG_SPACE(_LOST.size)


class Server(Protocol):
    """The core behind the sockets, as far as they need it."""

    counters: Counter[str]


class ListeningSockets:
    """One socket an address. A server derives its own and says in answer() what it sends back. Close it."""

    def __init__(self, addresses: Sequence[str], port: int, core: Server, batch: int, max_bytes: int) -> None:
        """`batch`: datagrams before others get their turn, at the latest.

        Raises OSError when an address or the port cannot be had.
        """
        self._counters = core.counters
        self._batch = batch
        self._max_bytes = max_bytes
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._readers: list[PolledReader] = []
        self._lost: dict[socket.socket, int] = {}
        """Datagrams that the kernel had no room for, by its own count."""
        try:
            for address in addresses:
                self._listen(address, port)
        except OSError:
            self.close()
            raise

    @property
    def ports(self) -> list[int]:
        """What is listened on, in the order of the addresses."""
        return [each.getsockname()[1] for each in self._sockets]

    def close(self) -> None:
        """Close all sockets."""
        for reader in self._readers:
            reader.close()
        for each in self._sockets:
            each.close()
        self._readers.clear()
        self._sockets.clear()
        self._lost.clear()

    def answer(self, octets: bytes, source: Source, now: float) -> bytes | None:
        """What is sent back on a datagram. `now` is monotonic."""
        raise NotImplementedError

    def _listen(self, address: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        self._sockets.append(made)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        made.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
        self._readers.append(PolledReader(made, partial(self._drain, made), self._batch))

    def _drain(self, made: socket.socket) -> int:
        """How many datagrams were there; all that fit into a turn where others may still wait."""
        ends_at = self._loop.time() + _TURN_S
        for count in range(self._batch):
            try:
                octets, said, _, source = made.recvmsg(self._max_bytes, _LOST_SPACE)
            except BlockingIOError:
                return count
            except OSError:
                self._counters["udp-receive-error"] += 1  # an ICMP error of an earlier answer
                continue
            if said:
                self._count_lost(made, said[0][2])
            now = self._loop.time()
            answer = self.answer(octets, (source[0], source[1]), now)
            if answer is not None:
                self._send(made, answer, source)
            if now >= ends_at:
                break
        return self._batch

    def _count_lost(self, made: socket.socket, said: bytes) -> None:
        """The kernel tells with the next datagram how many it has lost so far, modulo 2^32."""
        (lost,) = _LOST.unpack(said)
        self._counters["udp-receive-lost"] += (lost - self._lost.get(made, 0)) % (1 << 32)
        self._lost[made] = lost

    def _send(self, made: socket.socket, answer: bytes, source: tuple[str, int]) -> None:
        try:
            made.sendto(answer, source)
        except OSError:
            self._counters["udp-send-error"] += 1
