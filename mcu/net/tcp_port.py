"""The TCP side of the shared port (ICE-TCP, passive: RFC 6544) for peers whose network lets no UDP through.

It looks like a socket for datagrams: packets are cut out of each connection's stream, and sent by their remote address.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence

from config.media import NetSettings
from mcu.net.backlog import Backlog
from mcu.net.connections import Connections
from mcu.net.framing import BadFraming, Deframer
from mcu.net.ice import Address
from mcu.net.sockets import Receive

_READ_BYTES = 16_384
"""What one connection has us do in one go: thousands of packets, where a peer makes them tiny."""
_WRITE_BYTES = 65_536
_SEND_BUFFER_BYTES = 131_072  # what the kernel holds cannot be left out any more: about a quarter of a second
_UNACKNOWLEDGED_MS = 20_000
_QUEUE = 128
_REST_S = 1.0
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class _Stream:
    """One connection."""

    def __init__(self, connection: socket.socket, max_unsent_bytes: int) -> None:
        self.socket = connection
        self.deframer = Deframer()
        self.backlog = Backlog(max_unsent_bytes)
        self.is_writing = False


class TcpPort:
    """Listens on one local address. `receive`, `is_checked` and `closed` are set by its owner."""

    def __init__(
        self, address: str, port: int, *, traffic_class: int, settings: NetSettings, counters: Counter[str]
    ) -> None:
        self.receive: Receive = _ignore
        self.is_checked: Callable[[Address], bool] = _is_nobody
        """Whether checks of a leg came over the connection from there."""
        self.closed: Callable[[Address], None] = _forget
        self._loop = asyncio.get_running_loop()
        self._counters = counters
        self._max_unsent_bytes = settings.max_tcp_unsent_bytes
        self._connections = Connections(
            max_connections=settings.max_tcp_connections, max_per_source=settings.max_tcp_per_source,
            check_s=settings.tcp_check_s, idle_s=settings.tcp_idle_s, counters=counters,
        )  # fmt: skip
        self._streams: dict[Address, _Stream] = {}
        self._resting: asyncio.TimerHandle | None = None
        self._socket = _listener(address, port, traffic_class)
        self.address = address
        self.port: int = self._socket.getsockname()[1]
        self._loop.add_reader(self._socket.fileno(), self._accept)

    def __len__(self) -> int:
        return len(self._streams)

    def close(self) -> None:
        """End all connections, give the port back."""
        for remote in list(self._streams):
            self._end(remote)
        if self._resting is not None:
            self._resting.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def handle_timeout(self, now_us: int) -> None:
        """About once a second."""
        for remote in self._connections.overdue(now_us, self.is_checked):
            self._end(remote)

    # ---- out

    def send(self, data: bytes, remote: Address, traffic_class: int = 0) -> bool:
        """Send one packet; False: dropped. All of a connection has one traffic class."""
        del traffic_class
        return self.send_many((data,), remote)

    def send_many(self, packets: Sequence[bytes], remote: Address) -> bool:
        """Send packets in order; what finds no room behind a slow reader is dropped and counted."""
        stream = self._streams.get(remote)
        if stream is None:
            self._counters["tcp-gone"] += len(packets)
            return False
        before = stream.backlog.dropped
        stream.backlog.put(packets)
        if not stream.is_writing:
            self._flush(remote)
        dropped = stream.backlog.dropped - before
        if dropped:
            self._counters["tcp-unsent"] += dropped
        return not dropped

    def is_slow(self, remote: Address) -> bool:
        """Whether no new picture should be begun towards there."""
        stream = self._streams.get(remote)
        return stream is not None and stream.backlog.is_slow

    def _flush(self, remote: Address) -> None:
        stream = self._streams[remote]
        try:
            while stream.backlog:
                stream.backlog.sent(stream.socket.send(stream.backlog.peek(_WRITE_BYTES)))
        except BlockingIOError:
            if not stream.is_writing:
                stream.is_writing = True
                self._loop.add_writer(stream.socket.fileno(), self._flush, remote)
            return
        except OSError:
            self._counters["tcp-broken"] += 1
            self._end(remote)
            return
        if stream.is_writing:
            stream.is_writing = False
            self._loop.remove_writer(stream.socket.fileno())

    # ---- in

    def _accept(self) -> None:
        try:
            connection, remote = self._socket.accept()
        except OSError as error:
            if error.errno in _NO_DESCRIPTORS:
                self._counters["tcp-no-descriptors"] += 1
                self._rest()
            return
        self._end(remote)  # one that was reset, whose end we have not seen yet
        may_stay, evicted = self._connections.open(remote, time.monotonic_ns() // 1000)
        if evicted is not None:
            self._end(evicted)
        if not may_stay:
            connection.close()
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._streams[remote] = _Stream(connection, self._max_unsent_bytes)
        self._loop.add_reader(connection.fileno(), self._read, remote)

    def _rest(self) -> None:
        """Descriptors are used up: asking again at once would only hold the loop."""
        self._loop.remove_reader(self._socket.fileno())
        self._resting = self._loop.call_later(_REST_S, self._loop.add_reader, self._socket.fileno(), self._accept)

    def _read(self, remote: Address) -> None:
        stream = self._streams[remote]
        try:
            data = stream.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(remote)
            return
        try:
            packets = stream.deframer.receive(data)
        except BadFraming:
            self._counters["tcp-bad-framing"] += 1
            self._end(remote)
            return
        self._deliver(packets, remote)

    def _deliver(self, packets: list[bytes], remote: Address) -> None:
        now_us = time.monotonic_ns() // 1000
        for packet in packets:
            self.receive(packet, remote, now_us)
            if remote not in self._streams:
                return
        if self.is_checked(remote):
            self._connections.heard(remote, now_us)
        elif any(packet[0] > 3 for packet in packets):
            # Who belongs to a leg begins with a check (RFC 7983: a first octet of 0 to 3).
            self._counters["tcp-strangers"] += 1
            self._end(remote)

    def _end(self, remote: Address) -> None:
        self._connections.close(remote)
        stream = self._streams.pop(remote, None)
        if stream is None:
            return
        self._loop.remove_reader(stream.socket.fileno())
        if stream.is_writing:
            self._loop.remove_writer(stream.socket.fileno())
        stream.socket.close()
        self.closed(remote)


def _listener(address: str, port: int, traffic_class: int) -> socket.socket:
    is_v6 = ":" in address
    sock = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if is_v6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, traffic_class)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, traffic_class)
        # Connections take these over; those of a process that just ended are no obstacle.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
        sock.bind((address, port))
        sock.listen(_QUEUE)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"TCP port {port} of {address}: {error.strerror}") from error
    return sock


def _ignore(data: bytes, source: Address, now_us: int) -> None:
    """Nobody listens yet."""


def _is_nobody(remote: Address) -> bool:
    """Nobody knows a leg yet."""
    del remote
    return False


def _forget(remote: Address) -> None:
    """Nobody wants to know yet."""
