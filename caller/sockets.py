"""The UDP port pair of one stream."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
from collections import deque
from collections.abc import Callable

_RECEIVE_BUFFER_BYTES = 1 << 20
_TRIES = 100
MAX_EARLY = 512
"""Datagrams kept until the answer tells their keys: media may overtake it (RFC 3264 5.1)."""

Receiver = Callable[[bytes], None]


class _Port(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.receiver: Receiver | None = None
        self.early: deque[bytes] = deque(maxlen=MAX_EARLY)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - SRTP tells
        if self.receiver is not None:
            self.receiver(data)
        else:
            self.early.append(data)

    def error_received(self, exc: Exception) -> None:
        """ICMP unreachable while the peer starts or stops: the counters of the stream tell enough."""


async def _bind(address: str, number: int) -> tuple[asyncio.DatagramTransport, _Port]:
    loop = asyncio.get_running_loop()
    transport, port = await loop.create_datagram_endpoint(_Port, local_addr=(address, number))
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    return transport, port


class PortPair:
    """RTP and RTCP sockets of one address: an even port and the odd one behind it (RFC 3550 11), any that are free."""

    def __init__(self, transports: list[asyncio.DatagramTransport], ports: list[_Port], loss: float = 0.0) -> None:
        """`loss` is the share of packets that is thrown away in each direction."""
        self._transports = transports
        self._ports = ports
        self._loss = loss

    @classmethod
    async def open(cls, address: str, loss: float = 0.0) -> PortPair:
        """Bind both. Raises OSError."""
        for _ in range(_TRIES):
            rtp, first = await _bind(address, 0)
            number = rtp.get_extra_info("sockname")[1]
            try:
                if number % 2 == 0:
                    rtcp, second = await _bind(address, number + 1)
                    return cls([rtp, rtcp], [first, second], loss)
            except OSError:
                pass  # somebody has it: another pair
            rtp.close()
        raise OSError(errno.EADDRINUSE, "no pair of free UDP ports")

    @property
    def numbers(self) -> tuple[int, int]:
        """The RTP and the RTCP port."""
        rtp, rtcp = (transport.get_extra_info("sockname")[1] for transport in self._transports)
        return rtp, rtcp

    def listen(self, receiver: Receiver) -> None:
        """Give datagrams of both ports to `receiver`, those first that came already."""
        for port in self._ports:
            while port.early:
                receiver(port.early.popleft())
            port.receiver = self._lossy(receiver) if self._loss else receiver

    def send(self, is_rtcp: bool, data: bytes, remote: tuple[str, int]) -> None:
        """Send from the RTP or the RTCP port."""
        if self._loss and random.random() < self._loss:
            return
        self._transports[is_rtcp].sendto(data, remote)

    def _lossy(self, receiver: Receiver) -> Receiver:
        def receive(data: bytes) -> None:
            if random.random() >= self._loss:
                receiver(data)

        return receive

    def close(self) -> None:
        """Free both ports."""
        for transport in self._transports:
            transport.close()
