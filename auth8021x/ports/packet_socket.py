"""A packet socket on one interface, also while that is a port of a bridge: what its filter lets through, in turn."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Final

ETH_P_ALL: Final = 0x0003
"""A socket of one protocol alone sees, on a port of a bridge, little or nothing of it."""
MAX_FRAME_BYTES: Final = 2048
_SO_ATTACH_FILTER: Final = 26
_PACKET_OUTGOING: Final = 4


class PacketSocket:
    """Hands each frame, and whether this machine sent it, to `receive`. Close it. Needs CAP_NET_RAW."""

    def __init__(
        self, interface: str, instructions: Sequence[tuple[int, int, int, int]],
        receive: Callable[[bytes, bool], None], failed: Callable[[], None], batch: int,
    ) -> None:  # fmt: skip
        """`instructions`: classic BPF. Raises OSError where there is no such interface or no right to listen on it."""
        self._receive = receive
        self._failed = failed
        self._batch = batch
        self._loop = asyncio.get_running_loop()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self.socket.setblocking(False)
            _attach_filter(self.socket, instructions)  # before it is bound, so that nothing else is ever queued
            self.socket.bind((interface, ETH_P_ALL))
        except OSError:
            self.socket.close()
            raise
        self._loop.add_reader(self.socket, self._drain)

    def close(self) -> None:
        """Listen no more."""
        self._loop.remove_reader(self.socket)
        self.socket.close()

    def _drain(self) -> None:
        for _ in range(self._batch):
            try:
                frame, source = self.socket.recvfrom(MAX_FRAME_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._failed()  # the interface went down
                return
            self._receive(frame, source[2] == _PACKET_OUTGOING)


def _attach_filter(made: socket.socket, instructions: Sequence[tuple[int, int, int, int]]) -> None:
    """Let the kernel keep everything else away (classic BPF). Raises OSError."""
    program = b"".join(struct.pack("=HBBI", *each) for each in instructions)
    kept = ctypes.create_string_buffer(program)
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(instructions), ctypes.addressof(kept)))
