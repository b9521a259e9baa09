"""Pairs of RTP and RTCP ports from the configured range (RFC 3550 11: even and the next odd one)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcu.net.sockets import UdpSocket

Bind = Callable[[int], UdpSocket]
_MAX_TRIES = 200


class NoPortsLeft(Exception):
    """The range is used up, or other programs hold what is left of it."""


class PortPool:
    """Hands out pairs; the sockets themselves are the record of what is in use."""

    def __init__(self, first: int, last: int, choose: Callable[[int], int]) -> None:
        """`choose(n)` gives a random number below n."""
        self._first = first + first % 2
        self._pairs = max(0, (last + 1 - self._first) // 2)
        self._choose = choose

    def open_pair(self, bind: Bind) -> tuple[UdpSocket, UdpSocket]:
        """Two sockets from `bind(port)`. Raises NoPortsLeft."""
        for port in self._candidates():
            try:
                rtp = bind(port)
            except OSError:
                continue
            try:
                return rtp, bind(port + 1)
            except OSError:
                rtp.close()
        raise NoPortsLeft

    def _candidates(self) -> Iterator[int]:
        """From a random start, so that a port of a call just ended rests for a while."""
        if not self._pairs:
            return
        start = self._choose(self._pairs)
        for offset in range(min(self._pairs, _MAX_TRIES)):
            yield self._first + 2 * ((start + offset) % self._pairs)
