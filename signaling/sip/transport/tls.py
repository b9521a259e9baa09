"""SIP over TLS: as over TCP, with handshakes that end in time and peers that are who they were called (RFC 5922)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass

from signaling.errors import TransportError
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport.connection import Connection
from signaling.sip.transport.connections import Connections
from signaling.sip.transport.tcp import TcpTransport

_SHUTDOWN_S = 2.0


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """What we show and whom we trust; renewed in place by their owner."""

    client: ssl.SSLContext
    server: ssl.SSLContext | None = None
    """None: nobody can call us over TLS."""


def client_context(authorities: str = "") -> ssl.SSLContext:
    """Trust the machine's authorities and those of a PEM file. Raises OSError.

    The name is looked at by the connection (names.stands_for): OpenSSL lets wildcards pass, which RFC 5922 7.2 forbids.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    if authorities:
        context.load_verify_locations(authorities)
    return context


class TlsTransport(TcpTransport):
    """All TLS of a server."""

    name = "tls"

    def __init__(self, connections: Connections, contexts: TlsContexts) -> None:
        super().__init__(connections)
        self._contexts = contexts

    def _peer_name(self, flow: Flow) -> str:
        """The domain that was called, or the address where there is none (RFC 5922 7.3)."""
        return (flow.host or flow.remote[0]).lower()

    async def _wrap(self, accepted: socket.socket, connection: Connection) -> None:
        if self._contexts.server is None:
            raise TransportError("no certificate")
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: connection,
            accepted,
            ssl=self._contexts.server,
            ssl_handshake_timeout=self._settings.tls_handshake_s,
            ssl_shutdown_timeout=_SHUTDOWN_S,
        )

    async def _dial(self, connection: Connection) -> None:
        flow = connection.flow
        await asyncio.get_running_loop().create_connection(
            lambda: connection,
            *flow.remote,
            local_addr=(flow.local[0], 0),
            ssl=self._contexts.client,
            server_hostname=flow.host,
            ssl_handshake_timeout=self._settings.tls_handshake_s,
            ssl_shutdown_timeout=_SHUTDOWN_S,
        )
        if connection.is_impostor:
            raise TransportError(f"the certificate is not that of {flow.host}")
