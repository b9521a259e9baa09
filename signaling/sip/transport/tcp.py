"""SIP over TCP: listeners, connections in both directions, and their limits (RFC 3261 18.3, RFC 5626 3.5.1)."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from config.sip import SipSettings
from signaling.errors import MalformedMessage, TransportError
from signaling.sip.framing import PONG, StreamFramer
from signaling.sip.transaction import Flow

logger = logging.getLogger(__name__)

Receiver = Callable[[bytes, Flow], None]
Failed = Callable[[], None]
_MAX_WAITING = 32
_SWEEP_S = 5.0


class Connection(asyncio.Protocol):
    """One connection; it belongs to its TcpTransport."""

    def __init__(self, owner: TcpTransport, local: tuple[str, int]) -> None:
        self.number = owner.next_number()
        self._owner = owner
        self._local = local
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self.flow = Flow("tcp", local, ("", 0), self.number)
        self.opened_at = self.heard_at = asyncio.get_running_loop().time()
        self.has_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or close it at once over the limits."""
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        self._transport = transport
        self.flow = replace(self.flow, remote=(peer[0], peer[1]))
        if not self._owner.admit(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Cut out messages; a stream that cannot be followed ends."""
        self.heard_at = asyncio.get_running_loop().time()
        try:
            messages = self._framer.receive(data)
        except MalformedMessage:
            self._owner.counters["tcp-bad-stream"] += 1
            self.close()
            return
        for _ in range(self._framer.pings):
            self.send(PONG)
        self._framer.pings = 0
        for message in messages:
            self.has_message = True
            self._owner.receive(message, self.flow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._owner.lost(self, exc)

    def send(self, data: bytes) -> None:
        """Queue bytes; a peer that does not read is cut off."""
        if self._transport is None or self._transport.is_closing():
            raise TransportError("connection closed")
        if self._transport.get_write_buffer_size() + len(data) > self._owner.settings.max_unsent_bytes:
            self._owner.counters["tcp-slow-peer"] += 1
            self._transport.abort()
            raise TransportError("peer does not read")
        self._transport.write(data)

    def close(self) -> None:
        """End the connection after what waits was sent."""
        if self._transport is not None:
            self._transport.close()


class TcpTransport:
    """All TCP connections of a server; call start() for each local address, send() for each message."""

    def __init__(self, settings: SipSettings, receive: Receiver, counters: Counter[str]) -> None:
        self.settings = settings
        self.receive = receive
        self.counters = counters
        self._numbers = itertools.count(1)
        self._servers: list[asyncio.Server] = []
        self._connections: dict[int, Connection] = {}
        self._connecting: dict[tuple[str, int], tuple[asyncio.Task[None], list[tuple[bytes, Failed]]]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._is_stopped = False

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    async def start(self, local: tuple[str, int]) -> None:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self, local), local[0], local[1], backlog=128)
        self._servers.append(server)
        if self._sweep is None:
            self._sweep = loop.call_later(_SWEEP_S, self._close_idle)

    async def stop(self) -> None:
        """Close listeners and connections."""
        self._is_stopped = True
        if self._sweep is not None:
            self._sweep.cancel()
        for server in self._servers:
            server.close()
        tasks = [task for task, _ in self._connecting.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in list(self._connections.values()):
            connection.close()
        await asyncio.sleep(0)  # connection_lost is called from the loop

    def send(self, data: bytes, flow: Flow, failed: Failed) -> None:
        """Send on the connection of `flow`, another one to the same address, or a new one; `failed` comes later."""
        connection = self._connections.get(flow.connection) or self._to(flow.remote)
        try:
            if connection is not None:
                connection.send(data)
                return
            self._connect(data, flow, failed)
        except TransportError:
            asyncio.get_running_loop().call_soon(failed)

    def next_number(self) -> int:
        """A number for a new connection."""
        return next(self._numbers)

    def admit(self, connection: Connection) -> bool:
        """Whether the limits allow one more."""
        source = connection.flow.remote[0]
        same = sum(other.flow.remote[0] == source for other in self._connections.values())
        if len(self._connections) >= self.settings.max_connections or same >= self.settings.max_connections_per_source:
            self.counters["tcp-too-many-connections"] += 1
            return False
        self._connections[connection.number] = connection
        return True

    def lost(self, connection: Connection, error: Exception | None) -> None:
        """The connection ended."""
        self._connections.pop(connection.number, None)
        if error is not None:
            self.counters["tcp-reset"] += 1

    def _to(self, remote: tuple[str, int]) -> Connection | None:
        return next((item for item in self._connections.values() if item.flow.remote == remote), None)

    def _connect(self, data: bytes, flow: Flow, failed: Failed) -> None:
        if self._is_stopped:
            raise TransportError("stopped")
        if flow.remote in self._connecting:
            waiting = self._connecting[flow.remote][1]
            if len(waiting) >= _MAX_WAITING:
                raise TransportError("too many messages wait")
            waiting.append((data, failed))
            return
        if len(self._connecting) + len(self._connections) >= self.settings.max_connections:
            self.counters["tcp-too-many-connections"] += 1
            raise TransportError("too many connections")
        task = asyncio.get_running_loop().create_task(self._open(flow))
        self._connecting[flow.remote] = (task, [(data, failed)])

    async def _open(self, flow: Flow) -> None:
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self, flow.local), *flow.remote, local_addr=(flow.local[0], 0)
                )
            connection.has_message = True
        except (OSError, TimeoutError) as error:
            self.counters["tcp-connect-failed"] += 1
            logger.info("flow=tcp:%s:%d connecting failed: %s", *flow.remote, type(error).__name__)
        finally:
            _, waiting = self._connecting.pop(flow.remote)
        for data, failed in waiting:
            try:
                if connection is None:
                    raise TransportError("not connected")
                connection.send(data)
            except TransportError:
                failed()

    def _close_idle(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._connections.values()):
            is_mute = not connection.has_message and now - connection.opened_at > self.settings.first_message_s
            if is_mute or now - connection.heard_at > self.settings.idle_s:
                self.counters["tcp-idle"] += 1
                connection.close()
        self._sweep = loop.call_later(_SWEEP_S, self._close_idle)
