"""Ports of legs whose peers are behind firewalls (H.460.19): empty packets tell where a peer is, and may come shared.

Each stream has its own pair of ports. Where the peer can, all its streams come on one pair for all legs of an address,
each packet behind the number of its stream; what we send has the peer's number in front where it has one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from mcu.media import Kind, StreamSpec, Traversal
from mcu.net.component import Component
from mcu.net.ice import Address
from mcu.net.sockets import Receive, UdpSocket
from mcu.rtp.demux import Protocol as Wire
from mcu.rtp.demux import classify
from mcu.rtp.packet import HEADER_BYTES

NUMBER_BYTES = 4
NUMBERS = 1 << 32


class TraversalWay:
    """What carries packets of one component (component.Way): its own port, or a shared one."""

    def __init__(self, own: UdpSocket, shared: SharedPort, counters: Counter[str]) -> None:
        self.receive: Receive = _ignore
        """Set by its component."""
        self._own = own
        self._shared = shared
        self._counters = counters
        self._component: Component | None = None
        self._used = own
        self._is_shared = False
        self._prefix = b""
        self._keep_alive_type = -1
        own.receive = self._receive_own

    def follow(self, component: Component) -> None:
        """Whose packets these are."""
        self._component = component

    def use(self, traversal: Traversal) -> None:
        """What was agreed on."""
        self._is_shared = traversal.is_multiplexed
        self._used = self._shared.udp if traversal.is_multiplexed else self._own
        number = traversal.multiplex_id
        self._prefix = b"" if number is None else number.to_bytes(NUMBER_BYTES, "big")
        self._keep_alive_type = traversal.keep_alive_payload_type

    # ---- in

    def _receive_own(self, data: bytes, source: Address, now_us: int) -> None:
        self._receive(data, source, now_us, is_shared=False)

    def receive_shared(self, data: bytes, source: Address, now_us: int) -> None:
        """A packet without its number."""
        self._receive(data, source, now_us, is_shared=True)

    def _receive(self, data: bytes, source: Address, now_us: int, *, is_shared: bool) -> None:
        if is_shared != self._is_shared:
            self._counters["traversal-other-port"] += 1
            return
        component, wire = self._component, classify(data)
        is_keep_alive = self._is_keep_alive(data, wire)
        # Where RTCP comes from RTP cannot tell: a NAT gives each of the two a port of its own.
        if component is not None and source != component.remote and (is_keep_alive or wire is Wire.RTCP):
            component.learn(source, now_us)
        if is_keep_alive:
            self._counters["keep-alives"] += 1
        else:
            self.receive(data, source, now_us)

    def _is_keep_alive(self, data: bytes, wire: Wire) -> bool:
        """RTP without a payload, of the type that the peer named (H.460.19 7)."""
        return wire is Wire.RTP and len(data) == HEADER_BYTES and data[1] & 0x7F == self._keep_alive_type

    # ---- out

    def send(self, data: bytes, remote: Address, traffic_class: int = 0) -> bool:
        """See component.Way."""
        return self._used.send(self._prefix + data, remote, traffic_class)

    def send_many(self, packets: Sequence[bytes], remote: Address) -> None:
        """See component.Way."""
        prefix = self._prefix
        self._used.send_many([prefix + packet for packet in packets] if prefix else packets, remote)

    def is_slow(self, remote: Address) -> bool:
        """See component.Way."""
        return self._used.is_slow(remote)


class SharedPort:
    """One port of many streams, told apart by numbers."""

    def __init__(self, udp: UdpSocket, counters: Counter[str]) -> None:
        self.udp = udp
        self._counters = counters
        self._ways: dict[int, TraversalWay] = {}
        udp.receive = self._receive

    def __contains__(self, number: int) -> bool:
        return number in self._ways

    def add(self, number: int, way: TraversalWay) -> None:
        """Packets behind this number are for `way`."""
        self._ways[number] = way

    def remove(self, number: int) -> None:
        """They are for nobody any more."""
        self._ways.pop(number, None)

    def _receive(self, data: bytes, source: Address, now_us: int) -> None:
        way = self._ways.get(int.from_bytes(data[:NUMBER_BYTES], "big")) if len(data) > NUMBER_BYTES else None
        if way is None:
            self._counters["multiplex-unknown"] += 1
        else:
            way.receive_shared(data[NUMBER_BYTES:], source, now_us)


class SharedPair:
    """RTP and RTCP of one address; `choose(n)` gives a random number below n."""

    def __init__(self, pair: tuple[UdpSocket, UdpSocket], counters: Counter[str], choose: Callable[[int], int]) -> None:
        self.sockets = pair
        self.ports = (SharedPort(pair[0], counters), SharedPort(pair[1], counters))
        self._choose = choose

    @property
    def numbers(self) -> tuple[int, int]:
        """Of the RTP and the RTCP port."""
        return self.sockets[0].port, self.sockets[1].port

    def free_number(self) -> int:
        """One that no stream has, and nobody guesses."""
        while (number := self._choose(NUMBERS)) in self.ports[0]:
            pass
        return number


class LegTraversal:
    """The ways of one leg."""

    def __init__(self, shared: SharedPair, counters: Counter[str]) -> None:
        self.numbers: dict[str, int] = {}
        """In front of the packets of each kind."""
        self.shared = shared
        self._counters = counters
        self._ways: dict[Kind, list[TraversalWay]] = {}

    def ways(self, kind: Kind, own: tuple[UdpSocket, UdpSocket]) -> tuple[TraversalWay, TraversalWay]:
        """For RTP and RTCP of a kind, over its own ports and the shared ones."""
        number = self.numbers[str(kind)] = self.shared.free_number()
        made = [TraversalWay(udp, port, self._counters) for udp, port in zip(own, self.shared.ports, strict=True)]
        for port, way in zip(self.shared.ports, made, strict=True):
            port.add(number, way)
        self._ways[kind] = made
        return made[0], made[1]

    def configure(self, streams: Iterable[StreamSpec]) -> None:
        """What was negotiated."""
        for spec in streams:
            if spec.traversal is not None:
                for way in self._ways.get(spec.kind, ()):
                    way.use(spec.traversal)

    def close(self) -> None:
        """Nothing comes any more."""
        for number in self.numbers.values():
            for port in self.shared.ports:
                port.remove(number)


def _ignore(data: bytes, source: Address, now_us: int) -> None:
    """Nobody listens yet."""
