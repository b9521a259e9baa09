"""One TCP connection that carries TPKT units, in either direction: of call signalling, or of H.245."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from signaling.h323 import tpkt
from signaling.h323.ras.address import Address

if TYPE_CHECKING:
    from signaling.h323.transport.streams import Streams

logger = logging.getLogger(__name__)

_BUDGET_S: Final = 0.005
"""So long one stream may hold the loop in one go."""
_LINGER_S: Final = 2.0
"""So long the peer has to close its side, too, before the connection is cut."""
_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
)
"""A terminal that lost its power says nothing any more: after 70 s its connections end."""


class User(Protocol):
    """For whom a stream is there."""

    def opened(self) -> None:
        """It stands."""

    def received(self, octets: bytes) -> None:
        """A unit came."""

    def lost(self, stream: Stream, /) -> None:
        """It is gone, by whoever's wish; nothing comes any more."""


class Stream(asyncio.Protocol):
    """One connection. Its units go to `user`, as fast as its source may send."""

    def __init__(self, streams: Streams, user: User) -> None:
        self._streams = streams
        self._user = user
        self._loop = asyncio.get_running_loop()
        self._deframer = tpkt.Deframer()
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[bytes] = deque()
        self._is_closing = False
        self._work_later: asyncio.Handle | None = None
        self._cut_later: asyncio.TimerHandle | None = None
        self.local: Address = ("", 0)
        self.remote: Address = ("", 0)
        self.useful_by: float | None = None
        """When to cut it; its user clears this once it is of use."""
        self.part_since: float | None = None
        """Since when the beginning of a unit waits for its end."""

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        remote, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if remote is None or local is None or self._is_closing:  # gone already, or made way
            transport.abort()
            return
        self.local, self.remote = (local[0], local[1]), (remote[0], remote[1])
        _keep_alive(transport.get_extra_info("socket"))
        if self._streams.opened(self):
            self._user.opened()
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Cut out units."""
        if self._is_closing:
            return
        units = self._deframer.receive(data)
        self._waiting.extend(units)
        if not self._deframer.has_part:
            self.part_since = None
        elif units or self.part_since is None:
            self.part_since = self._loop.time()
        if self._work_later is None:
            self._work()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._waiting.clear()
        for handle in (self._work_later, self._cut_later):
            if handle is not None:
                handle.cancel()
        self._work_later = self._cut_later = None
        self._streams.closed(self, None if self._is_closing else exc)
        self._user.lost(self)

    # ---- the user

    def send(self, octets: bytes) -> None:
        """Send a unit; a peer that does not read is cut off, and lost() follows as after any other end."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._is_closing:
            self._streams.counters["stream-sent-too-late"] += 1
            return
        if transport.get_write_buffer_size() + len(octets) > self._streams.settings.max_unsent_bytes:
            self._streams.counters["stream-slow-peer"] += 1
            transport.abort()
            return
        transport.write(tpkt.frame(octets))

    def close(self) -> None:
        """Send what waits, say that no more comes, and let the peer close; what it still says is for nobody.

        To close at once would lose what was sent last: a kernel that holds unread octets of the peer resets.
        """
        if self._is_closing:
            return
        self._is_closing = True
        self._waiting.clear()
        self.part_since = None
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.resume_reading()
        try:
            transport.write_eof()
        except OSError:  # the peer has reset it
            transport.abort()
            return
        self._cut_later = self._loop.call_later(_LINGER_S, transport.abort)

    def abort(self) -> None:
        """End it at once."""
        self._is_closing = True
        self._waiting.clear()
        if self._transport is not None:
            self._transport.abort()

    def failed(self) -> None:
        """It did not come about."""
        self._is_closing = True
        self._user.lost(self)

    # ---- inside

    def _work(self) -> None:
        """Hand over what waits, as long as the source keeps to its rate and others need not wait for this one."""
        self._work_later = None
        until = self._loop.time() + _BUDGET_S
        while self._waiting:
            now = self._loop.time()
            wait_s = self._streams.wait_s(self, now)
            if wait_s > 0 or now >= until:
                self._pause(wait_s)
                return
            unit = self._waiting.popleft()
            try:
                self._user.received(unit)
            except Exception:
                logger.exception("stream from=%s:%d failed", *self.remote)
                self.abort()
                return
            self._streams.took(self, unit, now)
        if self._deframer.fault and not self._is_closing:
            self._streams.counters["stream-unreadable"] += 1
            self.abort()
        elif self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _pause(self, wait_s: float) -> None:
        """A stream loses nothing: it is read later, and the peer feels it."""
        if self._transport is None or self._transport.is_closing():
            self._waiting.clear()
            return
        self._transport.pause_reading()
        if wait_s > 0:
            self._streams.counters["stream-throttled"] += 1
            self._work_later = self._loop.call_later(wait_s, self._work)
        else:
            self._work_later = self._loop.call_soon(self._work)


def _keep_alive(made: Any) -> None:
    for level, option, value in _KEEPALIVE:
        made.setsockopt(level, option, value)
