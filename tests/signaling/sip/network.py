"""Agents joined by a network that loses, repeats and delays datagrams, on a virtual clock."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

from signaling.sip.agent import Agent
from signaling.sip.sessions.events import Offered, SessionEvent
from signaling.sip.sessions.session import Session
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Request
from signaling.sip.wire.uri import Uri, parse_name_addr


class Peer:
    """An agent at one address that keeps what happened."""

    def __init__(self, network: Network, address: str) -> None:
        self.network = network
        self.address = (address, 5060)
        self.incoming: list[tuple[Session, Request]] = []
        self.events: list[SessionEvent] = []
        self.answers_at_once: bytes | None = None
        self.answers: Callable[[bytes], None] | None = None
        """Called with every offer within a call."""
        tokens = itertools.count(1)
        self.agent = Agent(
            lambda flow: Uri("sip", "x", flow.local[0], flow.local[1]),
            lambda: f"{address}-{next(tokens)}",
            self._came,
            chance=network.random.random,
        )

    @property
    def session(self) -> Session:
        """The only call."""
        (session,) = self.agent.sessions
        return session

    def _came(self, session: Session, request: Request, flow: Flow) -> None:
        session.observer = self._happened
        self.incoming.append((session, request))
        if self.answers_at_once is not None:
            session.accept(self.answers_at_once, self.network.now)

    def _happened(self, event: SessionEvent) -> None:
        self.events.append(event)
        if isinstance(event, Offered) and self.answers is not None:
            self.answers(event.body)

    def call(self, other: Peer, offer: bytes = b"offer") -> Session:
        flow = Flow("udp", self.address, other.address)
        target = parse_name_addr(f"<sip:1001@{other.address[0]}>")
        origin = parse_name_addr(f"<sip:caller@{self.address[0]}>")
        session = self.agent.invite(target, origin, offer, flow, self._happened, self.network.now)
        self.network.collect()
        return session

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


class Network:
    def __init__(self, seed: int = 0, loss: float = 0.0, delay_s: float = 0.01) -> None:
        self.now = 0.0
        self.random = random.Random(seed)
        self.loss = loss
        self.delay_s = delay_s
        self.peers: dict[tuple[str, int], Peer] = {}
        self.log: list[bytes] = []
        self.drop = lambda data: False
        self._queue: list[tuple[float, int, bytes, Flow]] = []
        self._order = itertools.count()

    def peer(self, address: str) -> Peer:
        peer = Peer(self, address)
        self.peers[peer.address] = peer
        return peer

    def collect(self) -> None:
        for peer in self.peers.values():
            for outgoing in peer.agent.messages_to_send():
                self.log.append(outgoing.data)
                if self.drop(outgoing.data) or self.random.random() < self.loss:
                    continue
                when = self.now + self.delay_s * self.random.uniform(1, 3)
                heapq.heappush(self._queue, (when, next(self._order), outgoing.data, outgoing.flow))

    def run(self, until: float) -> None:
        """Deliver and expire until the virtual time `until`."""
        self.collect()
        while True:
            times = [peer.agent.next_timeout() for peer in self.peers.values()]
            times.append(self._queue[0][0] if self._queue else None)
            pending = [time for time in times if time is not None]
            if not pending or min(pending) > until:
                self.now = until
                return
            self.now = max(self.now, min(pending))
            while self._queue and self._queue[0][0] <= self.now:
                _, _, data, flow = heapq.heappop(self._queue)
                if flow.remote in self.peers:
                    there = Flow("udp", flow.remote, flow.local)
                    self.peers[flow.remote].agent.receive(data, there, self.now)
                self.collect()
            for peer in self.peers.values():
                peer.agent.handle_timeout(self.now)
            self.collect()

    def sent(self, start: str) -> int:
        """How many messages with this start line were sent, lost ones included."""
        return sum(data.startswith(start.encode()) for data in self.log)
