"""A RADIUS client from the settings: which servers, their secrets, their sockets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from auth8021x.radius.chance import SystemChance
from auth8021x.radius.client import Lanes, RadiusClient
from auth8021x.radius.client_core import ClientCore
from auth8021x.radius.radsec import SECRET as RADSEC_SECRET
from auth8021x.radius.radsec import RadsecLanes, tls_context
from auth8021x.radius.request import Server
from auth8021x.radius.udp import UdpLanes
from config.dot1x import RADSEC_PORT, Dot1xSettings, RadiusServerSettings
from crypto.secret_file import read_secret

Purpose = Literal["authentication", "accounting"]
_UDP_PORTS = (1812, 1813)


def client(
    settings: Dot1xSettings, purpose: Purpose, changed: Callable[[str, bool], None] | None = None
) -> RadiusClient:
    """A client of all servers that serve a purpose. Raises crypto.secret_file.SecretFault and OSError."""
    used = [each for each in settings.servers if _port(each, purpose)]
    servers = [_server(each) for each in used]
    core = ClientCore(servers, settings.timers, SystemChance(), settings.nas_identifier)

    def lanes(owner: RadiusClient, number: int) -> Lanes:
        return _lanes(owner, number, used[number], _port(used[number], purpose), settings)

    return RadiusClient(core, lanes, changed)


def _server(settings: RadiusServerSettings) -> Server:
    is_radsec = settings.transport == "radsec"
    return Server(
        settings.name,
        RADSEC_SECRET if is_radsec else shared_secret(settings.secret_file),
        is_radsec,
        settings.demands_message_authenticator,
        settings.has_status_server,
        settings.max_sockets,
    )


def shared_secret(file: str) -> bytes:
    """The octets of the secret in a file. Raises crypto.secret_file.SecretFault."""
    return read_secret(Path(file)).reveal().encode()


def _lanes(
    owner: RadiusClient, number: int, server: RadiusServerSettings, port: int, settings: Dot1xSettings
) -> Lanes:  # fmt: skip
    def receive(lane: int, octets: bytes) -> None:
        owner.receive(number, lane, octets)

    if server.transport == "udp":
        return UdpLanes(
            server.address, port, receive, owner.core.counters, settings.udp_batch, settings.max_datagram_bytes
        )
    context = tls_context(server.tls_ca, server.tls_certificate, server.tls_key)
    return RadsecLanes(
        server.name, (server.address, port), context, server.tls_name or server.address, receive,
        lambda lane: owner.lane_lost(number, lane),
    )  # fmt: skip


def _port(settings: RadiusServerSettings, purpose: Purpose) -> int:
    """RadSec has one port for everything (RFC 6614 2.1), so that the usual ones of UDP mean that one."""
    port = settings.authentication_port if purpose == "authentication" else settings.accounting_port
    return RADSEC_PORT if settings.transport == "radsec" and port in _UDP_PORTS else port
