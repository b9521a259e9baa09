"""The table of all streams, over TCP and TLS, in both directions, and its limits.

Half-open ones (a TLS handshake under way, or nothing said yet) have few places, and the oldest makes way for the
next: who only holds connections open keeps nobody out. The number a source may have is bounded too.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterator

from config.sip import SipSettings
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport.connection import Connection
from signaling.tries import source_key

_SWEEP_S = 2.0


class Connections:
    """Shared by the transports of a server."""

    def __init__(
        self,
        settings: SipSettings,
        receive: Callable[[bytes, Flow], None],
        wait_s: Callable[[str, float], float],
        counters: Counter[str],
    ) -> None:
        self.settings = settings
        self.receive = receive
        self.counters = counters
        self.lost: Callable[[Flow], None] | None = None
        """Told of every connection that ended."""
        self._wait_s = wait_s
        self._numbers = itertools.count(1)
        self._open: dict[int, Connection] = {}
        self._half_open: dict[int, Callable[[], object]] = {}
        self._sources: dict[int, str] = {}
        self._per_source: Counter[str] = Counter()
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._sources)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._open.values()))

    @property
    def half_open(self) -> int:
        """How many have said nothing yet."""
        return len(self._half_open)

    def start(self) -> None:
        """Begin to look for connections that are of no use."""
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_SWEEP_S, self._close_useless)

    def stop(self) -> None:
        """Close everything."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in self:
            connection.close()

    # ---- places -----------------------------------------------------------------------------------------------

    def enter(self, address: str, end: Callable[[], object] | None = None) -> int | None:
        """A number for one more connection of this source, None where there is no place.

        `end` is called when an incoming one has to make way before it proved to be of use.
        """
        source, settings = source_key(address), self.settings
        if self._per_source[source] >= settings.max_connections_per_source:
            self.counters["stream-too-many-of-source"] += 1
            return None
        if end is not None and len(self._half_open) >= settings.max_half_open:
            self._make_way()
        if len(self._sources) >= settings.max_connections and not self._make_way():
            self.counters["stream-too-many"] += 1
            return None
        number = next(self._numbers)
        self._sources[number] = source
        self._per_source[source] += 1
        if end is not None:
            self._half_open[number] = end
        return number

    def leave(self, number: int) -> None:
        """The connection of this number is no more."""
        self._open.pop(number, None)
        self._half_open.pop(number, None)
        source = self._sources.pop(number, None)
        if source is not None:
            self._per_source[source] -= 1
            if not self._per_source[source]:
                del self._per_source[source]

    def _make_way(self) -> bool:
        if not self._half_open:
            return False
        number, end = next(iter(self._half_open.items()))
        self.counters["stream-made-way"] += 1
        end()
        self.leave(number)
        return True

    # ---- what connections tell --------------------------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """It can be used."""
        if connection.number not in self._sources:  # it had to make way meanwhile
            connection.abort()
            return
        self._open[connection.number] = connection
        if connection.number in self._half_open:
            self._half_open[connection.number] = connection.abort

    def proven(self, connection: Connection) -> None:
        """A whole message came."""
        connection.is_proven = True
        self._half_open.pop(connection.number, None)

    def closed(self, connection: Connection, error: Exception | None) -> None:
        """It ended."""
        was_open = connection.number in self._open
        self.leave(connection.number)
        if error is not None:
            self.counters["stream-reset"] += 1
        if was_open and self.lost is not None:
            self.lost(connection.flow)

    def wait_s(self, flow: Flow, now: float) -> float:
        """How long this source has to wait until its next message is taken."""
        return self._wait_s(flow.remote[0], now)

    # ---- finding ----------------------------------------------------------------------------------------------

    def get(self, flow: Flow) -> Connection | None:
        """The connection that a flow names, if it is open."""
        found = self._open.get(flow.connection)
        return found if found is not None and found.flow.transport == flow.transport else None

    def to(self, transport: str, remote: tuple[str, int], host: str) -> Connection | None:
        """A connection to that address, over TLS one of ours that was made for the same name."""
        for item in self._open.values():
            if item.flow.remote == remote and item.flow.transport == transport and item.flow.host == host:
                return item
        return None

    def _close_useless(self) -> None:
        loop = asyncio.get_running_loop()
        now, settings = loop.time(), self.settings
        for connection in self:
            is_mute = not connection.is_proven and now - connection.opened_at > settings.first_message_s
            is_stuck = connection.part_since is not None and now - connection.part_since > settings.message_s
            if is_mute or is_stuck or now - connection.heard_at > settings.idle_s:
                self.counters["stream-stuck" if is_stuck else "stream-mute" if is_mute else "stream-idle"] += 1
                connection.abort()
        self._sweep = loop.call_later(_SWEEP_S, self._close_useless)
