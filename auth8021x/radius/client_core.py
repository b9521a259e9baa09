"""A RADIUS client without sockets: which server is asked, again and again, and which answers are believed.

RFC 2865 2.5 and 3, RFC 5080 2.2.1, RFC 5997 4, RFC 6613 2.6. An answer belongs to a request by socket, identifier and
authenticator; whatever else comes is counted and changes nothing.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Sequence
from itertools import count

from auth8021x.errors import MalformedPacketError
from auth8021x.radius import exchange as exchanges
from auth8021x.radius.exchange import PROBE, Exchange
from auth8021x.radius.health import Health
from auth8021x.radius.identifiers import Identifiers
from auth8021x.radius.request import (
    Answered,
    Chance,
    Datagram,
    Event,
    Failure,
    GaveUp,
    Request,
    Server,
    ServerChanged,
)
from auth8021x.wire import attribute, authenticity, packet
from auth8021x.wire.authenticity import Fault
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.packet import AUTHENTICATOR_BYTES, HEADER_BYTES, Packet
from config.dot1x import RadiusTimers


class ClientCore:
    """Pure: requests, datagrams and times in; datagrams, answers and the next deadline out."""

    def __init__(self, servers: Sequence[Server], timers: RadiusTimers, chance: Chance, nas_identifier: str) -> None:
        self.servers = tuple(servers)
        self.counters: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        """Answers that were believed without Message-Authenticator, by the name of the server; cumulative."""
        self._numbers = _numbers(servers)
        self._timers = timers
        self._chance = chance
        self._status = Request(Code.STATUS_SERVER, (attribute.text(Type.NAS_IDENTIFIER, nas_identifier),))
        self._health = [Health(timers, server.has_status_server) for server in servers]
        self._identifiers: list[Identifiers[Exchange]] = [Identifiers(server.max_lanes) for server in servers]
        self._tickets: dict[int, Exchange] = {}
        self._last_ticket = PROBE
        self._due: list[tuple[float, int, Exchange]] = []
        self._order = count()
        self._out: list[Datagram] = []
        self._events: deque[Event] = deque()

    # ---- in

    def ask(self, request: Request, now: float) -> int:
        """Send a request; the ticket that its Answered or GaveUp will carry."""
        self._last_ticket += 1
        made = Exchange(self._last_ticket, request, self._candidates(request), now)
        if not made.candidates:
            self._events.append(GaveUp(made.ticket, self._count(Failure.NO_SERVER)))
            return made.ticket
        self._tickets[made.ticket] = made
        self._send_first(made, now)
        return made.ticket

    def cancel(self, ticket: int) -> None:
        """Nobody waits for it any more."""
        found = self._tickets.pop(ticket, None)
        if found is not None:
            self._release(found)

    def receive(self, server: int, lane: int, data: bytes, now: float) -> None:
        """What came in on a lane of a server."""
        try:
            answer = packet.parse(data)
        except MalformedPacketError:
            self.counters["malformed"] += 1
            return
        found = self._identifiers[server].find(lane, answer.identifier)
        if found is None or answer.code not in authenticity.RESPONSES[found.request.code]:
            self.counters["unexpected"] += 1
            return
        fault = authenticity.check_response(answer, found.authenticator, self.servers[server].secret, data)
        if fault is not None and not self._excuses(server, found, fault):
            self.counters[fault.value] += 1
            return
        self._answered(found, answer, fault is not None, now)

    def lane_lost(self, server: int, lane: int, now: float) -> None:
        """The connection of a reliable lane broke, or did not come about: what waits there goes elsewhere."""
        waiting = self._identifiers[server].of_lane(lane)
        if waiting and self._health[server].failed(now):
            self._events.append(ServerChanged(self.servers[server].name, is_up=False))
        for each in waiting:
            self._release(each)
            if each.is_probe:
                self._health[server].probe_missed()
            elif len(each.candidates) > 1:
                self._next_server(each, now)
            else:
                each.interval_s = exchanges.interval(each.interval_s, self._timers, self._chance.spread())
                self._wait(each, now)

    # ---- out

    def datagrams_to_send(self) -> list[Datagram]:
        """What leaves now, in its order."""
        out, self._out = self._out, []
        return out

    def next_event(self) -> Event | None:
        """What happened next."""
        return self._events.popleft() if self._events else None

    def is_up(self, name: str) -> bool:
        """Whether a server is taken for alive."""
        return any(
            health.is_up for server, health in zip(self.servers, self._health, strict=True) if server.name == name
        )

    @property
    def in_flight(self) -> int:
        """Requests that wait for an answer."""
        return len(self._tickets)

    # ---- time

    def next_timeout(self) -> float | None:
        """When handle_timeout() has something to do."""
        while self._due and self._is_stale(self._due[0]):
            heapq.heappop(self._due)
        first = self._due[0][0] if self._due else None
        for health in self._health:
            if health.probe_at is not None and (first is None or health.probe_at < first):
                first = health.probe_at
        return first

    def handle_timeout(self, now: float) -> None:
        """Send again, ask others, give up, look after the dead."""
        while self._due and self._due[0][0] <= now:
            entry = heapq.heappop(self._due)
            if not self._is_stale(entry):
                self._timed_out(entry[2], now)
        for number, health in enumerate(self._health):
            if health.probe_at is not None and health.probe_at <= now:
                self._probe(number, health, now)

    # ---- one request

    def _candidates(self, request: Request) -> list[int]:
        """The servers in their order; the dead only where no other is left, since nobody knows that they are."""
        named = self._numbers.get(request.server, [])
        return [number for number in named if self._health[number].is_up] or named.copy()

    def _send_first(self, each: Exchange, now: float) -> None:
        """Begin with the server whose turn it is; one that has no identifier left is passed over."""
        while each.candidates:
            each.tries_here, each.interval_s, each.sent_here_at = 0, 0.0, now
            try:
                if self._send_new(each, now):
                    return
            except ValueError:
                self._give_up(each, Failure.TOO_LONG)
                return
            if len(each.candidates) == 1:
                break
            each.candidates.pop(0)
        self._give_up(each, Failure.TOO_MANY)

    def _send_new(self, each: Exchange, now: float) -> bool:
        """Send it under an identifier of its own; False where none is left. Raises ValueError when it is too long."""
        number = each.server
        server = self.servers[number]
        place = self._identifiers[number].take(each)
        if place is None:
            return False
        each.place = place
        drawn = self._chance.octets(AUTHENTICATOR_BYTES)
        try:
            each.octets = exchanges.build(each.request, place[1], drawn, server.secret)
        except ValueError:
            self._release(each)
            raise
        each.authenticator = each.octets[HEADER_BYTES - AUTHENTICATOR_BYTES : HEADER_BYTES]
        self._transmit(each, now)
        return True

    def _transmit(self, each: Exchange, now: float) -> None:
        assert each.place is not None
        each.tries += 1
        each.tries_here += 1
        each.interval_s = exchanges.interval(each.interval_s, self._timers, self._chance.spread())
        self.counters["sent"] += 1
        self._out.append(Datagram(each.server, each.place[0], each.octets))
        self._wait(each, now)

    def _wait(self, each: Exchange, now: float) -> None:
        timers, wait_s = self._timers, each.interval_s
        if each.is_probe:
            wait_s = timers.probe_timeout_s
        elif each.place is not None and self.servers[each.server].is_reliable:
            # RFC 6613 2.6.1: nothing is sent again on a connection, so that it gets the time of all its repetitions.
            wait_s = timers.retransmit_s * (2**timers.tries_per_server - 1)
        each.due_at = min(now + wait_s, each.started_at + timers.max_request_s)
        heapq.heappush(self._due, (each.due_at, next(self._order), each))

    def _timed_out(self, each: Exchange, now: float) -> None:
        reliable = self.servers[each.server].is_reliable
        if each.is_probe:
            self._release(each)
            self._health[each.server].probe_missed()
            return
        has_tried = each.tries_here >= self._timers.tries_per_server or reliable
        is_over = (
            each.tries >= self._timers.max_tries
            or now - each.started_at >= self._timers.max_request_s
            or (has_tried and each.request.can_begin_anew and self._has_other(each.server))
        )
        if each.place is not None and (is_over or has_tried):
            self._missed(each, now)
        if is_over:
            self._give_up(each, Failure.NO_ANSWER)
        elif has_tried and len(each.candidates) > 1:
            self._next_server(each, now)
        elif each.place is None:
            if not self._send_new(each, now):
                self._give_up(each, Failure.TOO_MANY)
        elif reliable:
            self._give_up(each, Failure.NO_ANSWER)
        else:
            self.counters["repeated"] += 1
            self._transmit(each, now)

    def _has_other(self, server: int) -> bool:
        """Whether another server is taken for alive."""
        return any(health.is_up for number, health in enumerate(self._health) if number != server)

    def _next_server(self, each: Exchange, now: float) -> None:
        self._release(each)
        each.candidates.pop(0)
        self.counters["failed-over"] += 1
        self._send_first(each, now)

    def _missed(self, each: Exchange, now: float) -> None:
        if self._health[each.server].silent(each.sent_here_at, now):
            self._events.append(ServerChanged(self.servers[each.server].name, is_up=False))

    def _give_up(self, each: Exchange, failure: Failure) -> None:
        self._release(each)
        self._tickets.pop(each.ticket, None)
        self._events.append(GaveUp(each.ticket, self._count(failure)))

    def _release(self, each: Exchange) -> None:
        """Its identifier may serve others, and its timer means nothing any more."""
        if each.place is not None:
            self._identifiers[each.server].free(*each.place)
            each.place = None
        each.due_at = -1.0

    def _is_stale(self, entry: tuple[float, int, Exchange]) -> bool:
        return entry[0] != entry[2].due_at

    # ---- answers and health

    def _excuses(self, server: int, found: Exchange, fault: Fault) -> bool:
        """Whether an administrator lets this server do without Message-Authenticator.

        A sign of life opens no port: RFC 5997 6 has it without, and so sends it the FreeRADIUS of Debian 12.
        """
        if fault is not Fault.NO_MESSAGE_AUTHENTICATOR:
            return False
        is_sign_of_life = found.request.code == Code.STATUS_SERVER
        return is_sign_of_life or not self.servers[server].demands_message_authenticator

    def _answered(self, found: Exchange, answer: Packet, is_excused: bool, now: float) -> None:
        server = self.servers[found.server]
        health = self._health[found.server]
        is_back = health.probe_answered(now) if found.is_probe else health.heard(now)
        if is_back:
            self._events.append(ServerChanged(server.name, is_up=True))
        self._release(found)
        if found.is_probe:
            return
        self._tickets.pop(found.ticket, None)
        self.counters["answered"] += 1
        if is_excused:
            self.counters["excused"] += 1
            self.excused[server.name] += 1
        self._events.append(Answered(found.ticket, server.name, answer, now - found.sent_here_at, is_excused))

    def _probe(self, number: int, health: Health, now: float) -> None:
        if not health.probe(now):
            self._events.append(ServerChanged(self.servers[number].name, is_up=True))
            return
        request = exchanges.status_request(self._status, self.servers[number].name)
        self.counters["probes"] += 1
        self._send_new(Exchange(PROBE, request, [number], now, sent_here_at=now), now)

    def _count(self, failure: Failure) -> Failure:
        self.counters[failure.value] += 1
        return failure


def _numbers(servers: Sequence[Server]) -> dict[str, list[int]]:
    """The numbers of the servers of a name; "" is all of them."""
    found: dict[str, list[int]] = {"": list(range(len(servers)))}
    for number, server in enumerate(servers):
        found.setdefault(server.name, []).append(number)
    return found
