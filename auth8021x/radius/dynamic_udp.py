"""The sockets of dynamic authorisation (RFC 5176 2.3: UDP port 3799): orders go to whoever has the sessions."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from typing import Protocol

from auth8021x.radius.dynamic_orders import Kind, Order, Selector
from auth8021x.radius.dynamic_server import DynamicClient, DynamicServer
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
        clients, settings.nas_identifier, settings.nas_address, dynamic.window_s, dynamic.max_remembered
    )


class DynamicSockets:
    """Listens on addresses of this machine. Close it."""

    def __init__(
        self, core: DynamicServer, sessions: Sessions, settings: Dot1xSettings,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """Raises OSError when an address or the port cannot be had."""
        self.core = core
        self._sessions = sessions
        self._batch = settings.udp_batch
        self._max_bytes = settings.max_datagram_bytes
        self._wall_clock = wall_clock
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        try:
            for address in settings.dynamic.listen:
                self._listen(address, settings.dynamic.port)
        except OSError:
            self.close()
            raise

    @property
    def ports(self) -> list[int]:
        """What is listened on, in the order of the addresses."""
        return [each.getsockname()[1] for each in self._sockets]

    def close(self) -> None:
        """Close all sockets."""
        for each in self._sockets:
            self._loop.remove_reader(each)
            each.close()
        self._sockets.clear()

    def _listen(self, address: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        self._sockets.append(made)
        made.setblocking(False)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
        self._loop.add_reader(made, self._drain, made)

    def _drain(self, made: socket.socket) -> None:
        for _ in range(self._batch):
            try:
                octets, source = made.recvfrom(self._max_bytes)
            except BlockingIOError:
                return
            except OSError:
                self.core.counters["udp-receive-error"] += 1  # an ICMP error of an earlier answer
                continue
            answer = self._answer(octets, (source[0], source[1]))
            if answer is not None:
                self._send(made, answer, source)

    def _answer(self, octets: bytes, source: Source) -> bytes | None:
        found = self.core.receive(octets, source, self._wall_clock())
        if found is None or isinstance(found, bytes):
            return found
        order = found.order
        cause = (
            self._sessions.disconnect(order.selector) if order.kind is Kind.DISCONNECT else self._sessions.change(order)
        )
        logger.info("client=%s %s: %s", order.client, order.kind.name, "done" if cause is None else cause.name)
        return self.core.reply(found.origin, cause)

    def _send(self, made: socket.socket, answer: bytes, source: tuple[str, int]) -> None:
        try:
            made.sendto(answer, source)
        except OSError:
            self.core.counters["udp-send-error"] += 1
