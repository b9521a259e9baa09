"""A clock, dice and a server for tests without sockets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from auth8021x.radius.client_core import ClientCore
from auth8021x.radius.request import Answered, Datagram, Event, GaveUp, Request, Server
from auth8021x.wire import attribute, authenticity, packet
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.packet import Packet
from config.dot1x import RadiusTimers

SECRET = b"xyzzy5461"
USER = attribute.text(Type.USER_NAME, "vt1")
ASK = Request(Code.ACCESS_REQUEST, (USER,))


class Dice:
    """Octets that count up, and no spread."""

    def __init__(self, spread: float = 0.0) -> None:
        self.count = 0
        self._spread = spread

    def octets(self, count: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(count, "big")

    def spread(self) -> float:
        return self._spread


def answer(request: Packet, *attributes: Attribute, secret: bytes = SECRET, code: Code = Code.ACCESS_ACCEPT) -> bytes:
    """A right answer."""
    return authenticity.seal_response(
        Packet(code, request.identifier, attributes=attributes), request.authenticator, secret
    ).serialize()


Behaviour = Callable[[Packet], "bytes | None"]


def accepts(request: Packet) -> bytes | None:
    """A server that lets everybody in, and tells its status."""
    return answer(request, USER)


def silent(request: Packet) -> bytes | None:
    """A dead server."""


@dataclass
class Bench:
    """A client core and its servers, joined by a network without delay, and a clock that jumps."""

    behaviours: list[Behaviour]
    timers: RadiusTimers = field(default_factory=RadiusTimers)
    servers: list[Server] = field(default_factory=list)
    now: float = 100.0
    sent: list[tuple[float, Datagram]] = field(default_factory=list)
    events: list[tuple[float, Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.servers:
            self.servers = [Server(f"r{number}", SECRET) for number in range(len(self.behaviours))]
        self.core = ClientCore(self.servers, self.timers, Dice(), "ward")

    def ask(self, request: Request = ASK) -> int:
        ticket = self.core.ask(request, self.now)
        self.work()
        return ticket

    def work(self) -> None:
        """Carry what is on its way until nothing is."""
        while out := self.core.datagrams_to_send():
            for each in out:
                self.sent.append((self.now, each))
                reply = self.behaviours[each.server](packet.parse(each.octets))
                if reply is not None:
                    self.core.receive(each.server, each.lane, reply, self.now)
        while (event := self.core.next_event()) is not None:
            self.events.append((self.now, event))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while (due := self.core.next_timeout()) is not None and due <= until:
            self.now = max(self.now, due)
            self.core.handle_timeout(self.now)
            self.work()
        self.now = until

    def outcome(self, ticket: int) -> Answered | GaveUp | None:
        """What became of a request."""
        found = [event for _, event in self.events if isinstance(event, Answered | GaveUp) and event.ticket == ticket]
        assert len(found) <= 1, "a request is answered once"
        return found[0] if found else None

    def sent_at(self, server: int = 0, code: int = Code.ACCESS_REQUEST) -> list[float]:
        """When packets of a kind were sent to a server."""
        return [at for at, each in self.sent if each.server == server and each.octets[0] == code]
