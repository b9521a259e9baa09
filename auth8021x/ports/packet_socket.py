"""A packet socket on one interface, also while that is a port of a bridge: what its filter lets through, in turn."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Final

from auth8021x.polling import PolledReader

ETH_P_ALL: Final = 0x0003
"""A socket of one protocol alone sees, on a port of a bridge, little or nothing of it."""
MAX_FRAME_BYTES: Final = 2048
_SO_ATTACH_FILTER: Final = 26
PACKET_OUTGOING: Final = 4
SKF_AD_PKTTYPE: Final = 0xFFFFF004
"""SKF_AD_OFF + SKF_AD_PKTTYPE (linux/filter.h): where a filter finds the direction."""


class PacketSocket:
    """Hands each frame, and whether this machine sent it, to `receive`. Close it. Needs CAP_NET_RAW."""

    def __init__(
        self, interface: str, instructions: Sequence[tuple[int, int, int, int]],
        receive: Callable[[bytes, bool], None], failed: Callable[[], None], batch: int, *, tells_direction: bool = True,
    ) -> None:  # fmt: skip
        """`instructions`: classic BPF, which let only in what comes in where the socket does not tell the direction.

        Raises OSError where there is no such interface or no right to listen on it.
        """
        self._receive = receive
        self._failed = failed
        self._batch = batch
        self._next = self._directed if tells_direction else self._incoming
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self.socket.setblocking(False)
            _attach_filter(self.socket, instructions)  # before it is bound, so that nothing else is ever queued
            self.socket.bind((interface, ETH_P_ALL))
        except OSError:
            self.socket.close()
            raise
        self._reader = PolledReader(self.socket, self._drain, batch)

    def close(self) -> None:
        """Listen no more."""
        self._reader.close()
        self.socket.close()

    def _drain(self) -> int:
        for count in range(self._batch):
            try:
                frame, is_outgoing = self._next()
            except BlockingIOError:
                return count
            except OSError:
                self._failed()  # the interface went down
                return count
            self._receive(frame, is_outgoing)
        return self._batch

    def _directed(self) -> tuple[bytes, bool]:
        frame, source = self.socket.recvfrom(MAX_FRAME_BYTES)
        return frame, source[2] == PACKET_OUTGOING

    def _incoming(self) -> tuple[bytes, bool]:
        """Half as dear: recvfrom() asks the kernel for the name of the interface, too."""
        return self.socket.recv(MAX_FRAME_BYTES), False


def _attach_filter(made: socket.socket, instructions: Sequence[tuple[int, int, int, int]]) -> None:
    """Let the kernel keep everything else away (classic BPF). Raises OSError."""
    program = b"".join(struct.pack("=HBBI", *each) for each in instructions)
    kept = ctypes.create_string_buffer(program)
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(instructions), ctypes.addressof(kept)))
