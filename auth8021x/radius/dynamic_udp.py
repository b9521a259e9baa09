"""The sockets of dynamic authorisation (RFC 5176 2.3: UDP port 3799): orders go to whoever has the sessions."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable
from typing import Protocol

from auth8021x.radius.dynamic_orders import Kind, Order, Selector
from auth8021x.radius.dynamic_server import DynamicClient, DynamicServer
from auth8021x.radius.listening import ListeningSockets
from auth8021x.radius.replies import Source
from auth8021x.radius.setup import shared_secret
from auth8021x.wire.dictionary import ErrorCause
from config.dot1x import Dot1xSettings

logger = logging.getLogger(__name__)


class Sessions(Protocol):
    """Who has the sessions: the ports of the authenticator."""

    def disconnect(self, selector: Selector) -> ErrorCause | None:
        """End the sessions that fit; why not, where that is so."""

    def change(self, order: Order) -> ErrorCause | None:
        """Change the session that fits: all of the order or nothing."""


def server(settings: Dot1xSettings) -> DynamicServer:
    """The core from the settings. Raises crypto.secret_file.SecretFault."""
    dynamic = settings.dynamic
    clients = [
        DynamicClient(
            each.name, each.address, shared_secret(each.secret_file), each.demands_message_authenticator,
            each.demands_event_timestamp,
        )
        for each in dynamic.clients
    ]  # fmt: skip
    return DynamicServer(
        clients, settings.nas_identifier, _nas_addresses(settings), dynamic.window_s, dynamic.max_remembered
    )


def _nas_addresses(settings: Dot1xSettings) -> tuple[str, ...]:
    """What an order may call us by; nothing where we listen on whatever addresses there are."""
    if settings.nas_address:
        return (settings.nas_address,)
    found = settings.dynamic.listen
    return () if any(ipaddress.ip_address(each).is_unspecified for each in found) else found


class DynamicSockets(ListeningSockets):
    """Listens on addresses of this machine. Close it."""

    def __init__(
        self, core: DynamicServer, sessions: Sessions, settings: Dot1xSettings,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """Raises OSError when an address or the port cannot be had."""
        self.core = core
        self._sessions = sessions
        self._wall_clock = wall_clock
        dynamic = settings.dynamic
        super().__init__(dynamic.listen, dynamic.port, core, settings.udp_batch, settings.max_datagram_bytes)

    def answer(self, octets: bytes, source: Source, now: float) -> bytes | None:  # noqa: ARG002
        """Acknowledged, when it has been done; refused, with the reason."""
        found = self.core.receive(octets, source, self._wall_clock())
        if found is None or isinstance(found, bytes):
            return found
        order = found.order
        cause = (
            self._sessions.disconnect(order.selector) if order.kind is Kind.DISCONNECT else self._sessions.change(order)
        )
        logger.info("client=%s %s: %s", order.client, order.kind.name, "done" if cause is None else cause.name)
        return self.core.reply(found.origin, cause)
