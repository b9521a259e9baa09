"""The table of all streams, over TCP and TLS, in both directions, and its limits.

A stream is half-open during its TLS handshake and until a whole message came; see StreamPlaces.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from config.sip import SipSettings
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport.connection import Connection
from signaling.stream_places import StreamPlaces

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
        self._open: dict[int, Connection] = {}
        self._places = StreamPlaces(
            settings.max_connections, settings.max_connections_per_source, settings.max_half_open, counters
        )
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._open.values()))

    @property
    def half_open(self) -> int:
        """How many have said nothing yet."""
        return self._places.half_open

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
        """A number for one more connection of this source; see StreamPlaces.enter()."""
        return self._places.enter(address, end)

    def leave(self, number: int) -> None:
        """The connection of this number is no more."""
        self._open.pop(number, None)
        self._places.leave(number)

    # ---- what connections tell --------------------------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """It can be used."""
        if connection.number not in self._places:  # it had to make way meanwhile
            connection.abort()
            return
        self._open[connection.number] = connection
        self._places.ends_by(connection.number, partial(self._make_way, connection))

    def proven(self, connection: Connection) -> None:
        """A whole message came."""
        connection.is_proven = True
        self._places.prove(connection.number)

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

    def _make_way(self, connection: Connection) -> None:
        """It said nothing, and others wait."""
        self._open.pop(connection.number, None)
        connection.abort()

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
