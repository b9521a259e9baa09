"""SIP over TCP: accepting, connecting, and one connection for all messages to the same peer (RFC 3261 18)."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

from signaling.errors import TransportError
from signaling.listener import Listener
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport.connection import Connection
from signaling.sip.transport.connections import Connections

logger = logging.getLogger(__name__)

Failed = Callable[[], None]
_MAX_WAITING = 32
_Target = tuple[tuple[str, int], str]


class TcpTransport:
    """All TCP of a server; call listen() for each local address, send() for each message."""

    name = "tcp"

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._settings = connections.settings
        self._counters = connections.counters
        self._listeners: list[Listener] = []
        self._accepting: set[asyncio.Task[None]] = set()
        self._connecting: dict[_Target, tuple[asyncio.Task[None], list[tuple[bytes, Failed]]]] = {}
        self._is_stopped = False

    def listen(self, address: str, port: int) -> tuple[str, int]:
        """Listen; the address and port. Raises OSError."""
        listener = Listener(f"SIP over {self.name.upper()}", address, port, self._accepted, self._counters)
        self._listeners.append(listener)
        return listener.local

    async def stop(self) -> None:
        """Close listeners, and whatever is not a connection yet."""
        self._is_stopped = True
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        tasks = [*self._accepting, *(task for task, _ in self._connecting.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def send(self, data: bytes, flow: Flow, failed: Failed) -> None:
        """Send on the connection of `flow`, another one to the same peer, or a new one; `failed` comes later."""
        connections = self._connections
        connection = connections.get(flow) or connections.to(self.name, flow.remote, self._peer_name(flow))
        try:
            if connection is not None:
                connection.send(data, failed)
                return
            self._connect(data, flow, failed)
        except TransportError:
            asyncio.get_running_loop().call_soon(failed)

    # ---- what TLS does otherwise ------------------------------------------------------------------------------

    def _peer_name(self, flow: Flow) -> str:
        """For whom a connection is made; without certificates for nobody in particular."""
        return flow.host

    async def _wrap(self, accepted: socket.socket, connection: Connection) -> None:
        """Make an accepted socket a connection. Raises OSError."""
        await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, accepted)

    async def _dial(self, connection: Connection) -> None:
        """Connect. Raises OSError, TransportError."""
        flow = connection.flow
        await asyncio.get_running_loop().create_connection(
            lambda: connection, *flow.remote, local_addr=(flow.local[0], 0)
        )

    # ---- in ---------------------------------------------------------------------------------------------------

    def _accepted(self, accepted: socket.socket, address: str) -> None:
        local = accepted.getsockname()
        try:
            peer = accepted.getpeername()
        except OSError:  # gone already
            accepted.close()
            return
        task: asyncio.Task[None] | None = None

        def make_way() -> None:
            if task is not None:
                task.cancel()

        number = self._connections.enter(address, make_way)
        if number is None:
            accepted.close()
            return
        flow = Flow(self.name, (local[0], local[1]), (peer[0], peer[1]))
        connection = Connection(self._connections, number, flow, is_incoming=True)
        task = asyncio.get_running_loop().create_task(self._take(accepted, connection))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _take(self, accepted: socket.socket, connection: Connection) -> None:
        try:
            await self._wrap(accepted, connection)
        except OSError as error:  # ssl.SSLError is one
            self._counters[f"{self.name}-accept-failed"] += 1
            logger.debug("flow=%s:%s not accepted: %s", self.name, connection.flow.remote[0], type(error).__name__)
            self._connections.leave(connection.number)
        except asyncio.CancelledError:
            self._connections.leave(connection.number)
            raise

    # ---- out --------------------------------------------------------------------------------------------------

    def _connect(self, data: bytes, flow: Flow, failed: Failed) -> None:
        target = (flow.remote, self._peer_name(flow))
        if self._is_stopped:
            raise TransportError("stopped")
        if target in self._connecting:
            waiting = self._connecting[target][1]
            if len(waiting) >= _MAX_WAITING:
                raise TransportError("too many messages wait")
            waiting.append((data, failed))
            return
        number = self._connections.enter(flow.remote[0])
        if number is None:
            raise TransportError("too many connections")
        named = Flow(self.name, flow.local, flow.remote, host=target[1])
        connection = Connection(self._connections, number, named, is_incoming=False)
        task = asyncio.get_running_loop().create_task(self._open(target, connection))
        self._connecting[target] = (task, [(data, failed)])

    async def _open(self, target: _Target, connection: Connection) -> None:
        is_open = False
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                await self._dial(connection)
            is_open = True
        except (OSError, TimeoutError, TransportError) as error:
            self._counters[f"{self.name}-connect-failed"] += 1
            logger.info("flow=%s:%s:%d connecting failed: %s", self.name, *target[0], error or type(error).__name__)
        finally:
            _, waiting = self._connecting.pop(target)
            if not is_open:
                self._connections.leave(connection.number)
                connection.abort()
        for data, failed in waiting:
            with suppress(TransportError):
                if is_open:
                    connection.send(data, failed)
                    continue
            failed()
