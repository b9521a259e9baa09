"""The socket of a port: EAPOL frames of one interface, also while it is a port of a bridge."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import socket
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from auth8021x.wire.eapol import ETHERTYPE, PAE_GROUP_ADDRESS

_ETH_P_ALL: Final = 0x0003
"""A socket of EAPOL alone sees, on a port of a bridge, nothing that is addressed to the port itself."""
_SO_ATTACH_FILTER: Final = 26
_SOL_PACKET: Final = 263
_PACKET_ADD_MEMBERSHIP: Final = 1
_PACKET_MR_MULTICAST: Final = 0
_PACKET_OUTGOING: Final = 4
_SIOCGIFHWADDR: Final = 0x8927
_MAX_FRAME_BYTES: Final = 2048
_FILTER: Final = ((0x28, 0, 0, 12), (0x15, 0, 1, ETHERTYPE), (0x06, 0, 0, _MAX_FRAME_BYTES), (0x06, 0, 0, 0))
"""ldh [12]; jeq EAPOL; return all of it; return nothing. The kernel has taken a priority tag off before."""


class EapolSocket:
    """Hands each EAPOL frame that comes in to `receive`. Close it. Needs CAP_NET_RAW."""

    def __init__(
        self, interface: str, receive: Callable[[bytes], None], counters: Counter[str], batch: int = 64
    ) -> None:
        """Raises OSError where there is no such interface or no right to listen on it."""
        self._receive = receive
        self._counters = counters
        self._batch = batch
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.setblocking(False)
            attach_filter(self._socket, _FILTER)  # before it is bound, so that nothing else is ever queued
            self._socket.bind((interface, _ETH_P_ALL))
            index = socket.if_nametoindex(interface)
            membership = struct.pack("=iHH8s", index, _PACKET_MR_MULTICAST, len(PAE_GROUP_ADDRESS), PAE_GROUP_ADDRESS)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._drain)

    def send(self, frame: bytes) -> None:
        """One frame; what cannot be sent is counted, like one lost on the way."""
        try:
            self._socket.send(frame)
        except OSError:
            self._counters["eapol-send-error"] += 1

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
                self._counters["eapol-receive-error"] += 1  # the interface went down
                return
            if source[2] != _PACKET_OUTGOING:
                self._receive(frame)


def mac_of(interface: str) -> bytes:
    """The MAC address of an interface. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        answer = fcntl.ioctl(asked.fileno(), _SIOCGIFHWADDR, struct.pack("256s", interface.encode()[:15]))
    return answer[18:24]


def attach_filter(made: socket.socket, instructions: Sequence[tuple[int, int, int, int]]) -> None:
    """Let the kernel keep everything else away (classic BPF). Raises OSError."""
    program = b"".join(struct.pack("=HBBI", *each) for each in instructions)
    kept = ctypes.create_string_buffer(program)
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(instructions), ctypes.addressof(kept)))
