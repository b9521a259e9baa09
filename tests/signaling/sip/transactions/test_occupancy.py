"""Floods of requests leave the tables of the transaction layer bounded and room for others."""

from __future__ import annotations

import itertools

import pytest

from signaling.rates import SourceRates
from signaling.sip.agent import Agent, AgentLimits
from signaling.sip.sessions.session import Session
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transactions.transaction_server import TRYING_AFTER_S
from signaling.sip.wire.message import Request, Response, parse
from signaling.sip.wire.reply import response_to
from signaling.sip.wire.uri import NameAddr, Uri, parse_uri

FLOW = Flow("udp", ("10.0.0.1", 5060), ("10.0.0.9", 5060))


class Server:
    def __init__(self, **limits: int) -> None:
        numbers = itertools.count(1)
        self.sessions: list[Session] = []
        self.agent = Agent(
            lambda flow: Uri("sip", "x", flow.local[0]), lambda: f"t{next(numbers)}",
            lambda session, _request, _flow: self.sessions.append(session), limits=AgentLimits(**limits),
        )  # fmt: skip
        self._branches = itertools.count(1)

    def give(self, method: str, source: str = "10.0.0.9", now: float = 0.0) -> list[int]:
        """Statuses of what is answered."""
        branch = next(self._branches)
        host = f"[{source}]" if ":" in source else source
        data = (
            f"{method} sip:1001@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {host};branch=z9hG4bK{branch}\r\n"
            f"From: <sip:a@x>;tag={branch}\r\nTo: <sip:b@y>\r\nCall-ID: {branch}\r\nCSeq: 1 {method}\r\n"
            f"Contact: <sip:a@{host}>\r\nContent-Length: 0\r\n\r\n"
        )
        self.agent.receive(data.encode(), Flow("udp", FLOW.local, (source, 5060)), now)
        self.agent.handle_timeout(now + TRYING_AFTER_S)
        messages = [parse(out.data) for out in self.agent.messages_to_send()]
        return [message.status for message in messages if isinstance(message, Response)]


@pytest.mark.parametrize("method", ["OPTIONS", "MESSAGE"])
def test_answered_requests_make_way(method: str):
    server = Server(max_transactions=10)
    statuses = {server.give(method, f"10.1.0.{n % 250}")[0] for n in range(500)}
    assert statuses == {200 if method == "OPTIONS" else 405}
    assert server.agent.endpoint.transactions <= 10
    assert server.agent.endpoint.counters["forgotten-early"] >= 490
    assert server.give("INVITE") == [100]
    # What was forgotten repeats nothing later.
    server.agent.handle_timeout(100.0)
    assert [out for out in server.agent.messages_to_send() if b"SIP/2.0 200" in out.data] == []
    assert server.agent.endpoint.transactions == 1


def test_refused_invites_make_way_too():
    server = Server(max_transactions=10)
    for n in range(100):
        assert server.give("INVITE", f"10.1.0.{n}") == [100]
        server.sessions[-1].reject(404, "", (), 0.0)
        assert [parse(out.data).status for out in server.agent.messages_to_send()] == [404]
    assert server.agent.endpoint.transactions <= 10


def test_requests_that_wait_for_their_answer_are_never_forgotten():
    server = Server(max_transactions=10)
    for _ in range(10):
        server.give("INVITE")
    assert server.give("OPTIONS") == [503]
    assert server.agent.endpoint.counters["too-many-transactions"] == 1
    assert len(server.agent.sessions) == 10


def test_addresses_of_one_network_share():
    """An IPv6 customer has 2^64 of them."""
    server = Server(max_sessions_of_source=6)
    occupancy = server.agent.endpoint.occupancy
    occupancy.calls = SourceRates(1000, 1000, 1000)
    occupancy.max_open_of_source = 5
    assert [server.give("INVITE", f"2001:db8::{n}")[-1] for n in range(1, 8)] == [100] * 5 + [503] * 2
    for session in server.sessions:
        session.accept(b"", 0.0)
    occupancy.max_open_of_source = 100
    assert [server.give("INVITE", f"2001:db8::1:{n}")[-1] for n in range(1, 4)][1:] == [503, 503]
    assert server.give("INVITE", "2001:db8:0:1::1") == [100]


def test_one_source_has_its_share_of_invites_and_calls():
    server = Server(max_sessions_of_source=6)
    occupancy = server.agent.endpoint.occupancy
    occupancy.calls = SourceRates(1000, 1000, 1000)
    occupancy.max_open_of_source = 5
    assert [server.give("INVITE")[0] for _ in range(7)] == [100] * 5 + [503] * 2
    assert server.agent.endpoint.counters["too-many-open-invites-of-source"] == 2
    assert server.give("INVITE", "10.0.0.8") == [100]
    for session in server.sessions:
        session.accept(b"", 0.0)
    assert [server.give("INVITE")[0] for _ in range(3)][1:] == [503] * 2
    assert server.agent.endpoint.counters["too-many-calls"] == 2
    # Loopback, and trunks that bring the calls of many, have no share.
    assert [server.give("INVITE", "127.0.0.1")[0] for _ in range(20)] == [100] * 20


def test_new_calls_have_their_own_pace():
    server = Server()
    server.agent.endpoint.occupancy.calls = SourceRates(1, 3, 1000)
    assert [server.give("INVITE", now=10.0)[0] for _ in range(5)] == [100] * 3 + [503] * 2
    assert server.give("OPTIONS", now=10.0) == [200]
    assert server.give("INVITE", now=11.1) == [100]
    assert server.agent.endpoint.counters["too-many-new-calls"] == 2


def test_a_callee_that_only_rings_leaves_nothing_behind():
    """It says 180, and then nothing to our CANCEL either."""
    server = Server()
    party = NameAddr(parse_uri("sip:a@10.0.0.9"))
    session = server.agent.invite(party, party, b"", FLOW, lambda event: None, 0.0)
    (invite,) = [parse(out.data) for out in server.agent.messages_to_send()]
    assert isinstance(invite, Request)
    server.agent.receive(response_to(invite, 180, to_tag="t").serialize(), FLOW, 0.1)
    session.cancel(1.0)
    now = 1.0
    while (due := server.agent.next_timeout()) is not None:
        now = max(now, due)
        server.agent.handle_timeout(now)
    assert (server.agent.sessions, server.agent.endpoint.transactions) == ([], 0)
    assert now < 300


def test_callers_that_never_acknowledge_make_way():
    server = Server(max_unconfirmed=3)
    for n in range(10):
        assert server.give("INVITE", f"10.1.0.{n}") == [100]
        server.sessions[-1].accept(b"", 0.0)
        list(server.agent.messages_to_send())
    assert len(server.agent.sessions) == 3
    assert server.agent.endpoint.counters["unconfirmed-dropped"] == 7
