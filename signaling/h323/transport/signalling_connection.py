"""One call signalling connection and the calls on it (H.225.0 7, H.323 7.3)."""

from __future__ import annotations

import asyncio
from typing import Protocol

from signaling.h323.call.references import MOST_MALFORMED, NewCall, References, Reply, refusal
from signaling.h323.ras.address import Address
from signaling.h323.transport.stream import Stream
from signaling.h323.transport.streams import Streams


class ConnectedCall(Protocol):
    """A call on the connection: call_handle.CallHandle, or one leg of a routed call."""

    def receive(self, octets: bytes) -> None:
        """A message of it."""

    def signalling_lost(self) -> None:
        """The connection is gone."""


class Office(Protocol):
    """Who owns the connections."""

    def call_came(self, connection: SignallingConnection, octets: bytes, reference: int) -> str:
        """A Setup; "" when it is a call now, else why not (ReleaseCompleteReason)."""

    def calls_back(self, connection: SignallingConnection, octets: bytes) -> bool:
        """Whether the first message of a connection says for which call of ours it was opened."""

    def closed(self, connection: SignallingConnection) -> None:
        """It is no more."""


class SignallingConnection:
    """See the module."""

    def __init__(self, office: Office, streams: Streams) -> None:
        self.number = 0
        """Its place among the connections that may be open."""
        self.stream = Stream(streams, self)
        self.calls: References[ConnectedCall] = References()
        self._office = office
        self._counters = streams.counters
        self._is_lost = False
        self._is_fresh = True
        """Nothing has come yet."""

    @property
    def local(self) -> Address:
        """Our end."""
        return self.stream.local

    @property
    def remote(self) -> Address:
        """Theirs."""
        return self.stream.remote

    # ---- calls

    def send(self, octets: bytes) -> None:
        """Send a message."""
        self.stream.send(octets)

    def add(self, call: ConnectedCall, reference: int) -> None:
        """A call of ours begins. Raises ValueError where the reference is taken."""
        if not self.calls.add(reference, call, is_ours=True):
            raise ValueError(f"call reference {reference} is taken")
        if self._is_lost:
            asyncio.get_running_loop().call_soon(call.signalling_lost)

    def take(self, call: ConnectedCall, reference: int) -> None:
        """A call of the peer's begins, whose reference was free."""
        self.calls.add(reference, call, is_ours=False)

    def leave(self, call: ConnectedCall) -> None:
        """`call` is over. The last one closes the connection: we never promise to keep one (maintainConnection)."""
        self.calls.discard(call)
        if not len(self.calls):
            self.stream.close()

    # ---- the stream

    def opened(self) -> None:
        """It stands."""

    def received(self, octets: bytes) -> None:
        """A message came: for a call, for none, or a new call."""
        if self._is_fresh and not len(self.calls):
            self._is_fresh = False
            if self._office.calls_back(self, octets):
                return
        match self.calls.route(octets):
            case NewCall(reference):
                self._call_came(octets, reference)
            case Reply(answer):
                self._counters["signalling-stray"] += 1
                self.send(answer)
            case None:
                self._counters["signalling-dropped"] += 1
                if self.calls.malformed >= MOST_MALFORMED:
                    self.stream.abort()
            case call:
                call.receive(octets)

    def lost(self, _stream: Stream, /) -> None:
        """It is gone, and what calls it had are over."""
        self._is_lost = True
        for call in self.calls:
            call.signalling_lost()
        self._office.closed(self)

    def _call_came(self, octets: bytes, reference: int) -> None:
        refused = self._office.call_came(self, octets, reference)
        if refused:
            self.send(refusal(reference, refused))
            if not len(self.calls):
                self.stream.close()
