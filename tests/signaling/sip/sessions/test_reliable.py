"""RFC 3262 (PRACK) and RFC 3311 (UPDATE): before and after the answer, both ways, over loss."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.errors import SipError
from signaling.sip.sessions.events import Acknowledged, Answered, Confirmed, Ended, Offered, Progressed, Refused
from signaling.sip.sessions.reliable import ReliableReceiver, ReliableSender
from signaling.sip.sessions.session import Session, SessionState
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Headers, Request, Response, parse
from tests.signaling.sip.network import Network, Peer


def called(network: Network, offer: bytes = b"offer") -> tuple[Peer, Peer, Session, Session]:
    """A rings at B."""
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    session = a.call(b, offer)
    network.run(network.now + 0.2)
    return a, b, session, b.incoming[0][0]


def provisional(rseq: str, cseq: str = "1 INVITE") -> Response:
    return Response(183, headers=Headers([("RSeq", rseq), ("CSeq", cseq)]))


def test_each_response_counts_once_and_in_order():
    receiver = ReliableReceiver()
    assert receiver.accept(provisional("x")) is None
    assert receiver.accept(provisional("7")) == "7 1 INVITE"
    assert receiver.accept(provisional("7")) is None
    assert receiver.accept(provisional("9")) is None
    assert receiver.accept(provisional("8")) == "8 1 INVITE"


@pytest.mark.parametrize("rack", ["", "5 1", "6 1 INVITE", "5 2 INVITE", "5 1 UPDATE", "x 1 INVITE", "5 1 INVITE x"])
def test_only_the_right_rack_acknowledges(rack):
    sender = ReliableSender(lambda: 5)
    sender.stamp(provisional("5"), 0.0)
    assert not sender.acknowledged(Request("PRACK", "sip:a@b", Headers([("RAck", rack)])))
    assert sender.is_waiting
    assert sender.acknowledged(Request("PRACK", "sip:a@b", Headers([("RAck", "5 1 INVITE")])))
    assert not sender.acknowledged(Request("PRACK", "sip:a@b", Headers([("RAck", "5 1 INVITE")])))


@settings(max_examples=100, deadline=None)
@given(st.text("0123456789 INVITE\t-x", max_size=40))
def test_any_rack_and_rseq_are_understood_or_ignored(text):
    sender = ReliableSender(lambda: 5)
    sender.stamp(provisional("5"), 0.0)
    sender.acknowledged(Request("PRACK", "sip:a@b", Headers([("RAck", text)])))
    ReliableReceiver().accept(provisional(text))


# ---- as callee and caller -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_ringing_is_repeated_until_its_prack_over_loss(seed):
    network = Network(seed, loss=0.3)
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    a.call(b)
    network.run(5.0)
    theirs = b.incoming[0][0]
    theirs.ring(network.now)
    network.run(40.0)
    assert a.events == [Progressed(180)]
    assert b.events == []
    theirs.ring(network.now)
    network.run(80.0)
    assert a.events == [Progressed(180), Progressed(180)]
    theirs.accept(b"answer", network.now)
    network.run(111.0)
    assert (a.events[-1], b.events) == (Answered(b"answer"), [Confirmed()])
    numbers = {re.search(rb"\r\nRSeq: (\d+)", data)[1] for data in network.log if b"\r\nRSeq" in data}
    assert len(numbers) == 2
    assert int(max(numbers, key=int)) == int(min(numbers, key=int)) + 1


def test_a_second_ring_waits_for_the_prack_of_the_first():
    network = Network()
    network.drop = lambda data: data.startswith(b"PRACK")
    _, _, _, theirs = called(network)
    theirs.ring(network.now)
    theirs.ring(network.now)
    network.run(network.now + 0.3)
    assert network.sent("SIP/2.0 180") == 1


def test_a_caller_without_prack_is_refused_after_its_time_and_the_call_ends():
    network = Network()
    network.drop = lambda data: data.startswith(b"PRACK")
    a, b, _, theirs = called(network)
    theirs.ring(network.now)
    began = network.now
    network.run(began + 31.9)
    assert b.events == []
    assert 6 <= network.sent("SIP/2.0 180") <= 7
    network.run(began + 33)
    assert b.events == [Ended("no-prack")]
    assert a.events[-1] == Refused(504, "No PRACK")
    network.run(began + 300)
    for peer in (a, b):
        assert peer.agent.sessions == []
        assert peer.agent.endpoint.transactions == 0


def test_an_early_answer_holds_the_200_back_until_its_prack():
    network = Network()
    network.drop = lambda data: data.startswith(b"PRACK") and network.now < 3.0
    a, b, _, theirs = called(network)
    theirs.ring(network.now, b"early answer")
    theirs.accept(b"early answer", network.now)
    network.run(2.0)
    assert (network.sent("SIP/2.0 183"), network.sent("SIP/2.0 200")) == (3, 0)
    network.run(8.0)
    assert a.events == [Progressed(183, b"early answer"), Answered(b"early answer")]
    assert b.events == [Confirmed()]
    answers = [data for data in network.log if data.startswith(b"SIP/2.0 200") and b" INVITE\r\n" in data]
    assert answers[0].endswith(b"\r\n\r\n")  # described already


def test_an_early_offer_is_answered_in_the_prack():
    network = Network()
    network.drop = lambda data: data.startswith(b"PRACK") and b"their answer" not in data
    a, b, session, theirs = called(network, b"")
    theirs.ring(network.now)
    network.run(0.3)
    assert b"RSeq" not in b"".join(network.log)  # the first reliable response has to bring an offer
    theirs.ring(network.now, b"early offer")
    theirs.accept(b"early offer", network.now)
    network.run(0.4)
    prack = next(parse(data) for data in network.log if data.startswith(b"PRACK"))
    prack.headers.remove("Via")
    prack.headers.set("CSeq", "9 PRACK")
    prack.headers.add("Content-Type", "application/sdp")
    prack.body = b"their answer"
    a.agent.endpoint.request(prack, Flow("udp", a.address, b.address), None, network.now)
    network.run(0.5)
    assert b.events == [Acknowledged(b"their answer"), Confirmed()]
    assert (theirs.dialog.offers.local, theirs.dialog.offers.remote) == (b"early offer", b"their answer")
    assert session.state is SessionState.ESTABLISHED


def test_a_prack_may_offer_once_all_was_answered():
    network = Network()
    network.drop = lambda data: data.startswith(b"PRACK") and b"another" not in data
    a, b, _, theirs = called(network)
    theirs.ring(network.now, b"early answer")
    theirs.accept(b"", network.now)
    network.run(0.4)
    prack = next(parse(data) for data in network.log if data.startswith(b"PRACK"))
    prack.headers.remove("Via")
    prack.headers.set("CSeq", "9 PRACK")
    prack.headers.add("Content-Type", "application/sdp")
    prack.body = b"another offer"
    a.agent.endpoint.request(prack, Flow("udp", a.address, b.address), None, network.now)
    network.run(0.5)
    assert b.events == [Offered(b"another offer", "PRACK")]
    assert Answered(b"early answer") not in a.events  # the 200 waits until that is settled, too
    theirs.updates.accept(b"another answer", network.now)
    network.run(0.6)
    assert b.events[-1] == Confirmed()
    assert next(data for data in network.log if data.endswith(b"\r\n\r\nanother answer")).startswith(b"SIP/2.0 200")


def test_a_caller_that_insists_hears_nothing_unreliable():
    network = Network()
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    flow_to = a.call(b, b"")
    flow_to.cancel(network.now)
    network.run(1.0)
    invite = next(data for data in network.log if data.startswith(b"INVITE"))
    fresh = invite.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx").replace(b"Call-ID: ", b"Call-ID: x")
    insisting = fresh.replace(b"\r\nSupported: 100rel, timer", b"\r\nRequire: 100rel")
    b.agent.receive(insisting, b.incoming[0][0].dialog.flow, network.now)
    before = network.sent("SIP/2.0 180")
    b.incoming[-1][0].ring(network.now)
    network.collect()
    assert network.sent("SIP/2.0 180") == before


def test_a_prack_of_nothing_gets_481():
    network = Network()
    _a, _b, session, theirs = called(network)
    theirs.accept(b"answer", network.now)
    network.run(0.5)
    responses = []
    session.request("PRACK", (("RAck", "1 1 INVITE"),), b"", responses.append, network.now)
    network.run(1.0)
    assert [response.status for response in responses] == [481]


# ---- UPDATE ---------------------------------------------------------------------------------------------------------


def early(network: Network) -> tuple[Peer, Peer, Session, Session]:
    """A has an answer already, B has not picked up yet; both answer what is offered."""
    a, b, session, theirs = called(network)
    theirs.ring(network.now, b"early")
    network.run(network.now + 0.3)
    a.answers = lambda body: session.updates.accept(b"re:" + body, network.now)
    b.answers = lambda body: theirs.updates.accept(b"re:" + body, network.now)
    return a, b, session, theirs


def test_update_of_the_caller_before_the_answer():
    network = Network()
    a, b, session, theirs = early(network)
    session.reinvite(b"other codecs", network.now)
    network.run(network.now + 0.3)
    assert a.events[-1] == Answered(b"re:other codecs")
    assert b.events[-1] == Offered(b"other codecs", "UPDATE")
    theirs.accept(b"ignored", network.now)
    network.run(network.now + 0.3)
    assert a.events[-1] == Answered(b"re:other codecs")
    assert session.dialog.offers.local == theirs.dialog.offers.remote == b"other codecs"
    assert theirs.state is SessionState.ESTABLISHED


def test_update_of_the_callee_before_the_answer():
    network = Network()
    a, b, session, theirs = early(network)
    theirs.reinvite(b"other codecs", network.now)
    network.run(network.now + 0.3)
    assert a.events[-1] == Offered(b"other codecs", "UPDATE")
    assert b.events[-1] == Answered(b"re:other codecs")
    theirs.accept(b"", network.now)
    network.run(network.now + 0.3)
    assert session.state is theirs.state is SessionState.ESTABLISHED


def test_no_offer_goes_out_before_there_is_an_answer():
    network = Network()
    _, _, session, theirs = called(network)
    for own in (session, theirs):
        with pytest.raises(SipError):
            own.reinvite(b"offer", network.now)


def sent_update(network: Network, session: Session, body: bytes, *fields: tuple[str, str]) -> Response:
    responses: list[Response] = []
    described = (("Content-Type", "application/sdp"),) if body else ()
    session.request("UPDATE", (*described, *fields), body, responses.append, network.now)
    network.run(network.now + 0.3)
    return responses[0]


def test_update_after_the_answer():
    network = Network()
    _a, b, session, theirs = called(network)
    theirs.accept(b"answer", network.now)
    network.run(0.5)
    refreshed = sent_update(network, session, b"", ("Session-Expires", "120"), ("Supported", "timer"))
    assert refreshed.status == 200
    assert refreshed.headers.get("Session-Expires") == "120;refresher=uac"
    assert refreshed.headers.get("Contact")
    assert theirs.timer.expires_s == 120
    assert sent_update(network, session, b"", ("Session-Expires", "12"), ("Supported", "timer")).status == 422
    assert sent_update(network, session, b"", ("Session-Expires", "soon")).status == 400
    b.answers = lambda _: theirs.reject(488, "", (), network.now)
    assert sent_update(network, session, b"hold").status == 488
    assert theirs.dialog.offers.local == b"answer"
    assert theirs.state is SessionState.ESTABLISHED


def test_offers_in_the_middle_of_others_are_refused():
    network = Network()
    a, _b, session, theirs = called(network)
    assert network.sent("UPDATE") == 0
    theirs.accept(b"answer", network.now)
    network.run(0.5)
    session.reinvite(b"hold", network.now)  # B does not answer yet
    network.run(0.7)
    late = sent_update(network, session, b"resume")
    assert late.status == 500
    assert 0 <= int(late.headers.get("Retry-After")) <= 10
    crossing = sent_update(network, theirs, b"other")
    assert crossing.status == 491
    theirs.accept(b"held", network.now)
    network.run(network.now + 0.3)
    assert a.events[-1] == Answered(b"held")


def test_an_update_that_waits_is_ended_with_its_call():
    network = Network()
    _a, b, session, theirs = called(network)
    theirs.accept(b"answer", network.now)
    network.run(0.5)
    responses: list[Response] = []
    session.request("UPDATE", (("Content-Type", "application/sdp"),), b"x", responses.append, network.now)
    network.run(0.8)
    theirs.hang_up(network.now)
    network.run(2.0)
    assert [response.status for response in responses] == [487]
    assert b.events[-1] == Ended("local")
