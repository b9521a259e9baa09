"""Call signalling on the network (H.225.0 7, H.323 8): listens, connects, and makes a CallHandle of every call.

Incoming calls are handed to `take`, which must not block; calls out:

    handle = await signalling.place(("10.0.0.3", 1720), SetupRequest(called=...), signalling.new_identity())

or in two steps, where the channels of fast start have to be told in Setup:

    handle = await signalling.connect(("10.0.0.3", 1720))
    handle.place(SetupRequest(fast_start=...), signalling.new_identity())

A terminal behind a firewall is not connected to: called_back() waits until it opens the connection (H.460.18).
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final, Protocol

from config.h323 import H323Settings
from config.media import LocalAddress
from signaling.h323.call.call import Call
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.message import CallIdentity
from signaling.h323.call.setup import SetupRequest
from signaling.h323.call_handle import CallHandle
from signaling.h323.h245.control import Control, OwnCapabilities
from signaling.h323.h2351 import Fault
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias
from signaling.h323.signatures import Signatures, Signer
from signaling.h323.transport import call_backs
from signaling.h323.transport.call_backs import CallBacks
from signaling.h323.transport.call_places import CallPlaces
from signaling.h323.transport.control_link import ControlLink
from signaling.h323.transport.signalling_connection import SignallingConnection
from signaling.h323.transport.streams import Streams
from signaling.listener import Listener
from signaling.stream_places import StreamPlaces

logger = logging.getLogger(__name__)

_GUID_BYTES: Final = 16
_MOST_REFERENCE: Final = 0x7FFF


class Router(Protocol):
    """Takes calls that only pass through here."""

    def take(
        self, connection: SignallingConnection, octets: bytes, reference: int, signer: Signer | None
    ) -> str | None:
        """A Setup, which `signer` has signed.

        None where it is for ourselves, "" when it is routed from now on, else why not (ReleaseCompleteReason).
        """


class CallSignalling:
    """Started and stopped by its owner. `is_registered` says of a host whether a terminal is registered from it."""

    def __init__(
        self,
        settings: H323Settings,
        take: Callable[[CallHandle], None],
        own: LocalEndpoint,
        signatures: Signatures | None = None,
        counters: Counter[str] | None = None,
        is_registered: Callable[[str], bool] | None = None,
    ) -> None:
        self.counters: Counter[str] = Counter() if counters is None else counters
        """Drops, refusals and failures by cause; cumulative."""
        self._settings = settings
        self._take = take
        self._own = own
        self._signatures = signatures
        self._is_registered = is_registered or (lambda _: False)
        self._streams = Streams(settings, self.counters)
        self._places = StreamPlaces(
            settings.max_connections, settings.max_connections_per_source, settings.max_half_open, self.counters
        )
        self._listeners = ExitStack()
        self._addresses: dict[Address, LocalAddress] = {}
        self._calls: set[CallHandle] = set()
        self.router: Router | None = None
        """Set by the owner before it starts, where calls are routed."""
        self._call_places = CallPlaces(settings, self.counters)
        self._call_backs: CallBacks[SignallingConnection] = CallBacks(settings.max_signalled_calls, self.counters)

    @property
    def addresses(self) -> list[Address]:
        """Where it listens."""
        return list(self._addresses)

    @property
    def gauges(self) -> dict[str, int]:
        """How much is open now."""
        return {
            "calls": len(self._calls),
            "connections": len(self._places),
            "half-open-connections": self._places.half_open,
            "streams": len(self._streams),
        }

    async def start(self) -> None:
        """Listen. Raises OSError, with nothing left bound.

        A wildcard is refused: the address of an H.245 connection could not be told.
        """
        if any(ipaddress.ip_address(local.address).is_unspecified for local in self._settings.listen):
            raise OSError(errno.EADDRNOTAVAIL, "name the addresses to listen on, one by one, instead of a wildcard")
        with ExitStack() as opening:
            opening.callback(self._addresses.clear)
            for local in self._settings.listen:
                port = self._settings.signalling_port
                listener = Listener("H.323", local.address, port, self._accepted, self.counters)
                opening.callback(listener.close)
                self._addresses[listener.local] = local
            self._listeners = opening.pop_all()
        self._streams.start()

    async def stop(self) -> None:
        """ReleaseComplete to all; afterwards no task and no socket is left."""
        self._listeners.close()
        for call in list(self._calls):
            call.release()
        await self._streams.stop()

    # ---- calls out

    async def place(
        self, address: Address, request: SetupRequest, identity: CallIdentity, local_host: str = ""
    ) -> CallHandle:
        """Connect and send Setup. Raises OSError, TimeoutError."""
        handle = await self.connect(address, local_host, request.called)
        handle.place(request, identity)
        return handle

    async def connect(self, address: Address, local_host: str = "", called: Sequence[Alias] = ()) -> CallHandle:
        """A call of ours that waits for place(), or release(). It is signed for the one of `called` with a password.

        Raises OSError, TimeoutError.
        """
        connection = await self.open(address, local_host)
        return self._call_out(connection, called)

    async def call_through(
        self, identifier: bytes, host: str, ask: Callable[[], None], called: Sequence[Alias] = ()
    ) -> CallHandle:
        """As connect(), over a connection as of called_back()."""
        return self._call_out(await self.called_back(identifier, host, ask), called)

    async def called_back(self, identifier: bytes, host: str, ask: Callable[[], None]) -> SignallingConnection:
        """As open(), by the terminal at `host`, behind a firewall, once `ask` has told it of the call (H.460.18 8).

        `identifier` is the callIdentifier. Raises OSError, TimeoutError.
        """
        with self._call_backs.expecting(identifier, host) as arrived:
            ask()
            async with asyncio.timeout(self._settings.call_back_s):
                connection = await arrived
        self._is_of_use(connection)
        return connection

    async def call_back(self, address: Address, identifier: bytes, local_host: str = "") -> None:
        """We are behind a firewall: open the connection of a call to us, and say which (H.460.18 8).

        Raises OSError, TimeoutError.
        """
        connection = await self.open(address, local_host)
        connection.stream.useful_by = self._streams.now() + self._settings.first_setup_s
        connection.send(call_backs.answer(identifier))

    def will_not_call_back(self, identifier: bytes) -> None:
        """The terminal has refused, or does not answer."""
        self._call_backs.refused(identifier)

    async def open(self, address: Address, local_host: str = "") -> SignallingConnection:
        """A connection without a call yet; the last call that leaves it closes it. Raises OSError, TimeoutError."""
        number = self._places.enter(address[0])
        if number is None:
            raise OSError(errno.EMFILE, "too many H.323 connections")
        connection = SignallingConnection(self, self._streams)
        connection.number = number
        try:
            await self._streams.connect(connection.stream, address, local_host or self.local_host_for(address))
        except BaseException:
            self._places.leave(number)
            raise
        return connection

    def told_address(self, connection: SignallingConnection) -> Address:
        """Where the other end of this connection can call us."""
        for (host, port), local in self._addresses.items():
            if host == connection.local[0]:
                return local.advertised(connection.remote[0]), port
        return connection.local

    def local_host_for(self, address: Address) -> str:
        """Of our addresses the one from which the kernel reaches `address`, else the first of its family.

        Raises OSError.
        """
        version = ipaddress.ip_address(address[0].partition("%")[0]).version
        with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
            chosen = str(probe.getsockname()[0])
        same = [local[0] for local in self._addresses if ipaddress.ip_address(local[0]).version == version]
        if not same:
            raise OSError(errno.EADDRNOTAVAIL, f"no local address of IPv{version}")
        return chosen if chosen in same else same[0]

    def new_identity(self, conference_id: bytes = b"") -> CallIdentity:
        """For a call of ours: random, into the conference of that ID or a new one."""
        reference = 1 + secrets.randbelow(_MOST_REFERENCE)
        identifier = secrets.token_bytes(_GUID_BYTES)
        return CallIdentity(reference, identifier, conference_id or secrets.token_bytes(_GUID_BYTES))

    # ---- connections

    def call_came(self, connection: SignallingConnection, octets: bytes, reference: int) -> str:
        """A Setup; see Office."""
        source = connection.remote[0]
        if self._streams.calls.wait_s(source, self._streams.now()) > 0:
            self.counters["call-too-fast"] += 1
            return "adaptiveBusy"
        signer = self._signatures.check(octets, time.time(), source) if self._signatures is not None else None
        if isinstance(signer, Fault):
            self.counters["signature-refused"] += 1
            logger.warning("h323 call from=%s:%d not proven: %s", *connection.remote, signer.name)
            return "securityDenied"
        routed = self._route(connection, octets, reference, signer)
        if routed is not None:
            return routed
        is_known = signer is not None or self._is_registered(source)
        is_limited = not self._streams.calls.is_unlimited(source)
        refused = self._call_places.refusal(source, is_limited=is_limited, is_known=is_known)
        if refused:
            return refused
        call = self._call(connection, is_incoming=True, is_known=is_known, signer=signer)
        connection.take(call, reference)
        call.receive(octets)
        if call.setup is not None and not call.is_over:
            self._is_of_use(connection)
            self._take(call)
        return ""

    def calls_back(self, connection: SignallingConnection, octets: bytes) -> bool:
        """See Office. Whoever names a call that is not theirs is cut off."""
        identifier = call_backs.call_of(octets)
        if identifier is None:
            return False
        if not self._call_backs.came(connection, connection.remote[0], identifier):
            connection.stream.abort()
        return True

    def closed(self, connection: SignallingConnection) -> None:
        """It is no more; see Office."""
        self._places.leave(connection.number)

    def _accepted(self, accepted: socket.socket, address: str) -> None:
        connection = SignallingConnection(self, self._streams)
        number = self._places.enter(address, connection.stream.abort)
        if number is None:
            accepted.close()
            return
        connection.number = number
        connection.stream.useful_by = self._streams.now() + self._settings.first_setup_s
        self._streams.accept(accepted, connection.stream)

    def _route(
        self, connection: SignallingConnection, octets: bytes, reference: int, signer: Signer | None
    ) -> str | None:
        if self.router is None:
            return None
        refused = self.router.take(connection, octets, reference, signer)
        if refused == "":
            self._is_of_use(connection)
        return refused

    def _is_of_use(self, connection: SignallingConnection) -> None:
        self._places.prove(connection.number)
        connection.stream.useful_by = None

    # ---- calls

    def _call_out(self, connection: SignallingConnection, called: Sequence[Alias]) -> CallHandle:
        signer = self._signatures.signer_for(called) if self._signatures is not None else None
        return self._call(connection, is_incoming=False, is_known=True, signer=signer)

    def _call(
        self,
        connection: SignallingConnection,
        *,
        is_incoming: bool,
        is_known: bool,
        signer: Signer | None,
    ) -> CallHandle:
        seal = None
        if signer is not None and self._signatures is not None:
            seal = self._signatures.seal(signer, time.time)
        control = Control(OwnCapabilities({}, self._own.h245_type), partial(secrets.randbits, 24))
        call = CallHandle(
            Call(self._own, control, seal=seal),
            control,
            connection,
            partial(self._control_link, connection),
            self.counters,
            self._ended,
            is_incoming=is_incoming,
            signatures=self._signatures,
            account=signer.account.name if signer is not None and is_incoming else "",
            is_hidden=self._own.is_hidden,
        )
        self._calls.add(call)
        self._call_places.enter(call, connection.remote[0], is_known=is_known)
        return call

    def _control_link(self, connection: SignallingConnection, call: CallHandle) -> ControlLink:
        local = next((entry for entry in self._settings.listen if entry.address == connection.local[0]), None)
        told = connection.local[0] if local is None else local.advertised(connection.remote[0])
        return ControlLink(
            call, self._streams, told, lambda: bool(call.account) or self._is_registered(connection.remote[0])
        )

    def _ended(self, call: CallHandle) -> None:
        self._calls.discard(call)
        self._call_places.leave(call)
