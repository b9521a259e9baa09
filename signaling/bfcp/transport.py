"""Thin transports of one BFCP association: datagrams, or one TCP connection (RFC 8855 6)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Protocol

from signaling.bfcp.message import Splitter
from signaling.bfcp.ports import FloorPort

logger = logging.getLogger(__name__)

Address = tuple[str, int]
_MAX_DATAGRAM_BYTES = 2048
_BATCH = 16
_READ_BYTES = 4096
_MAX_UNSENT_BYTES = 65_536
_CONNECT_S = 5.0
_KEEP_ALIVE_S = 60


class Transport(Protocol):
    """What an association needs of a transport."""

    def send(self, data: bytes) -> None:
        """One message to the peer; dropped while there is nobody to send it to."""

    def close(self) -> None:
        """Free the socket."""


class UdpTransport:
    """Datagrams with one peer. It is taken from where SDP or signalling said, with the port that it really uses.

    Others may have its host: from another port only what `is_ours` says belongs to the association is listened to.
    """

    def __init__(
        self, port: FloorPort, remote: Address | None, hosts: set[str], receive: Callable[[bytes], None],
        is_ours: Callable[[bytes], bool],
    ) -> None:  # fmt: skip
        self.dropped = 0
        """Datagrams of strangers."""
        self._socket = port.udp
        self._remote = remote
        self._hosts = hosts
        self._receive = receive
        self._is_ours = is_ours
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    def send(self, data: bytes) -> None:
        """One datagram."""
        if self._remote is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(data, self._remote)

    def close(self) -> None:
        """Read no more; the port is its owner's."""
        self._loop.remove_reader(self._socket)

    def _read(self) -> None:
        for _ in range(_BATCH):
            try:
                data, source = self._socket.recvfrom(_MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                continue  # a port unreachable of an earlier send
            if source[0] in self._hosts and (source[:2] == self._remote or self._is_ours(data)):
                self._remote = source[:2]
                self._receive(data)
            else:
                self.dropped += 1


class TcpTransport:
    """One connection, the newest, made by either side; the active side makes a lost one again once a minute."""

    def __init__(
        self, port: FloorPort, remote: Address | None, hosts: set[str], receive: Callable[[bytes], None],
        *, connects: bool, connected: Callable[[], None],
    ) -> None:  # fmt: skip
        self.dropped = 0
        """Connections of strangers."""
        self._port = port
        self._remote = remote
        self._hosts = hosts
        self._receive = receive
        self._connected = connected
        self._writer: asyncio.StreamWriter | None = None
        self._serving: asyncio.Task[None] | None = None
        self._task = asyncio.get_running_loop().create_task(self._connect() if connects else self._listen())

    def send(self, data: bytes) -> None:
        """Queue a message; a peer that reads nothing loses its connection."""
        writer = self._writer
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
            writer.transport.abort()
        else:
            writer.write(data)

    def close(self) -> None:
        """End the connection."""
        self._task.cancel()
        if self._serving is not None:
            self._serving.cancel()
        if self._writer is not None:
            self._writer.close()

    async def _listen(self) -> None:
        self._port.listen()
        loop = asyncio.get_running_loop()
        while True:
            connection, source = await loop.sock_accept(self._port.tcp)
            if source[0] not in self._hosts:
                self.dropped += 1
                connection.close()
                continue
            # A terminal that comes again has lost its connection, whatever ours still looks like.
            if self._serving is not None:
                self._serving.cancel()
            self._serving = loop.create_task(self._serve(connection))

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        while self._remote is not None:
            family = socket.AF_INET6 if ":" in self._remote[0] else socket.AF_INET
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.setblocking(False)
            try:
                async with asyncio.timeout(_CONNECT_S):
                    await loop.sock_connect(connection, self._remote)
            except (OSError, TimeoutError) as error:
                connection.close()
                logger.info("no BFCP connection to %s: %s", self._remote[0], error)
            except asyncio.CancelledError:
                connection.close()
                raise
            else:
                await self._serve(connection)
            await asyncio.sleep(_KEEP_ALIVE_S)

    async def _serve(self, connection: socket.socket) -> None:
        """One connection until it ends."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEP_ALIVE_S)
        reader, writer = await asyncio.open_connection(sock=connection, limit=_READ_BYTES)
        self._writer = writer
        splitter = Splitter()
        self._connected()
        try:
            while not splitter.is_broken and (data := await reader.read(_READ_BYTES)):
                for each in splitter.feed(data):
                    self._receive(each)
        except OSError:
            logger.info("a BFCP connection was lost")
        finally:
            writer.close()
            if self._writer is writer:
                self._writer = None
