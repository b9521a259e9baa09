"""RADIUS over TLS (RFC 6614): connections to one server, made when there is something to send."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from auth8021x.radius.udp import Receive
from auth8021x.wire.packet import Splitter
from crypto.certificates import CertificateError, demand_private

logger = logging.getLogger(__name__)

SECRET: Final = b"radsec"
"""RFC 6614 2.3: TLS protects what the secret does elsewhere."""
_CONNECT_S: Final = 5.0
_UNHEARD_MS: Final = 10_000
"""A connection on which nothing sent has arrived for so long is broken: a firewall has forgotten it (RFC 6613 2.6.1).
By itself TCP would go on for a quarter of an hour, and each question whether the server is back with it."""
_READ_BYTES: Final = 16_384
_MAX_UNSENT_BYTES: Final = 1 << 20


class RadsecLanes:
    """The connections towards one server. `lost` is told the lane whose connection broke or did not come about."""

    def __init__(
        self, name: str, address: tuple[str, int], context: ssl.SSLContext, server_name: str, receive: Receive,
        lost: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._name = name
        self._address = address
        self._context = context
        self._server_name = server_name
        self._receive = receive
        self._lost = lost
        self._connections: dict[int, _Connection] = {}

    def send(self, lane: int, octets: bytes) -> None:
        """One packet, as soon as the connection stands."""
        found = self._connections.get(lane)
        if found is None:
            found = self._connections[lane] = _Connection(self._serve(lane))
        found.send(octets)

    def close(self) -> None:
        """End all connections."""
        for each in self._connections.values():
            each.task.cancel()
        self._connections.clear()

    async def _serve(self, lane: int) -> None:
        """One connection until it ends."""
        try:
            await self._converse(lane)
        except asyncio.CancelledError:
            return
        except OSError as error:
            logger.warning("radius=%s RadSec: %s", self._name, type(error).__name__)
        except Exception:
            # Whatever it is: were the lane to stay, nothing would ever leave by it again.
            logger.exception("radius=%s RadSec", self._name)
        self._connections.pop(lane, None)
        self._lost(lane)

    async def _converse(self, lane: int) -> None:
        host, port = self._address
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(
                host, port, ssl=self._context, server_hostname=self._server_name, limit=_READ_BYTES
            )
        made: socket.socket = writer.get_extra_info("socket")
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNHEARD_MS)
        splitter = Splitter()
        try:
            self._connections[lane].connected(writer)
            while not splitter.is_broken and (data := await reader.read(_READ_BYTES)):
                for each in splitter.feed(data):
                    self._receive(lane, each)
        finally:
            writer.transport.abort()


class _Connection:
    """What waits for a connection, then the connection."""

    def __init__(self, serve: Coroutine[Any, Any, None]) -> None:
        self.task = asyncio.get_running_loop().create_task(serve)
        self._waiting: list[bytes] = []
        self._writer: asyncio.StreamWriter | None = None

    def connected(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        writer.writelines(self._waiting)
        self._waiting.clear()

    def send(self, octets: bytes) -> None:
        """Bounded: at most 256 packets wait for an answer of one connection."""
        if self._writer is None:
            self._waiting.append(octets)
        elif self._writer.transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
            self._writer.transport.abort()  # it reads nothing any more
        else:
            self._writer.write(octets)


def tls_context(ca: str, certificate: str, key: str) -> ssl.SSLContext:
    """Both sides show a certificate (RFC 6614 2.3). Raises OSError, which ssl.SSLError is, too."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        demand_private(Path(key))
    except CertificateError as error:
        raise PermissionError(str(error)) from None
    context.load_cert_chain(certificate, key, b"")  # without any password OpenSSL would ask the terminal
    return context
