"""All sockets of one user agent: binding them, choosing one for a message, and not drowning in what comes in."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections import Counter
from collections.abc import Callable
from functools import cached_property

from config.sip import SipSettings
from signaling.errors import TransportError
from signaling.rates import SourceRates, Verdict
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport import stun
from signaling.sip.transport.busy import busy_answer
from signaling.sip.transport.connections import Connections
from signaling.sip.transport.keeper import FlowKeeper, Lost
from signaling.sip.transport.names import identities
from signaling.sip.transport.tcp import TcpTransport
from signaling.sip.transport.tls import TlsContexts, TlsTransport, client_context
from signaling.sip.transport.turns import Turns
from signaling.sip.transport.udp import UdpSocket
from signaling.sip.wire.framing import PING

_FREE_PORT_TRIES = 16
_MAX_WAITING = 2000
_BUDGET_S = 0.002
"""So long messages that came by UDP may hold the loop in one go."""
_KEEP_ALIVE_BYTES = 4
"""Two CRLFs: over UDP they hold a NAT mapping open and ask for nothing."""


class TransportLayer:
    """UDP, TCP and, where there is a certificate, TLS on every configured address."""

    def __init__(
        self,
        settings: SipSettings,
        receive: Callable[[bytes, Flow], None],
        counters: Counter[str],
        tls: TlsContexts | None = None,
    ) -> None:
        self._settings = settings
        self._receive = receive
        self._counters = counters
        self._contexts = tls
        self._udp: dict[tuple[str, int], UdpSocket] = {}
        self._tls_ports: dict[str, int] = {}
        self._turns: Turns[tuple[bytes, Flow]] = Turns(_MAX_WAITING)
        self._work: asyncio.Handle | None = None
        self._lost: list[Callable[[Flow], None]] = []
        self.rates = SourceRates(
            settings.messages_per_s_per_source, settings.message_burst_per_source, settings.stranger_messages_per_s,
            max_sources=settings.max_sources, unlimited=settings.unlimited_networks,
        )  # fmt: skip
        self.calls = SourceRates(
            settings.new_calls_per_s_per_source, settings.new_call_burst_per_source, settings.stranger_calls_per_s,
            strangers_burst=settings.stranger_call_burst, max_sources=settings.max_sources,
            unlimited=settings.unlimited_networks,
        )  # fmt: skip
        """What is left to each source of new calls; the core asks."""
        self.connections = Connections(settings, receive, self.rates.wait_s, counters)
        self.connections.lost = self._connection_lost
        self.tcp = TcpTransport(self.connections)
        self._keeper = FlowKeeper(self._send_datagram, self._ping, self._heard_at)

    @cached_property
    def tls(self) -> TlsTransport:
        """TLS; made when first needed, as reading all authorities of the machine takes its time."""
        return TlsTransport(self.connections, self._contexts or TlsContexts(client_context()))

    @property
    def local_addresses(self) -> list[tuple[str, int]]:
        """Address and port of each UDP socket; TCP has the same ones."""
        return list(self._udp)

    @property
    def tls_addresses(self) -> list[tuple[str, int]]:
        """Address and port where TLS is spoken."""
        return list(self._tls_ports.items())

    async def start(self) -> None:
        """Bind everything. Raises OSError, with nothing left bound.

        A wildcard is refused: an answer could leave by another address, and the Contact could not be told.
        """
        if any(ipaddress.ip_address(local.address).is_unspecified for local in self._settings.listen):
            raise OSError(errno.EADDRNOTAVAIL, "name the addresses to listen on, one by one, instead of a wildcard")
        try:
            for local in self._settings.listen:
                self._bind(local.address)
                if self._contexts is not None and self._contexts.server is not None:
                    address, port = self.tls.listen(local.address, self._settings.tls_port)
                    self._tls_ports[address] = port
        except OSError:
            await self.stop()
            raise
        self.connections.start()

    async def stop(self) -> None:
        """Close everything."""
        self._keeper.stop()
        if self._work is not None:
            self._work.cancel()
            self._work = None
        for udp in self._udp.values():
            udp.close()
        self._udp.clear()
        self._tls_ports.clear()
        await self.tcp.stop()
        if "tls" in self.__dict__:
            await self.tls.stop()
        self.connections.stop()
        await asyncio.sleep(0)  # connection_lost is called from the loop

    def send(self, data: bytes, flow: Flow, failed: Callable[[], None]) -> None:
        """Send a message; `failed` is called soon, never at once, when that proves impossible."""
        if flow.is_reliable:
            (self.tls if flow.transport == "tls" else self.tcp).send(data, flow, failed)
            return
        try:
            self._send_datagram(data, flow)
        except TransportError:
            asyncio.get_running_loop().call_soon(failed)

    def local_for(self, remote: tuple[str, int], transport: str = "udp") -> tuple[str, int]:
        """The local address from which the kernel reaches `remote`, with the port of that transport.

        Raises TransportError.
        """
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
        address, port = next((local for local in same if local[0] == chosen), same[0])
        return address, self._tls_ports.get(address, port) if transport == "tls" else port

    # ---- flows, for registrar, trunks and calls ---------------------------------------------------------------

    def is_open(self, flow: Flow) -> bool:
        """Whether a message can go by this very flow; over UDP nobody knows better than yes."""
        return not flow.is_reliable or self.connections.get(flow) is not None

    def observe_lost(self, lost: Callable[[Flow], None]) -> None:
        """Have `lost` called with the flow of every connection that ends."""
        self._lost.append(lost)

    def keep(self, flow: Flow, *, lost: Lost | None = None, has_answers: bool = True) -> Callable[[], None]:
        """Keep a flow open with pings until the returned function is called; see keeper.FlowKeeper.keep()."""
        settings = self._settings
        interval_s = settings.stream_ping_s if flow.is_reliable else settings.udp_ping_s
        return self._keeper.keep(flow, interval_s, lost=lost, has_answers=has_answers)

    def ping(self, flow: Flow) -> None:
        """Two CRLFs, without waiting for an answer. Raises TransportError."""
        if flow.is_reliable:
            self._ping(flow)
        else:
            self._send_datagram(PING, flow)

    def vouch(self, flow: Flow) -> None:
        """A call or registration proved that this source is no invention: floods do not take its place any more."""
        now = asyncio.get_running_loop().time()
        self.rates.vouch(flow.remote[0], now)
        self.calls.vouch(flow.remote[0], now)

    def peer_names(self, flow: Flow) -> frozenset[str]:
        """Host names and addresses that the verified certificate of a TLS peer stands for; none without one."""
        connection = self.connections.get(flow)
        return identities(connection.certificate) if connection is not None else frozenset()

    # ---- within -----------------------------------------------------------------------------------------------

    def _bind(self, address: str) -> None:
        """UDP and TCP share the number of the port; a free one may be taken for TCP, so try again."""
        for attempt in range(_FREE_PORT_TRIES):
            udp = UdpSocket(
                address, self._settings.port, self._datagram, self._drained, self._counters, self._settings.udp_batch
            )
            try:
                if self._settings.has_tcp:
                    self.tcp.listen(*udp.local)
            except OSError:
                udp.close()
                if self._settings.port or attempt == _FREE_PORT_TRIES - 1:
                    raise
                continue
            self._udp[udp.local] = udp
            return

    def _datagram(self, data: bytes, flow: Flow) -> None:
        if len(data) <= _KEEP_ALIVE_BYTES and not data.strip(b"\r\n\0"):
            return
        verdict = self.rates.judge(flow.remote[0], asyncio.get_running_loop().time())
        if verdict is Verdict.PASS:
            if stun.is_stun(data):
                self._stun(data, flow)
            else:
                self._turns.put(flow.remote[0], (data, flow))
            return
        self._counters[f"rate-{verdict.name.lower()}"] += 1
        if verdict is Verdict.BUSY and (answer := busy_answer(data, flow)) is not None:
            self.send(*answer, lambda: None)

    def _drained(self) -> None:
        """What waited already has a turn of its own to come; what came now is begun at once."""
        if self._work is None:
            self._take_turns()

    def _take_turns(self) -> None:
        """Sockets are emptied at once and messages worked off source by source: a flood fills no buffer of others."""
        loop = asyncio.get_running_loop()
        self._work = None
        until = loop.time() + _BUDGET_S
        while (waiting := self._turns.next()) is not None:
            self._receive(*waiting)
            if loop.time() >= until:
                break
        self._counters["turns-dropped"] += self._turns.dropped
        self._turns.dropped = 0
        if len(self._turns):
            self._work = loop.call_soon(self._take_turns)

    def _stun(self, data: bytes, flow: Flow) -> None:
        answer = stun.binding_answer(data, flow.remote)
        if answer is not None:
            self._counters["stun-answered"] += 1
            self.send(answer, flow, lambda: None)
        elif not self._keeper.answered(data):
            self._counters["stun-dropped"] += 1

    def _send_datagram(self, data: bytes, flow: Flow) -> None:
        udp = self._udp.get(flow.local)
        if udp is None:
            raise TransportError("no such socket")
        udp.send(data, flow.remote)

    def _ping(self, flow: Flow) -> None:
        connection = self.connections.get(flow)
        if connection is None:
            raise TransportError("connection closed")
        connection.ping()

    def _heard_at(self, flow: Flow) -> float | None:
        connection = self.connections.get(flow)
        return connection.heard_at if connection is not None else None

    def _connection_lost(self, flow: Flow) -> None:
        for observer in self._lost:
            observer(flow)
