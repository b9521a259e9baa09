"""600 terminals at once: our ports, our RADIUS client and a server, without sockets, with a clock that jumps."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from auth8021x.pae.actions import Account, Admit, Ask, Expel, SendFrame
from auth8021x.pae.grant import Grant
from auth8021x.pae.nas import NasPort
from auth8021x.pae.port import Port
from auth8021x.radius.client_core import ClientCore
from auth8021x.radius.identifiers import PER_LANE
from auth8021x.radius.request import Answered, Datagram, Server, ServerChanged
from auth8021x.wire import eap, eapol
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.eapol import PAE_GROUP_ADDRESS, Eapol, Frame
from config.dot1x import PaeSettings, RadiusTimers
from tests.auth8021x.eapserver.world import NOW, SECRET, Md5Peer, PaperBook, serving, user

COUNT = 600
ONE_WAY_S = 0.005
OURS = bytes.fromhex("02000000ff01")
WARD = ("192.0.2.1", 40_000)


class Dice:
    """The same in each run."""

    def __init__(self) -> None:
        self._chance = random.Random("dice")

    def octets(self, count: int) -> bytes:
        return self._chance.randbytes(count)

    def spread(self) -> float:
        return self._chance.uniform(-0.1, 0.1)


def mac(number: int) -> bytes:
    return bytes.fromhex("020000bb") + number.to_bytes(2, "big")


def name(number: int) -> str:
    return f"bed{number}"


class House:
    """`ports` ports with as many terminals each; `loss`: the share of datagrams that the network loses."""

    def __init__(self, folder: Path, ports: int, loss: float = 0.0, sockets: int = 8, **server: object) -> None:
        book = PaperBook(*(user(name(number), f"{number}-lanterns") for number in range(COUNT)))
        self.server = serving(folder, book, methods=["md5"], **server)
        self.client = ClientCore([Server("own", SECRET, max_lanes=sockets)], RadiusTimers(), Dice(), "ward")
        settings = PaeSettings(max_supplicants_per_port=COUNT // ports)
        self.ports = [
            Port(NasPort("ward", "", number + 1, f"p{number}", OURS), settings, Dice()) for number in range(ports)
        ]
        self.peers = {mac(number): Md5Peer(name(number), f"{number}-lanterns") for number in range(COUNT)}
        self.inside: dict[bytes, Grant] = {}
        self.now = NOW
        self.most_in_flight = self.most_conversations = 0
        self.lost, self.arrived = Counter[str](), Counter[str]()
        """Datagrams, up to the server and down from it."""
        self.accounts = 0
        self._loss = loss
        self._chance = random.Random("600")
        self._asked: dict[int, tuple[Port, int]] = {}
        self._under_way: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def all_say_start(self) -> None:
        """At the same moment."""
        for port in self.ports:
            port.carrier(True, self.now)
        for number in range(COUNT):
            self._hear(self.ports[number % len(self.ports)], mac(number), Eapol(eapol.Type.START))
        self._work()

    def until_all_are_in(self, within_s: float) -> None:
        """Let time pass, from one thing that happens to the next, until nothing is under way either."""
        ends_at = self.now + within_s
        while len(self.inside) < COUNT or self._under_way or self.client.in_flight:
            dues = [self.client.next_timeout(), *(port.next_timeout() for port in self.ports)]
            first = min((due for due in dues if due is not None), default=math.inf)
            self.now = max(self.now, min(first, self._under_way[0][0] if self._under_way else math.inf))
            assert self.now < ends_at, (len(self.inside), self.client.counters, self.server.counters)
            while self._under_way and self._under_way[0][0] <= self.now:
                heapq.heappop(self._under_way)[2]()
            self.client.handle_timeout(self.now)
            for port, due in zip(self.ports, dues[1:], strict=True):
                if due is not None and due <= self.now:
                    port.handle_timeout(self.now)
            self._work()

    def of_ports(self) -> Counter[str]:
        """Their counters together."""
        return sum((port.counters for port in self.ports), Counter[str]())

    def _work(self) -> None:
        has_more = True
        while has_more:
            has_more = False
            for port in self.ports:
                for action in port.actions():
                    self._do(port, action)
                    has_more = True
            for datagram in self.client.datagrams_to_send():
                self._carry("up", partial(self._serve, datagram))
            while (event := self.client.next_event()) is not None:
                has_more = True
                if isinstance(event, ServerChanged):
                    continue
                port, ticket = self._asked.pop(event.ticket)
                if isinstance(event, Answered):
                    port.answered(ticket, event, self.now)
                else:
                    port.no_answer(ticket, self.now)
            self.most_in_flight = max(self.most_in_flight, self.client.in_flight)

    def _do(self, port: Port, action: object) -> None:
        if isinstance(action, SendFrame):
            frame = eapol.parse_frame(action.frame)
            if frame.destination != PAE_GROUP_ADDRESS:
                self._told(port, frame.destination, eap.parse(frame.packet.body))
        elif isinstance(action, Ask):
            self._asked[self.client.ask(action.request, self.now)] = (port, action.ticket)
        elif isinstance(action, Admit):
            self.inside[action.mac] = action.grant
        elif isinstance(action, Account):
            self.accounts += 1
        else:
            assert not isinstance(action, Expel), "nobody is thrown out"

    def _told(self, port: Port, terminal: bytes, packet: Eap) -> None:
        if packet.code != eap.Code.REQUEST:
            return
        peer = self.peers[terminal]
        known = (int(Method.IDENTITY), peer.identity.encode())
        kind, data = known if packet.type == Method.IDENTITY else peer.respond(packet)
        answer = Eap(eap.Code.RESPONSE, packet.identifier, kind, data)
        self._hear(port, terminal, Eapol(eapol.Type.EAP, answer.serialize()))

    def _hear(self, port: Port, terminal: bytes, packet: Eapol) -> None:
        port.receive(Frame(PAE_GROUP_ADDRESS, terminal, packet).serialize(), self.now)

    def _serve(self, datagram: Datagram) -> None:
        source = (WARD[0], WARD[1] + datagram.lane)
        answer = self.server.receive(datagram.octets, source, self.now, 1.8e9)
        self.most_conversations = max(self.most_conversations, len(self.server))
        if answer is not None:
            self._carry("down", lambda: self.client.receive(datagram.server, datagram.lane, answer, self.now))

    def _carry(self, way: str, deliver: Callable[[], None]) -> None:
        if self._chance.random() < self._loss:
            self.lost[way] += 1
            return
        self.arrived[way] += 1
        heapq.heappush(self._under_way, (self.now + ONE_WAY_S, next(self._order), deliver))


def check(house: House) -> None:
    """Everybody is in as who it is, nothing is left over, and every datagram is accounted for."""
    assert {terminal: grant.identity for terminal, grant in house.inside.items()} == {
        terminal: peer.identity for terminal, peer in house.peers.items()
    }
    assert house.accounts == COUNT
    assert (len(house.server), house.client.in_flight) == (0, 0)
    assert house.client.next_timeout() is None
    client, server = house.client.counters, house.server.counters
    assert client["sent"] == house.arrived["up"] + house.lost["up"]
    assert server.total() == house.arrived["up"], server
    assert client["answered"] + client["unexpected"] == house.arrived["down"], client
    assert server["accepted"] >= COUNT


@pytest.mark.parametrize("ports", [1, 60, 600])
def test_all_are_let_in_at_once(certificates: Path, ports: int):
    house = House(certificates, ports)
    house.all_say_start()
    assert house.most_in_flight == COUNT > 2 * PER_LANE
    house.until_all_are_in(within_s=1)
    check(house)
    assert house.most_conversations == COUNT
    assert house.client.counters == {"sent": 2 * COUNT, "answered": 2 * COUNT}
    assert house.server.counters == {"challenged": COUNT, "accepted": COUNT}
    assert house.of_ports() == {}


@pytest.mark.parametrize("loss", [0.05, 0.3])
def test_and_over_a_network_that_loses(certificates: Path, loss: float):
    house = House(certificates, 60, loss)
    house.all_say_start()
    house.until_all_are_in(within_s=600)
    check(house)
    assert house.lost["up"] > COUNT * loss
    assert house.lost["down"] > COUNT * loss
    assert house.client.counters["repeated"] > 0
    ports = house.of_ports()
    assert ports["no-server"] + ports["late-answer"] == house.client.counters["no-answer"]
    # An Accept that was lost again and again, until the server knew nothing of it any more.
    assert ports["rejected"] <= house.server.counters["no-session"]
    assert ports.keys() <= {"no-server", "late-answer", "rejected"}


def test_more_than_there_are_identifiers_for_wait_and_are_counted(certificates: Path):
    house = House(certificates, 60, sockets=1)
    house.all_say_start()
    assert house.most_in_flight == PER_LANE
    house.until_all_are_in(within_s=200)
    check(house)
    refused = house.client.counters["too-many-requests"]
    assert refused >= COUNT - PER_LANE
    assert house.of_ports() == {"no-server": refused}


def test_a_server_without_room_for_all_lets_them_in_one_after_the_other(certificates: Path):
    """What it has no room for is not refused: it comes again after a second, and has to be looked at again."""
    house = House(certificates, 60, max_sessions=100)
    house.all_say_start()
    house.until_all_are_in(within_s=30)
    check(house)
    assert house.most_conversations == 100
    assert house.server.counters["too-many-sessions"] >= COUNT - 100
    assert house.server.counters["repeated"] == 0, "it was as new"
    assert house.of_ports() == {}
