"""The H.245 connection of one call (H.323 8.2): waited for on a port of its own, or opened."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from signaling.h323.ras.address import Address
from signaling.h323.transport.stream import Stream
from signaling.h323.transport.streams import Streams
from signaling.listener import Listener


class Call(Protocol):
    """Whose H.245 it is."""

    @property
    def local(self) -> Address:
        """Our end of its call signalling connection."""

    @property
    def remote(self) -> Address:
        """Theirs."""

    def receive_control(self, octets: bytes) -> None:
        """A message came."""

    def control_listening(self, address: Address) -> None:
        """We wait for the connection there."""

    def control_opened(self) -> None:
        """It stands."""

    def control_lost(self) -> None:
        """It is gone, or did not come about."""


class ControlLink:
    """One connection with the peer's host, and with no other unless `is_trusted` says so of the call."""

    def __init__(self, call: Call, streams: Streams, told_host: str, is_trusted: Callable[[], bool]) -> None:
        """`told_host` is our address as the peer must see it."""
        self._call = call
        self._streams = streams
        self._told_host = told_host
        self._is_trusted = is_trusted
        self._listener: Listener | None = None
        self._stream: Stream | None = None
        self._connecting: asyncio.Task[None] | None = None

    # ---- the call

    def listen(self) -> None:
        """Wait for the peer on a free port of the address that it called."""
        host = self._call.local[0]
        try:
            self._listener = Listener("H.245", host, 0, self._accepted, self._streams.counters)
        except OSError:
            self._streams.counters["control-listen-failed"] += 1
            self._call.control_lost()
            return
        self._call.control_listening((self._told_host, self._listener.local[1]))

    def open(self, address: Address) -> None:
        """Connect. Where a message leads elsewhere, only a peer that is known may take us there."""
        self._stop_listening()
        if _bare(address[0]) != _bare(self._call.remote[0]) and not self._is_trusted():
            self._streams.counters["control-elsewhere"] += 1
            self._call.control_lost()
            return
        stream = self._stream = Stream(self._streams, self)
        self._connecting = self._streams.run(self._connect(stream, address))

    def send(self, octets: bytes) -> None:
        """Send a message."""
        if self._stream is not None:
            self._stream.send(octets)

    def close(self) -> None:
        """No more H.245: what waits is sent."""
        self._stop_listening()
        stream, self._stream = self._stream, None
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if stream is not None:
            stream.close()

    # ---- the stream

    def opened(self) -> None:
        """It stands."""
        if self._stream is not None:
            self._call.control_opened()

    def received(self, octets: bytes) -> None:
        """A message came."""
        self._call.receive_control(octets)

    def lost(self, stream: Stream, /) -> None:
        """It is gone."""
        if stream is self._stream:
            self._stream = None
            self._call.control_lost()

    # ---- inside

    def _accepted(self, accepted: socket.socket, address: str) -> None:
        if _bare(address) != _bare(self._call.remote[0]):
            self._streams.counters["control-stranger"] += 1
            accepted.close()
            return
        self._stop_listening()
        self._stream = Stream(self._streams, self)
        self._streams.accept(accepted, self._stream)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _connect(self, stream: Stream, address: Address) -> None:
        try:
            await self._streams.connect(stream, address, self._call.local[0])
        except (OSError, TimeoutError):
            self._streams.counters["control-connect-failed"] += 1
            self._connecting = None
            self.lost(stream)
        else:
            self._connecting = None


def _bare(host: str) -> str:
    """Without the zone of a link-local address."""
    return host.partition("%")[0]
