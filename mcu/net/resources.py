"""What all legs of the process share: sockets on the event loop, ports, the certificate, the NTP clock."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence

from config.media import LocalAddress, NetSettings
from mcu.net.check_budget import CheckBudget
from mcu.net.dtls import Certificate
from mcu.net.handshakes import Handshakes
from mcu.net.ice import IceAgent
from mcu.net.ports import PortPool
from mcu.net.shared_port import SharedPort
from mcu.net.sockets import ASSURED_FORWARDING_41, EXPEDITED_FORWARDING, UdpSocket
from mcu.net.tcp_port import TcpPort
from mcu.net.traversal import SharedPair
from mcu.rtp.ntp import NtpClock


class Resources:
    """Made once, when the settings are known. Raises OSError when the shared port cannot be bound."""

    def __init__(
        self,
        settings: NetSettings,
        tasks: asyncio.TaskGroup,
        counters: Counter[str],
        heard: Callable[[int, int], None],
        consent: Callable[[int, bool], None],
    ) -> None:
        self.settings = settings
        self.clock = NtpClock(time.time_ns() // 1000 - time.monotonic_ns() // 1000)
        self.handshakes = Handshakes(
            Certificate(), tasks, max_handshakes=settings.max_handshakes, timeout_s=settings.handshake_timeout_s
        )
        self._loop = asyncio.get_running_loop()
        self._counters = counters
        self._pool = PortPool(settings.first_rtp_port, settings.last_rtp_port, secrets.randbelow)
        self._shared_sockets = [self._open_shared(local) for local in settings.addresses]
        self._shared_pairs: dict[str, SharedPair] = {}
        self.checks = CheckBudget(settings.max_new_checks_per_s)
        agent = IceAgent(max_addresses=settings.max_addresses_per_leg, consent_s=settings.consent_s)
        agent.counters = counters
        self._streams = self._open_streams() if settings.has_webrtc_tcp else []
        self.shared = SharedPort(self._shared_sockets, self._streams, agent, counters, heard, consent, self.checks)

    def candidates(self, peer: str) -> tuple[tuple[str, int], ...]:
        """Address and port of each shared socket as `peer` sees it, then the other names of the same sockets."""
        return self._named(self._shared_sockets, peer)

    def tcp_candidates(self, peer: str) -> tuple[tuple[str, int], ...]:
        """The same for TCP; () where it is switched off."""
        return self._named(self._streams, peer)

    def _named(self, sockets: Sequence[UdpSocket | TcpPort], peer: str) -> tuple[tuple[str, int], ...]:
        pairs = list(zip(self.settings.addresses, sockets, strict=False))
        best = [(local.advertised(peer), each.port) for local, each in pairs]
        others = [(name, each.port) for local, each in pairs for name in local.names]
        return tuple(dict.fromkeys([*best, *others]))

    def local_address(self, wanted: str) -> LocalAddress | None:
        """The configured address `wanted` ("": the first one); None where it is not ours to use."""
        if not wanted:
            return self.settings.addresses[0]
        return next((local for local in self.settings.addresses if local.address == wanted), None)

    def open_pair(self, local: LocalAddress, *, is_audio: bool) -> tuple[UdpSocket, UdpSocket]:
        """Sockets for RTP and RTCP of one stream, read by the loop. Raises NoPortsLeft."""
        traffic_class = EXPEDITED_FORWARDING if is_audio else ASSURED_FORWARDING_41
        pair = self._pool.open_pair(lambda port: self._open(local.address, port, traffic_class))
        for udp in pair:
            self._watch(udp)
        return pair

    def shared_pair(self, local: LocalAddress) -> SharedPair:
        """The ports of multiplexed media (H.460.19) on this address, opened when they are wanted first.

        Raises NoPortsLeft.
        """
        if local.address not in self._shared_pairs:
            pair = self._open_shared_pair(local)
            self._shared_pairs[local.address] = SharedPair(pair, self._counters, secrets.randbelow)
        return self._shared_pairs[local.address]

    def _open_shared_pair(self, local: LocalAddress) -> tuple[UdpSocket, UdpSocket]:
        first = self.settings.multiplex_port
        if not first:
            return self.open_pair(local, is_audio=False)
        pool = PortPool(first, first + 1, lambda _: 0)
        pair = pool.open_pair(lambda port: self._open(local.address, port, ASSURED_FORWARDING_41))
        for udp in pair:
            self._watch(udp)
        return pair

    def release(self, udp: UdpSocket) -> None:
        """Give a port back."""
        self._loop.remove_reader(udp.fileno())
        udp.close()

    def close(self) -> None:
        """Give the shared ports back."""
        for udp in (*self._shared_sockets, *(udp for pair in self._shared_pairs.values() for udp in pair.sockets)):
            self.release(udp)
        for stream in self._streams:
            stream.close()

    def _open_shared(self, local: LocalAddress) -> UdpSocket:
        udp = self._open(local.address, self.settings.webrtc_port, ASSURED_FORWARDING_41)
        self._watch(udp)
        return udp

    def _open_streams(self) -> list[TcpPort]:
        """Under the number of the UDP port, unless the settings say otherwise or leave that one to the kernel."""
        wanted = self.settings.webrtc_tcp_port
        if wanted is None and not self.settings.webrtc_port:
            wanted = 0
        return [
            TcpPort(
                local.address, udp.port if wanted is None else wanted,
                traffic_class=ASSURED_FORWARDING_41, settings=self.settings, counters=self._counters,
            )
            for local, udp in zip(self.settings.addresses, self._shared_sockets, strict=True)
        ]  # fmt: skip

    def _open(self, address: str, port: int, traffic_class: int) -> UdpSocket:
        settings = self.settings
        return UdpSocket(
            address,
            port,
            traffic_class=traffic_class,
            buffer_bytes=settings.socket_buffer_bytes,
            has_gso=settings.has_gso,
            counters=self._counters,
        )

    def _watch(self, udp: UdpSocket) -> None:
        settings = self.settings
        self._loop.add_reader(udp.fileno(), udp.read, settings.receive_batch, settings.receive_budget_us)
