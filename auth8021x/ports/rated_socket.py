"""A packet socket of a port whose frames are counted past a rate: what anybody on the line may send costs no more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from auth8021x.pae.arrivals import Arrivals
from auth8021x.ports.packet_socket import PacketSocket


class RatedSocket:
    """Hands each frame, and whether this machine sent it, to `receive`. Close it. Needs CAP_NET_RAW."""

    def __init__(
        self, interface: str, instructions: Sequence[tuple[int, int, int, int]], receive: Callable[[bytes, bool], None],
        counters: Counter[str], name: str, rate: Arrivals, batch: int,
    ) -> None:  # fmt: skip
        """`name` begins the names of its counters. Raises OSError as PacketSocket does."""
        self._receive = receive
        self._counters = counters
        self._name = name
        self._rate = rate
        self._clock = asyncio.get_running_loop().time
        self._packets = PacketSocket(interface, instructions, self._came, self._receive_failed, batch)

    def close(self) -> None:
        """Listen no more."""
        self._packets.close()

    def _came(self, frame: bytes, is_outgoing: bool) -> None:
        if self._rate.take(self._clock()):
            self._receive(frame, is_outgoing)
        else:
            self._counters[f"{self._name}-rate"] += 1

    def _receive_failed(self) -> None:
        self._counters[f"{self._name}-receive-error"] += 1
