"""One transport of a leg: the socket, where the peer is, and the keys; packets are clear inside and protected outside.

A WebRTC leg has one for everything (BUNDLE); a leg with ports has one for RTP and one for RTCP of each stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from mcu.media import DtlsPeer, H235Keys, IceCredentials, SdesKeys
from mcu.net.handshakes import Handshakes
from mcu.net.ice import Address
from mcu.net.keying import DtlsKeying
from mcu.net.latch import Latch, Rank
from mcu.net.port_checks import PortChecks
from mcu.net.protection import Protection, protection_by
from mcu.net.sockets import Receive
from mcu.rtp import packet as rtp_packet
from mcu.rtp.demux import Protocol as Wire
from mcu.rtp.demux import classify
from mcu.rtp.rtcp import parse_compound

_MAX_HELD = 64
"""Packets that wait for the end of a handshake."""
_MAX_TRIES_WITHOUT_ICE = 3
_MAX_ASSOCIATIONS_WITHOUT_ICE = 5
"""Handshakes with where SDP says, and with all at a time: some may be a stranger's at the peer's own host."""


class Way(Protocol):
    """What carries packets: a UDP port, or the TCP port whose connections are told apart by their remote address."""

    def send(self, data: bytes, remote: Address, traffic_class: int = 0) -> bool:
        """Send one packet; False: dropped."""

    def send_many(self, packets: Sequence[bytes], remote: Address) -> object:
        """Send packets in order."""

    def is_slow(self, remote: Address) -> bool:
        """Whether no new picture should be begun."""


class Port(Way, Protocol):
    """A way of one component alone."""

    receive: Receive
    """Called with what comes."""


class Owner(Protocol):
    """The leg: takes what arrives, in the clear."""

    def rtp_received(self, component: Component, data: bytes, now_us: int) -> None:
        """An RTP packet, authentic where its protection tells."""

    def rtcp_received(self, component: Component, data: bytes, now_us: int) -> None:
        """An RTCP compound, likewise."""

    def component_ready(self, component: Component) -> None:
        """Keys are agreed and something authentic was heard."""

    def component_failed(self, component: Component, reason: str) -> None:
        """No keys will ever be agreed."""


class Component:
    """See the module. `payload_types` are those the peer may send; they decide which clear packets are valid."""

    def __init__(self, owner: Owner, handshakes: Handshakes, counters: Counter[str]) -> None:
        self.socket: Way | None = None
        self.remote: Address | None = None
        self.latch: Latch | None = None
        self.payload_types: frozenset[int] = frozenset()
        self.is_ready = False
        self._owner = owner
        self._counters = counters
        self._checks: PortChecks | None = None
        self._keys: SdesKeys | H235Keys | None = None
        self._protection: Protection | None = None
        self._is_encrypted = False
        self._shaken_us = 0
        self._held: list[tuple[bytes, Address, int]] = []
        self._keying = DtlsKeying(handshakes, self._send_dtls, self._keys_agreed, self._keying_failed, counters)

    # ---- what was negotiated

    def bind(self, udp: Port, latch: Latch, checks: PortChecks | None = None) -> None:
        """Use a port of our own; the peer's address is `latch`'s to know, and `checks` answers its ICE."""
        self.socket, self.latch, self._checks = udp, latch, checks
        self._keying.max_tries = _MAX_TRIES_WITHOUT_ICE
        self._keying.max_associations = _MAX_ASSOCIATIONS_WITHOUT_ICE
        udp.receive = self.receive

    def use_path(self, way: Way, remote: Address) -> None:
        """ICE has chosen a path."""
        self.socket, self.remote = way, remote
        self._start_keying()

    def use_clear(self) -> None:
        """No keys were negotiated."""
        self._is_encrypted = False
        self.collect_drops()
        self._protection = self._keys = None

    def use_keys(self, keys: SdesKeys | H235Keys) -> None:
        """SRTP or H.235.6 with these keys. The same as before go on where they were. Raises ValueError for bad ones."""
        self._is_encrypted = True
        if keys != self._keys:
            self._protect_by(protection_by(keys))
            self._keys = keys

    def share_keys(self, other: Component) -> None:
        """RTCP of a stream: the keys of its RTP component, unless it has agreed on its own (RFC 5764 4.1)."""
        self._is_encrypted = other._is_encrypted
        if other._protection is not None and not self._keying.is_agreed:
            self._protection = other._protection

    def use_dtls(self, peer: DtlsPeer) -> None:
        """Keys come from a handshake with `peer`; one that is done or under way with the same peer goes on."""
        self._is_encrypted = True
        self._keying.use(peer)
        self._start_keying()

    def use_ice(self, ice: IceCredentials | None) -> None:
        """Whether the peer of a leg with ports checks them, and with which credentials of ours."""
        if self._checks is not None:
            self._checks.use(ice)
        if self.latch is not None and ice is None:
            self.latch.unsettle()

    def negotiate_remote(self, address: Address | None) -> None:
        """SDP said where the peer is (legs with ports)."""
        if self.latch is not None:
            self.latch.negotiate(address)
            self.remote = self.latch.remote
            self._start_keying()

    def _start_keying(self) -> None:
        if self.remote is not None:
            self._keying.start(self.remote)

    def close(self) -> None:
        """End the association. The socket of a port is closed by the leg; the shared one still says goodbye."""
        self._keying.end()
        self.collect_drops()
        self._protection = None
        if self.latch is not None:
            self.socket = None

    @property
    def can_send(self) -> bool:
        """Whether there is an address and, where needed, a key."""
        return self.remote is not None and (self._protection is not None or not self._is_encrypted)

    @property
    def is_slow(self) -> bool:
        """Whether the peer reads so slowly that no new picture should be begun."""
        return self.socket is not None and self.remote is not None and self.socket.is_slow(self.remote)

    # ---- in

    def receive(self, data: bytes, source: Address, now_us: int) -> None:
        """A datagram from the socket."""
        wire = classify(data)
        if self._is_encrypted and self._protection is None and wire in (Wire.RTP, Wire.RTCP):
            self._hold(data, source, now_us)
        elif wire is Wire.RTP:
            clear = self._open(data, is_rtcp=False)
            if clear is not None and (self._is_settled(source, now_us) or self._let_in(clear, source, wire, now_us)):
                self._owner.rtp_received(self, clear, now_us)
        elif wire is Wire.RTCP:
            clear = self._open(data, is_rtcp=True)
            if clear is not None and (self._is_settled(source, now_us) or self._let_in(clear, source, wire, now_us)):
                self._owner.rtcp_received(self, clear, now_us)
        elif wire is Wire.DTLS:
            if self.latch is None or self.latch.may_shake_hands(source, now_us):
                self._shaken_us = now_us
                self._keying.receive(data, source)
            else:
                self._counters["dtls-wrong-source"] += 1
        elif wire is Wire.STUN:
            self._receive_check(data, source, now_us)
        else:
            self._counters["not-media"] += 1

    def _receive_check(self, data: bytes, source: Address, now_us: int) -> None:
        """ICE on a port of our own; the shared port looks at its checks itself."""
        if self._checks is None or self.latch is None or self.socket is None:
            self._counters["not-media"] += 1
            return
        answer, chosen = self._checks.receive(data, source, now_us)
        if answer is not None:
            self.socket.send(answer, source)
        if chosen is not None:
            self.latch.settle(chosen, now_us)
            self.remote = chosen
            self._start_keying()

    def _is_settled(self, source: Address, now_us: int) -> bool:
        """Whether packets have come from there before; the way of nearly all of them."""
        if source != self.remote or not self.is_ready:
            return False
        latch = self.latch
        if latch is None:
            return True
        latch.heard_us = now_us
        return latch.learnt is not None

    def _open(self, data: bytes, *, is_rtcp: bool) -> bytes | None:
        protection = self._protection
        if protection is None:
            return data
        return protection.unprotect_rtcp(data) if is_rtcp else protection.unprotect(data)

    def _hold(self, data: bytes, source: Address, now_us: int) -> None:
        """The peer may have its keys a little before us; its first packets are often the keyframe."""
        if self.latch is not None and self.latch.rank(source) is Rank.STRANGER:
            self._counters["media-wrong-source"] += 1
        elif len(self._held) < _MAX_HELD:
            self._held.append((data, source, now_us))
        else:
            self._counters["no-keys-yet"] += 1

    def _let_in(self, clear: bytes, source: Address, wire: Wire, now_us: int) -> bool:
        if not self._is_valid(clear, wire):
            self._counters["media-invalid"] += 1
            return False
        if self.latch is not None:
            is_authentic = self._protection is not None and self._protection.is_authentic
            # Without a tag only RTP settles where RTP goes; a stranger's RTCP is too easily made.
            if wire is Wire.RTCP and self.payload_types and not is_authentic and not self._is_from_remote(source):
                return False
            ssrc = int.from_bytes(clear[8:12], "big") if wire is Wire.RTP else 0
            if not self.latch.accept(source, now_us, is_authentic=is_authentic, ssrc=ssrc):
                self._counters["media-wrong-source"] += 1
                return False
            self.remote = self.latch.remote
        if not self.is_ready:
            self.is_ready = True
            self._owner.component_ready(self)
        return True

    def learn(self, source: Address, now_us: int) -> None:
        """Something that is no media tells where the peer is (H.460.19)."""
        if self.latch is not None and self.latch.accept(source, now_us, is_authentic=False):
            self.remote = self.latch.remote

    def _is_from_remote(self, source: Address) -> bool:
        """SDP names host and port; an IPv6 socket tells flow and scope beside them."""
        return self.remote is not None and source[:2] == self.remote[:2]

    def _is_valid(self, clear: bytes, wire: Wire) -> bool:
        if wire is Wire.RTCP:
            return parse_compound(clear)[1] == 0
        packet = rtp_packet.parse(clear)
        return packet is not None and packet.payload_type in self.payload_types

    # ---- out

    def send(self, packets: Sequence[bytes], traffic_class: int = 0) -> int:
        """Protect and send RTP packets; the number of bytes that went out."""
        udp, remote = self.socket, self.remote
        if udp is None or remote is None:
            return 0
        protection = self._protection
        if protection is not None:
            packets = [data for data in map(protection.protect, packets) if data is not None]
        elif self._is_encrypted:
            return 0
        if len(packets) == 1:
            udp.send(packets[0], remote, traffic_class)
            return len(packets[0])
        if packets:
            udp.send_many(packets, remote)
        return sum(map(len, packets))

    def protect(self, packet: bytes) -> bytes | None:
        """One RTP packet as it goes on the wire; None when there is no key yet."""
        if self._protection is not None:
            return self._protection.protect(packet)
        return None if self._is_encrypted else packet

    def send_protected(self, packets: Sequence[bytes], traffic_class: int = 0) -> None:
        """Send what was protected before."""
        if len(packets) == 1 and self.socket is not None and self.remote is not None:
            self.socket.send(packets[0], self.remote, traffic_class)
        elif packets and self.socket is not None and self.remote is not None:
            self.socket.send_many(packets, self.remote)

    def send_rtcp(self, compound: bytes) -> None:
        """Protect and send a compound."""
        if self.socket is None or self.remote is None:
            return
        if self._protection is not None:
            protected = self._protection.protect_rtcp(compound)
            if protected is not None:
                self.socket.send(protected, self.remote)
        elif not self._is_encrypted:
            self.socket.send(compound, self.remote)

    # ---- keys

    def _send_dtls(self, data: bytes, remote: Address) -> None:
        # Over ICE the path that the peer has chosen is the way, whichever the handshake was begun on.
        target = self.remote if self.latch is None else remote
        if self.socket is not None and target is not None:
            self.socket.send(data, target)

    def _keys_agreed(self, keys: SdesKeys, remote: Address | None) -> None:
        self._protect_by(protection_by(keys))
        if self.latch is not None and remote is not None:
            self.latch.accept(remote, self._shaken_us, is_authentic=True)
            self.remote = self.latch.remote
        self.is_ready = True
        self._owner.component_ready(self)
        held, self._held = self._held, []
        for data, source, now_us in held:
            self.receive(data, source, now_us)

    def _keying_failed(self, reason: str) -> None:
        self._owner.component_failed(self, reason)

    def _protect_by(self, pair: Protection) -> None:
        self.collect_drops()
        self._protection = pair

    def collect_drops(self) -> None:
        """Add what was dropped with its keys to the counters of the process."""
        if self._protection is not None:
            for reason, count in self._protection.drops.items():
                self._counters[f"{self._protection.name}-{reason}"] += count
            self._protection.drops.clear()
