"""One stream that carries SIP messages, over TCP or TLS, in either direction (RFC 3261 18.3)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from signaling.errors import MalformedMessage, TransportError
from signaling.sip.transactions.transaction import TIMEOUT_S, Flow
from signaling.sip.transport.names import stands_for
from signaling.sip.wire.framing import PING, PONG, StreamFramer

if TYPE_CHECKING:
    from signaling.sip.transport.connections import Connections

Certificate = dict[str, object]
"""What ssl.SSLSocket.getpeercert() gives."""
_MAX_SENT = 16
_BUDGET_S = 0.005
"""So long one connection may hold the loop in one go."""


class Connection(asyncio.Protocol):
    """One connection; `flow` names it. It belongs to the table of all connections."""

    def __init__(self, table: Connections, number: int, flow: Flow, *, is_incoming: bool) -> None:
        self._table = table
        self._loop = asyncio.get_running_loop()
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[bytes] = deque()
        self._is_paused = False
        self._sent: deque[tuple[float, Callable[[], None]]] = deque(maxlen=_MAX_SENT)
        self.number = number
        self.flow = replace(flow, connection=number)
        self.is_incoming = is_incoming
        self.is_proven = not is_incoming
        """Whether a whole message came; until then it may have to make way for others."""
        self.opened_at = self.heard_at = self._loop.time()
        self.part_since: float | None = None
        """Since when the beginning of a message waits for its end."""
        self.certificate: Certificate = {}
        """Of the peer, where one was shown and verified."""
        self.is_impostor = False
        """Whether the server that we connected to showed somebody else's certificate."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.certificate = transport.get_extra_info("peercert") or {}
        if self.flow.transport == "tls" and not self.is_incoming and not stands_for(self.certificate, self.flow.host):
            self.is_impostor = True
            transport.abort()
            return
        self._table.opened(self)

    def data_received(self, data: bytes) -> None:
        """Cut out messages; a stream that cannot be followed ends."""
        self.heard_at = self._loop.time()
        try:
            messages = self._framer.receive(data)
        except MalformedMessage:
            self._table.counters["stream-unreadable"] += 1
            self.close()
            return
        self._waiting.extend(messages)
        self._answer_pings()
        if not self._framer.has_part:
            self.part_since = None
        elif messages or self.part_since is None:
            self.part_since = self.heard_at
        if self._waiting and not self._is_paused:
            self._work()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._waiting.clear()
        self._table.closed(self, exc)
        now, sent = self._loop.time(), list(self._sent)
        self._sent.clear()
        for sent_at, failed in sent:
            if now - sent_at < TIMEOUT_S:
                failed()

    def send(self, data: bytes, failed: Callable[[], None] | None = None) -> None:
        """Queue bytes; a peer that does not read is cut off. Raises TransportError.

        `failed` is called when a connection of ours ends soon afterwards: with TLS 1.3 a server refuses our
        certificate only after we have begun to speak.
        """
        if self._transport is None or self._transport.is_closing():
            raise TransportError("connection closed")
        if self._transport.get_write_buffer_size() + len(data) > self._table.settings.max_unsent_bytes:
            self._table.counters["stream-slow-peer"] += 1
            self._transport.abort()
            raise TransportError("peer does not read")
        self._transport.write(data)
        if failed is not None and not self.is_incoming:
            self._sent.append((self._loop.time(), failed))

    def ping(self) -> None:
        """Ask whether the peer is still there (RFC 5626 3.5.1); `heard_at` tells. Raises TransportError."""
        self._framer.awaits_pong = True
        self.send(PING)

    def close(self) -> None:
        """End the connection after what waits was sent."""
        self._waiting.clear()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._waiting.clear()
        if self._transport is not None:
            self._transport.abort()

    def _answer_pings(self) -> None:
        pings, self._framer.pings = self._framer.pings, 0
        if not pings:
            return
        try:
            self.send(PONG * min(pings, 8))
        except TransportError:
            return

    def _work(self) -> None:
        """Hand over what waits, as long as the source keeps to its rate and others need not wait for this one."""
        self._is_paused = False
        until = self._loop.time() + _BUDGET_S
        while self._waiting:
            now = self._loop.time()
            wait_s = self._table.wait_s(self.flow, now)
            if wait_s > 0 or now >= until:
                self._pause(wait_s)
                return
            if not self.is_proven:
                self._table.proven(self)
            self._table.receive(self._waiting.popleft(), self.flow)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _pause(self, wait_s: float) -> None:
        """A stream loses nothing: it is read later, and the peer feels it."""
        if self._transport is None or self._transport.is_closing():
            self._waiting.clear()
            return
        self._is_paused = True
        self._transport.pause_reading()
        if wait_s > 0:
            self._table.counters["stream-throttled"] += 1
            self._loop.call_later(wait_s, self._work)
        else:
            self._loop.call_soon(self._work)
