"""UDP sockets of media: read in bounded batches, marked for the network's queues, sent one by one or by GSO."""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Sequence

from mcu.net.ice import Address
from mcu.rtp.pieces import equal_runs

Receive = Callable[[bytes, Address, int], None]
"""Called with a datagram, where it came from and when (CLOCK_MONOTONIC microseconds)."""

EXPEDITED_FORWARDING = 46 << 2
"""DSCP EF, for sound (RFC 8837 5), as the traffic class octet."""
ASSURED_FORWARDING_41 = 34 << 2
"""DSCP AF41, for interactive video (RFC 8837 5)."""

_MAX_DATAGRAM_BYTES = 2048
_UDP_SEGMENT = 103  # linux/udp.h
_MAX_SEGMENTS = 40  # the kernel takes 64, and 65,507 bytes in all
_MAX_RUN_BYTES = 65_000
_CLOCK_EVERY = 16
_NO_GSO = (errno.EIO, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOPROTOOPT)


class UdpSocket:
    """One bound socket that never blocks. `receive` is set by its owner."""

    def __init__(
        self, address: str, port: int, *, traffic_class: int, buffer_bytes: int, has_gso: bool, counters: Counter[str]
    ) -> None:
        is_v6 = ":" in address
        self._socket = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_DGRAM)
        self._level, self._option = (
            (socket.IPPROTO_IPV6, socket.IPV6_TCLASS) if is_v6 else (socket.IPPROTO_IP, socket.IP_TOS)
        )
        self._traffic_class = traffic_class
        self._marks: dict[int, list[tuple[int, int, bytes]]] = {}
        self._has_gso = has_gso
        self._counters = counters
        self.receive: Receive = _ignore
        try:
            self._prepare(is_v6, buffer_bytes)
            self._socket.bind((address, port))
        except OSError as error:
            self._socket.close()
            raise OSError(error.errno, f"UDP port {port} of {address}: {error.strerror}") from error
        self.address: str = address
        self.port: int = self._socket.getsockname()[1]

    def _prepare(self, is_v6: bool, buffer_bytes: int) -> None:
        sock = self._socket
        sock.setblocking(False)
        if is_v6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(self._level, self._option, self._traffic_class)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, buffer_bytes)

    def fileno(self) -> int:
        """For the event loop."""
        return self._socket.fileno()

    def close(self) -> None:
        """Free the port."""
        self._socket.close()

    def read(self, limit: int, budget_us: int) -> None:
        """Hand over what has arrived: at most `limit` datagrams and about `budget_us` of work, the rest next time."""
        # Not by UDP_GRO: recvmsg() takes a fifth more for packets that come in ones and twos, as those of browsers and
        # terminals do, and half for bursts of six of one size.
        receive_from, receive, clock = self._socket.recvfrom, self.receive, time.monotonic_ns
        deadline_us = clock() // 1000 + budget_us
        for count in range(1, limit + 1):
            try:
                # One octet more than is taken tells a datagram that is too long from one that just fits.
                data, source = receive_from(_MAX_DATAGRAM_BYTES + 1)
            except BlockingIOError:
                return
            except OSError as error:
                # Linux reports a port unreachable of an earlier send here; the packets behind it are fine.
                self._counters[f"receive-{errno.errorcode.get(error.errno or 0, 'error').lower()}"] += 1
                continue
            now_us = clock() // 1000
            if len(data) > _MAX_DATAGRAM_BYTES:
                self._counters["receive-too-long"] += 1
            elif data:
                receive(data, source, now_us)
            if count % _CLOCK_EVERY == 0 and now_us > deadline_us:
                return

    def send(self, data: bytes, remote: Address, traffic_class: int = 0) -> bool:
        """Send one datagram, under another traffic class than the socket's where one is given; False: dropped."""
        try:
            if traffic_class and traffic_class != self._traffic_class:
                self._socket.sendmsg((data,), self._mark(traffic_class), 0, remote)
            else:
                self._socket.sendto(data, remote)
        except OSError as error:
            self._count_failure(error)
            return False
        return True

    def _mark(self, traffic_class: int) -> list[tuple[int, int, bytes]]:
        found = self._marks.get(traffic_class)
        if found is None:
            found = self._marks[traffic_class] = [(self._level, self._option, struct.pack("=i", traffic_class))]
        return found

    def send_many(self, packets: Sequence[bytes], remote: Address) -> None:
        """Send datagrams in order, runs of equal size in one call where the kernel can (UDP_SEGMENT)."""
        if not self._has_gso or len(packets) < 2:
            for packet in packets:
                self.send(packet, remote)
            return
        if len(packets) <= _MAX_SEGMENTS and _is_one_run(packets):
            self._send_run(packets, remote)
            return
        for start, end in equal_runs([len(packet) for packet in packets]):
            for first in range(start, end, _MAX_SEGMENTS):
                self._send_run(packets[first : min(end, first + _MAX_SEGMENTS)], remote)

    def is_slow(self, remote: Address) -> bool:
        """Nothing waits here for anybody."""
        del remote
        return False

    def _send_run(self, run: Sequence[bytes], remote: Address) -> None:
        if len(run) > 1 and self._has_gso:
            segment = [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", len(run[0])))]
            try:
                self._socket.sendmsg(run, segment, 0, remote)
            except OSError as error:
                if error.errno not in _NO_GSO:
                    self._count_failure(error)
                    return
                self._counters["gso-refused"] += 1
                self._has_gso = error.errno != errno.EIO  # EIO: the interface cannot sum checksums, it never will
            else:
                return
        for packet in run:
            self.send(packet, remote)

    def _count_failure(self, error: OSError) -> None:
        self._counters[f"send-{errno.errorcode.get(error.errno or 0, 'error').lower()}"] += 1


def _is_one_run(packets: Sequence[bytes]) -> bool:
    """Whether all are of one size but the last, which is no larger: nearly every picture."""
    size = len(packets[0])
    return len(packets[-1]) <= size and size * len(packets) <= _MAX_RUN_BYTES and {*map(len, packets[:-1])} == {size}


def _ignore(data: bytes, source: Address, now_us: int) -> None:
    """Nobody listens yet."""
