"""The socket that sees ARP and DHCP on a port of ours, also while it is a port of a bridge."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from typing import Final

from auth8021x.errors import MalformedPacketError
from auth8021x.pae.arrivals import Arrivals
from auth8021x.ports.eapol_socket import attach_filter
from auth8021x.snooping.sighting import Sighting, sighting

_ETH_P_ALL: Final = 0x0003
"""On a port of a bridge a socket of ARP alone sees nothing."""
_PACKET_OUTGOING: Final = 4
_MAX_FRAME_BYTES: Final = 2048
_FILTER: Final = (
    (0x28, 0, 0, 12), (0x15, 8, 0, 0x0806),  # ARP: all of it
    (0x15, 0, 8, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 6, 17),  # IPv4, UDP
    (0x28, 0, 0, 20), (0x45, 4, 0, 0x3FFF),  # no fragment
    (0xB1, 0, 0, 14), (0x48, 0, 0, 14), (0x15, 0, 1, 67),  # from the port of DHCP servers
    (0x06, 0, 0, _MAX_FRAME_BYTES), (0x06, 0, 0, 0),
)  # fmt: skip
FRAMES_PER_S: Final = 50.0
BURST: Final = 200.0
"""A terminal says who it is once in a while; more is a flood, or a network that scans."""


class AddressSocket:
    """Hands what is believed to `seen`. Close it. Needs CAP_NET_RAW."""

    def __init__(
        self, interface: str, seen: Callable[[Sighting], None], counters: Counter[str], batch: int = 64
    ) -> None:
        """Raises OSError where there is no such interface or no right to listen on it."""
        self._seen = seen
        self._counters = counters
        self._batch = batch
        self._rate = Arrivals(FRAMES_PER_S, BURST)
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.setblocking(False)
            attach_filter(self._socket, _FILTER)  # before it is bound, so that nothing else is ever queued
            self._socket.bind((interface, _ETH_P_ALL))
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._drain)

    def close(self) -> None:
        """Listen no more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _drain(self) -> None:
        for _ in range(self._batch):
            try:
                frame, source = self._socket.recvfrom(_MAX_FRAME_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._counters["snooping-receive-error"] += 1  # the interface went down
                return
            if not self._rate.take(self._loop.time()):
                self._counters["snooping-rate"] += 1
                continue
            self._read(frame, is_outgoing=source[2] == _PACKET_OUTGOING)

    def _read(self, frame: bytes, *, is_outgoing: bool) -> None:
        try:
            found = sighting(frame, is_outgoing=is_outgoing)
        except MalformedPacketError:
            self._counters["snooping-malformed"] += 1
            return
        if found is not None:
            self._seen(found)
