"""One transport of a leg: the socket, where the peer is, and the keys; packets are clear inside and protected outside.

A WebRTC leg has one for everything (BUNDLE); a leg with ports has one for RTP and one for RTCP of each stream.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from mcu.media import DtlsPeer, SdesKeys
from mcu.net.dtls import DtlsSession
from mcu.net.handshakes import Handshakes
from mcu.net.ice import Address
from mcu.net.latch import Latch
from mcu.net.sockets import UdpSocket
from mcu.rtp import packet as rtp_packet
from mcu.rtp.demux import Protocol as Wire
from mcu.rtp.demux import classify
from mcu.rtp.srtp_session import SrtpPair

_MAX_EARLY_DATAGRAMS = 8
_MAX_HANDSHAKE_TRIES = 3


class Owner(Protocol):
    """The leg: takes what arrives, in the clear."""

    def rtp_received(self, component: Component, data: bytes, now_us: int) -> None:
        """An authentic RTP packet."""

    def rtcp_received(self, component: Component, data: bytes, now_us: int) -> None:
        """An authentic RTCP compound."""

    def component_ready(self, component: Component) -> None:
        """Keys are agreed and something authentic was heard."""

    def component_failed(self, component: Component, reason: str) -> None:
        """No keys will ever be agreed."""


class Component:
    """See the module. `payload_types` are those the peer may send; they decide which clear packets are valid."""

    def __init__(self, owner: Owner, handshakes: Handshakes, counters: Counter[str]) -> None:
        self.socket: UdpSocket | None = None
        self.remote: Address | None = None
        self.latch: Latch | None = None
        self.payload_types: frozenset[int] = frozenset()
        self.is_ready = False
        self._owner = owner
        self._handshakes = handshakes
        self._counters = counters
        self._keys: SdesKeys | None = None
        self._srtp: SrtpPair | None = None
        self._is_encrypted = False
        self._peer: DtlsPeer | None = None
        self._session: DtlsSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._dtls_remote: Address | None = None
        self._tries = 0
        self._early: list[tuple[bytes, Address]] = []

    # ---- what was negotiated

    def bind(self, udp: UdpSocket, latch: Latch) -> None:
        """Use a port of our own; the peer's address is `latch`'s to know."""
        self.socket, self.latch = udp, latch
        udp.receive = self.receive

    def use_path(self, udp: UdpSocket, remote: Address) -> None:
        """ICE has chosen a path."""
        self.socket, self.remote = udp, remote
        self._start_as_client()

    def use_clear(self) -> None:
        """Neither SDES nor DTLS was negotiated."""
        self._is_encrypted = False

    def use_keys(self, keys: SdesKeys) -> None:
        """SRTP with these keys. The same keys as before go on where they were. Raises ValueError for bad ones."""
        self._is_encrypted = True
        if keys != self._keys:
            self._replace_srtp(SrtpPair(keys.suite, keys.local, keys.remote))
            self._keys = keys

    def share_keys(self, other: Component) -> None:
        """RTCP of a stream: the keys of its RTP component."""
        self._is_encrypted = other._is_encrypted
        if other._srtp is not None:
            self._srtp = other._srtp

    def use_dtls(self, peer: DtlsPeer) -> None:
        """Keys come from a handshake with `peer`; one that is done or under way with the same peer goes on."""
        self._is_encrypted = True
        if peer == self._peer:
            return
        self._end_session()
        self._peer = peer
        self._tries = 0
        early, self._early = self._early, []
        for data, source in early:
            self._receive_dtls(data, source)
        self._start_as_client()

    def negotiate_remote(self, address: Address | None) -> None:
        """SDP said where the peer is (legs with ports)."""
        if self.latch is not None:
            self.latch.negotiate(address)
            self.remote = self.latch.remote
            self._start_as_client()

    def close(self) -> None:
        """End the association; sockets belong to the leg."""
        self._end_session()
        self._fold_drops()
        self._srtp = None

    @property
    def can_send(self) -> bool:
        """Whether there is an address and, where needed, a key."""
        return self.remote is not None and (self._srtp is not None or not self._is_encrypted)

    # ---- in

    def receive(self, data: bytes, source: Address, now_us: int) -> None:
        """A datagram from the socket."""
        wire = classify(data)
        if wire is Wire.RTP:
            clear = self._open(data, is_rtcp=False)
            if clear is not None and ((source == self.remote and self.is_ready) or self._let_in(clear, source, wire)):
                self._owner.rtp_received(self, clear, now_us)
        elif wire is Wire.RTCP:
            clear = self._open(data, is_rtcp=True)
            if clear is not None and ((source == self.remote and self.is_ready) or self._let_in(clear, source, wire)):
                self._owner.rtcp_received(self, clear, now_us)
        elif wire is Wire.DTLS:
            self._receive_dtls(data, source)
        else:
            self._counters["not-media"] += 1

    def _open(self, data: bytes, *, is_rtcp: bool) -> bytes | None:
        srtp = self._srtp
        if srtp is not None:
            return srtp.unprotect_rtcp(data) if is_rtcp else srtp.unprotect(data)
        if self._is_encrypted:
            self._counters["no-keys-yet"] += 1
            return None
        return data

    def _let_in(self, clear: bytes, source: Address, wire: Wire) -> bool:
        if wire is Wire.RTP and not self._is_valid(clear):
            self._counters["rtp-invalid"] += 1
            return False
        if self.latch is not None:
            if not self.latch.accept(source, is_authentic=self._srtp is not None):
                self._counters["rtp-wrong-source"] += 1
                return False
            self.remote = self.latch.remote
        if not self.is_ready:
            self.is_ready = True
            self._owner.component_ready(self)
        return True

    def _is_valid(self, clear: bytes) -> bool:
        packet = rtp_packet.parse(clear)
        return packet is not None and packet.payload_type in self.payload_types

    # ---- out

    def send(self, packets: Sequence[bytes], traffic_class: int = 0) -> int:
        """Protect and send RTP packets; the number of bytes that went out."""
        udp, remote = self.socket, self.remote
        if udp is None or remote is None:
            return 0
        out = self._protect(packets)
        if len(out) == 1:
            udp.send(out[0], remote, traffic_class)
            return len(out[0])
        udp.send_many(out, remote)
        return sum(map(len, out))

    def protect(self, packet: bytes) -> bytes | None:
        """One RTP packet as it goes on the wire; None when there is no key yet."""
        if self._srtp is not None:
            return self._srtp.protect(packet)
        return None if self._is_encrypted else packet

    def send_protected(self, data: bytes) -> None:
        """Send again what was protected before."""
        if self.socket is not None and self.remote is not None:
            self.socket.send(data, self.remote)

    def send_rtcp(self, compound: bytes) -> None:
        """Protect and send a compound."""
        if self.socket is None or self.remote is None:
            return
        if self._srtp is not None:
            protected = self._srtp.protect_rtcp(compound)
            if protected is not None:
                self.socket.send(protected, self.remote)
        elif not self._is_encrypted:
            self.socket.send(compound, self.remote)

    def _protect(self, packets: Sequence[bytes]) -> Sequence[bytes]:
        if self._srtp is None:
            return () if self._is_encrypted else packets
        protect = self._srtp.protect
        return [data for data in map(protect, packets) if data is not None]

    # ---- keys by DTLS

    def _receive_dtls(self, data: bytes, source: Address) -> None:
        if self._peer is None:
            if len(self._early) < _MAX_EARLY_DATAGRAMS:
                self._early.append((data, source))
            return
        if not self._is_dtls_source(source):
            self._counters["dtls-wrong-source"] += 1
            return
        if self._session is None:
            self._start_session()
        if self._session is not None and not self._session.receive(data):
            self._counters["dtls-too-many"] += 1

    def _is_dtls_source(self, source: Address) -> bool:
        if self.latch is None or source == self.remote:
            self._dtls_remote = source
            return True
        if self._srtp is not None:
            return False
        if self._dtls_remote is None:
            self._dtls_remote = source
        return source == self._dtls_remote

    def _start_as_client(self) -> None:
        if self._peer is not None and self._peer.is_client and self._session is None and self.remote is not None:
            self._start_session()

    def _start_session(self) -> None:
        if self._peer is None or self._tries >= _MAX_HANDSHAKE_TRIES:
            return
        session = self._handshakes.session(self._peer, self._send_dtls)
        task = self._handshakes.start(session, self._keys_agreed, self._handshake_failed)
        if task is None:
            self._counters["dtls-busy"] += 1
            return
        self._tries += 1
        self._session, self._task = session, task

    def _send_dtls(self, data: bytes) -> None:
        remote = self._dtls_remote or self.remote
        if self.socket is not None and remote is not None:
            self.socket.send(data, remote)

    def _keys_agreed(self, keys: SdesKeys) -> None:
        self._task = None
        self._replace_srtp(SrtpPair(keys.suite, keys.local, keys.remote))
        if self.latch is not None and self._dtls_remote is not None:
            self.latch.accept(self._dtls_remote, is_authentic=True)
            self.remote = self.latch.remote
        self.is_ready = True
        self._owner.component_ready(self)

    def _handshake_failed(self, reason: str) -> None:
        self._counters[reason] += 1
        self._task = None
        self._end_session()
        self._dtls_remote = None
        if self._tries >= _MAX_HANDSHAKE_TRIES or reason == "dtls-timeout":
            self._owner.component_failed(self, reason)

    def _end_session(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._session is not None:
            self._handshakes.end(self._session)
            self._session = None

    def _replace_srtp(self, pair: SrtpPair) -> None:
        self._fold_drops()
        self._srtp = pair

    def _fold_drops(self) -> None:
        if self._srtp is not None:
            for reason, count in self._srtp.drops.items():
                self._counters[f"srtp-{reason}"] += count
            self._srtp.drops.clear()

    def collect_drops(self) -> None:
        """Add what SRTP has dropped to the counters of the process."""
        self._fold_drops()
