"""The one port of all WebRTC legs on each local address, UDP and TCP: packets go to the ICE agent or to their leg."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from mcu.net.check_budget import CheckBudget
from mcu.net.component import Component
from mcu.net.ice import Address, ConsentExpired, Credentials, IceAgent, Path, PathSelected
from mcu.net.sockets import UdpSocket
from mcu.net.tcp_port import TcpPort
from mcu.rtp.demux import Protocol as Wire
from mcu.rtp.demux import classify


class SharedPort:
    """The thin shell around IceAgent. `heard(leg, now_us)` and `consent(leg, is_given)` tell the legs."""

    def __init__(
        self,
        sockets: list[UdpSocket],
        streams: list[TcpPort],
        agent: IceAgent,
        counters: Counter[str],
        heard: Callable[[int, int], None],
        consent: Callable[[int, bool], None],
        budget: CheckBudget,
    ) -> None:
        self._sockets: list[UdpSocket | TcpPort] = [*sockets, *streams]
        self._streams = streams
        self._agent = agent
        self._counters = counters
        self._heard = heard
        self._consent = consent
        self._components: dict[int, Component] = {}
        self._budget = budget
        for index, each in enumerate(self._sockets):
            each.receive = self._receiver_of(index)
            if isinstance(each, TcpPort):
                each.is_checked, each.closed = partial(self._is_checked, index), partial(self._lose, index)

    def add(self, leg: int, credentials: Credentials, component: Component) -> None:
        """Expect the peer of `leg`."""
        self._agent.add(leg, credentials)
        self._components[leg] = component

    def restart(self, leg: int, credentials: Credentials) -> None:
        """New credentials for a leg that is open."""
        self._agent.restart(leg, credentials)

    def remove(self, leg: int) -> None:
        """Forget a leg."""
        self._agent.remove(leg)
        self._components.pop(leg, None)

    def handle_timeout(self, now_us: int) -> None:
        """About once a second."""
        self._agent.handle_timeout(now_us)
        self._handle_events()
        for stream in self._streams:
            stream.handle_timeout(now_us)

    def _is_checked(self, index: int, remote: Address) -> bool:
        return self._agent.leg_at(Path(index, remote)) is not None

    def _lose(self, index: int, remote: Address) -> None:
        self._agent.lose(Path(index, remote))
        self._handle_events()

    def _receiver_of(self, index: int) -> Callable[[bytes, Address, int], None]:
        leg_at, components = self._agent.leg_at, self._components

        def receive(data: bytes, source: Address, now_us: int) -> None:
            if data[0] < 4:
                self._receive_check(Path(index, source), data, now_us)
                return
            leg = leg_at(Path(index, source))
            if leg is not None:
                components[leg].receive(data, source, now_us)
            else:
                self._counters["dtls-unchecked" if classify(data) is Wire.DTLS else "media-unchecked"] += 1

        return receive

    def _receive_check(self, path: Path, data: bytes, now_us: int) -> None:
        if self._agent.leg_at(path) is None and not self._budget.take(now_us):
            self._counters["stun-flood"] += 1
            return
        answer = self._agent.receive(data, path, now_us)
        if answer is None:
            return
        self._sockets[path.local].send(answer, path.remote)
        leg = self._agent.leg_at(path)
        if leg is not None:
            self._heard(leg, now_us)
        self._handle_events()

    def _handle_events(self) -> None:
        while (event := self._agent.next_event()) is not None:
            if isinstance(event, PathSelected):
                self._components[event.leg].use_path(self._sockets[event.path.local], event.path.remote)
                self._consent(event.leg, True)
            elif isinstance(event, ConsentExpired):
                self._consent(event.leg, False)
