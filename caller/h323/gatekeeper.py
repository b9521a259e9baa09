"""The gatekeeper of our terminal, on the network: moves datagrams of a Registration, arms one timer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

from caller.h323.registration import CallBack, Event, Refused, Registered, Registration, Self
from signaling.h323.ras.address import Address

REGISTRATION_PORT: Final = 1719


class NotRegistered(Exception):
    """The gatekeeper does not want us; the text is its reason."""


class Gatekeeper(asyncio.DatagramProtocol):
    """`call_back` is called for every call that the gatekeeper tells of."""

    def __init__(self, call_back: Callable[[CallBack], None]) -> None:
        self._call_back = call_back
        self._registration: Registration | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._registered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done with its reason when the gatekeeper wants us no more, or answers no more, although it has known us."""

    async def register(self, there: Address, local_host: str, own: Callable[[Address], Self]) -> None:
        """Until it knows us; `own` makes who we are of our RAS address. Raises OSError, NotRegistered."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(local_host, 0), remote_addr=there
        )  # fmt: skip
        self._transport = transport
        host, port = transport.get_extra_info("sockname")[:2]
        self._registration = Registration(own((host, port)))
        self._send(self._registration.start(time.time()))
        await self._registered

    def close(self) -> None:
        """Say goodbye."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._registration is not None and self._transport is not None:
            for octets in self._registration.stop(time.time()):
                self._transport.sendto(octets)
        if self._transport is not None:
            self._transport.close()
        self._registered.cancel()
        self.lost.cancel()

    # ---- asyncio.DatagramProtocol

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - a connected socket
        """A message of the gatekeeper."""
        if self._registration is not None:
            self._send(self._registration.receive(data, time.time()))

    def error_received(self, exc: Exception) -> None:
        """ICMP: it is not there now; the next try will tell."""

    # ---- inside

    def _send(self, messages: Iterable[bytes]) -> None:
        registration, transport = self._registration, self._transport
        if registration is None or transport is None or transport.is_closing():
            return
        for octets in messages:
            transport.sendto(octets)
        while (event := registration.next_event()) is not None:
            self._tell(event)
        self._arm(registration)

    def _tell(self, event: Event) -> None:
        if isinstance(event, CallBack):
            self._call_back(event)
        elif not self._registered.done():
            if isinstance(event, Registered):
                self._registered.set_result(None)
            elif isinstance(event, Refused):
                self._registered.set_exception(NotRegistered(event.reason))
        elif isinstance(event, Refused) and not self.lost.done():
            self.lost.set_result(event.reason)

    def _arm(self, registration: Registration) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = registration.next_timeout()
        if due is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.01, due - time.time()), self._on_timeout)

    def _on_timeout(self) -> None:
        self._timer = None
        if self._registration is not None:
            self._send(self._registration.on_timeout(time.time()))
