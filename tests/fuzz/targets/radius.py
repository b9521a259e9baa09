"""RADIUS from the other side: streams of RadSec, answers of servers to our client, and what they grant at our ports."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from auth8021x.errors import MalformedPacketError
from auth8021x.pae.conversation import MAX_ROUNDS
from auth8021x.pae.grant import Grant
from auth8021x.pae.nas import NasPort
from auth8021x.radius.client_core import ClientCore
from auth8021x.radius.dynamic_client import DynamicOrders
from auth8021x.radius.request import Answered, Datagram, Request, Server, ServerChanged
from auth8021x.supplicant.trial import Trial
from auth8021x.wire import attribute, authenticity, eap, eap_message, packet
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.packet import HEADER_BYTES, MAX_PACKET_BYTES, Packet, Splitter
from config.dot1x import RadiusTimers
from crypto.secret import Secret
from tests.auth8021x.pae.world import Radius, Supplicant, World
from tests.fuzz.target import Bytes, target

SECRET = b"xyzzy5461"
_MAX_STEPS = 200
_REQUESTS = (Code.ACCESS_REQUEST, Code.ACCOUNTING_REQUEST, Code.DISCONNECT_REQUEST, Code.COA_REQUEST)
_ANSWERS = (
    Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE, Code.ACCOUNTING_RESPONSE, Code.DISCONNECT_ACK,
    Code.DISCONNECT_NAK, Code.COA_ACK, Code.COA_NAK,
)  # fmt: skip
_SEEN_FOR_S = 40.0


@target("radsec")
def radsec(data: bytes) -> None:
    """However a stream is cut, the same packets come out of it, and it breaks at the same place."""
    script, splitter, whole, found = Bytes(data), Splitter(), b"", list[bytes]()
    while not script.is_empty:
        piece = script.chunk()
        whole += piece
        found += splitter.feed(piece)
    assert whole.startswith(b"".join(found))
    assert all(HEADER_BYTES <= len(each) <= MAX_PACKET_BYTES for each in found)
    again = Splitter()
    assert (again.feed(whole), again.is_broken) == (found, splitter.is_broken)


class _NoChance:
    def octets(self, count: int) -> bytes:
        return bytes(count)

    def spread(self) -> float:
        return 0.0


class _Client:
    """Our client between a server that is out of its mind and strangers, who know no secret."""

    def __init__(self, script: Bytes) -> None:
        self.core = ClientCore(
            [Server("udp", SECRET), Server("radsec", SECRET, is_reliable=True)], RadiusTimers(), _NoChance(), "ward"
        )
        self.waiting: set[int] = set()
        self._script = script
        self._sent: list[Datagram] = []
        self._now = 1.0

    def step(self) -> None:
        script, core = self._script, self.core
        choice = script.number()
        self._now += (choice >> 4) / 4
        kind = choice & 3
        if kind == 0:
            code = _REQUESTS[script.number() % len(_REQUESTS)]
            self.waiting.add(core.ask(Request(code, server=("", "udp", "radsec")[script.number() % 3]), self._now))
        elif kind == 1:
            where = script.number()
            core.receive(where & 1, where >> 1 & 1, script.take(script.number(2)), self._now)
        elif kind == 2:
            self._answer(script)
        else:
            core.lane_lost(1, script.number() & 1, self._now)
        core.handle_timeout(self._now)
        self._sent += core.datagrams_to_send()
        self._check(may_be_answered=kind == 2)

    def _answer(self, script: Bytes) -> None:
        if not self._sent:
            return
        asked = self._sent[script.number() % len(self._sent)]
        request = packet.parse(asked.octets)
        code, found = _ANSWERS[script.number() % len(_ANSWERS)], _attributes(script.chunk())
        answer = authenticity.response_octets(
            Packet(code, request.identifier, attributes=found), request.authenticator, SECRET
        )
        self.core.receive(asked.server, asked.lane, answer, self._now)

    def _check(self, *, may_be_answered: bool) -> None:
        while (event := self.core.next_event()) is not None:
            if isinstance(event, ServerChanged):
                continue
            self.waiting.remove(event.ticket)
            assert may_be_answered or not isinstance(event, Answered), "nobody has said that who knows the secret"
        assert self.core.in_flight == len(self.waiting)
        due = self.core.next_timeout()
        assert due is None or due > self._now or not self.waiting


@target("radius-client")
def radius_client(data: bytes) -> None:
    script = Bytes(data)
    client = _Client(script)
    for _ in range(_MAX_STEPS):
        if script.is_empty:
            return
        client.step()


def _attributes(data: bytes) -> tuple[Attribute, ...]:
    """What a packet with this body holds; nothing where it is none."""
    try:
        return attribute.parse(data)
    except MalformedPacketError:
        return ()


class _Moody:
    """A server of EAP-MD5 that says something else now and then, as its script has it."""

    def __init__(self, script: Bytes) -> None:
        self._script = script
        self._usual = Radius()

    def __call__(self, request: Request) -> Packet | None:
        usual, choice = self._usual(request), self._script.number() % 6
        if choice == 0 or usual is None:
            return usual
        if choice == 1:
            return None
        if choice == 2:
            carried = eap_message.split(self._script.chunk())
            return Packet(Code.ACCESS_CHALLENGE, 1, attributes=(*carried, Attribute(Type.STATE, b"s")))
        more = _attributes(self._script.take(self._script.number(2)))
        if choice == 3:
            return Packet(Code.ACCESS_REJECT, 1, attributes=more)
        ours = () if choice == 4 else eap_message.split(eap.success(1).serialize())
        return Packet(Code.ACCESS_ACCEPT, 1, attributes=(*ours, *more))


@target("radius-port")
def radius_port(data: bytes) -> None:
    """Whatever it challenges and grants: time goes on, and it costs no more than a bounded number of questions."""
    world = World(_Moody(Bytes(data)), Supplicant(), server_timeout_s=3.0).up().start()
    world.run(_SEEN_FOR_S)
    due = world.port.next_timeout()
    assert due is None or due > world.now
    assert len(world.port.terminals) <= 1
    assert len(world.asked) <= 2 * MAX_ROUNDS
    assert len(world.accounts) <= 4 * _SEEN_FOR_S


class _OneAnswer:
    """Whatever it is asked (radius.accounting.Asker)."""

    def __init__(self, answer: Packet) -> None:
        self._answer = answer

    async def ask(self, _request: Request) -> Answered:
        return Answered(1, "r0", self._answer, 0.01)


@target("radius-grant")
def radius_grant(data: bytes) -> None:
    """An answer without EAP to who tries a password or an address, and one to who orders something."""
    try:
        answer = packet.parse(data)
    except MalformedPacketError:
        return
    port = NasPort("ward", "", 1, "p1", bytes.fromhex("02000000ff01"))
    trial = Trial(_OneAnswer(answer), port, bytes.fromhex("020000aa0001"), float)
    found = _result(trial.by_password("vt1", Secret("guess")))
    assert found.grant is None or answer.code not in (Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE)
    assert isinstance(found.grant, Grant) == (not found.reason)
    assert all(message.isprintable() for message in found.messages)
    done = _result(DynamicOrders(_OneAnswer(answer)).disconnect("r0", ()))
    assert done.is_done == (answer.code in (Code.DISCONNECT_ACK, Code.COA_ACK))


def _result(asked: Coroutine[Any, Any, Any]) -> Any:
    """Of a coroutine that has nothing to wait for."""
    try:
        asked.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")
