"""All sockets of one user agent: binding them, and choosing one for a message."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections import Counter
from collections.abc import Callable

from config.sip import SipSettings
from signaling.errors import TransportError
from signaling.sip.transaction import Flow
from signaling.sip.transport.tcp import TcpTransport
from signaling.sip.transport.udp import UdpSocket

_FREE_PORT_TRIES = 16


class TransportLayer:
    """UDP and TCP on every configured address."""

    def __init__(self, settings: SipSettings, receive: Callable[[bytes, Flow], None], counters: Counter[str]) -> None:
        self._settings = settings
        self._receive = receive
        self._counters = counters
        self._udp: dict[tuple[str, int], UdpSocket] = {}
        self.tcp = TcpTransport(settings, receive, counters)

    @property
    def local_addresses(self) -> list[tuple[str, int]]:
        """Address and port of each UDP socket; TCP has the same ones."""
        return list(self._udp)

    async def start(self) -> None:
        """Bind everything. Raises OSError, with nothing left bound.

        A wildcard is refused: an answer could leave by another address, and the Contact could not be told.
        """
        if any(ipaddress.ip_address(local.address).is_unspecified for local in self._settings.listen):
            raise OSError(errno.EADDRNOTAVAIL, "name the addresses to listen on, one by one, instead of a wildcard")
        try:
            for local in self._settings.listen:
                await self._bind(local.address)
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close everything."""
        for udp in self._udp.values():
            udp.close()
        self._udp.clear()
        await self.tcp.stop()

    def send(self, data: bytes, flow: Flow, failed: Callable[[], None]) -> None:
        """Send a message; `failed` is called soon, never at once, when that proves impossible."""
        if flow.is_reliable:
            self.tcp.send(data, flow, failed)
            return
        try:
            udp = self._udp.get(flow.local)
            if udp is None:
                raise TransportError("no such socket")
            udp.send(data, flow.remote)
        except TransportError:
            asyncio.get_running_loop().call_soon(failed)

    def local_for(self, remote: tuple[str, int]) -> tuple[str, int]:
        """The local address from which the kernel reaches `remote`. Raises TransportError."""
        version = ipaddress.ip_address(remote[0]).version
        with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(remote)
                chosen = probe.getsockname()[0]
            except OSError as error:
                raise TransportError("no route") from error
        same = [local for local in self._udp if ipaddress.ip_address(local[0]).version == version]
        if not same:
            raise TransportError("no local address of that family")
        return next((local for local in same if local[0] == chosen), same[0])

    async def _bind(self, address: str) -> None:
        """UDP and TCP share the number of the port; a free one may be taken for TCP, so try again."""
        for attempt in range(_FREE_PORT_TRIES):
            udp = UdpSocket(address, self._settings.port, self._receive, self._counters, self._settings.udp_batch)
            try:
                if self._settings.has_tcp:
                    await self.tcp.start(udp.local)
            except OSError:
                udp.close()
                if self._settings.port or attempt == _FREE_PORT_TRIES - 1:
                    raise
                continue
            self._udp[udp.local] = udp
            return
