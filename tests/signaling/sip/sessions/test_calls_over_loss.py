"""Whole calls between two agents over a lossy link, on a virtual clock."""

from __future__ import annotations

import pytest

from signaling.errors import SipError
from signaling.sip.sessions.events import Answered, Cancelled, Confirmed, Ended, InfoReceived, Offered, Refused
from signaling.sip.sessions.session import SessionState
from tests.signaling.sip.network import Network


def established(network: Network):
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    b.answers_at_once = b"answer"
    session = a.call(b)
    network.run(network.now + 0.2)
    return a, b, session


def assert_clean(network: Network) -> None:
    """After every timer has run out nothing is left."""
    network.run(network.now + 300)
    for peer in network.peers.values():
        assert peer.agent.sessions == []
        assert peer.agent.endpoint.transactions == 0
        assert peer.agent.next_timeout() is None


def test_call_and_bye():
    network = Network()
    a, b, session = established(network)
    assert a.events == [Answered(b"answer")]
    assert b.events == [Confirmed()]
    session.hang_up(network.now)
    network.run(network.now + 1)
    assert a.events[-1] == Ended("local")
    assert b.events[-1] == Ended("bye")
    assert_clean(network)


@pytest.mark.parametrize("seed", range(25))
def test_thirty_percent_loss(seed):
    network = Network(seed, loss=0.3)
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    b.answers_at_once = b"answer"
    session = a.call(b)
    network.run(network.now + 31)
    assert Answered(b"answer") in a.events
    assert b.events == [Confirmed()]
    assert len(b.incoming) == 1
    session.info("application/dtmf", b"5", network.now)
    network.run(network.now + 31)
    assert b.events.count(InfoReceived("application/dtmf", b"5")) == 1
    b.incoming[0][0].hang_up(network.now)
    network.run(network.now + 31)
    assert a.events[-1] == Ended("bye")
    assert_clean(network)


def test_a_lost_ack_repeats_the_200():
    network = Network()
    lost = []

    def drop(data: bytes) -> bool:
        if data.startswith(b"ACK") and len(lost) < 3:
            lost.append(data)
            return True
        return False

    network.drop = drop
    a, b, _ = established(network)
    assert b.events == []
    network.run(10.0)
    assert b.events == [Confirmed()]
    assert network.sent("SIP/2.0 200") == 4
    assert a.events == [Answered(b"answer")]


def test_without_any_ack_the_callee_says_bye():
    network = Network()
    network.drop = lambda data: data.startswith(b"ACK")
    a, b, _ = established(network)
    network.run(31.9)
    assert b.events == []
    network.run(33.0)
    assert b.events == [Ended("no-ack")]
    assert a.events[-1] == Ended("bye")
    assert_clean(network)


def test_a_bye_before_the_ack_waits_for_it():
    network = Network()
    network.drop = lambda data: data.startswith(b"ACK") and network.now < 1.0
    _, b, _ = established(network)
    b.incoming[0][0].hang_up(network.now)
    network.run(1.0)
    assert network.sent("BYE") == 0
    network.run(5.0)
    assert network.sent("BYE") == 1
    assert_clean(network)


def test_cancel_before_the_answer():
    network = Network()
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    session = a.call(b)
    network.run(0.5)
    b.incoming[0][0].ring(network.now)
    network.run(1.0)
    session.cancel(network.now)
    network.run(2.0)
    assert b.events == [Cancelled()]
    assert a.events[-1] == Refused(487, "Request Terminated")
    assert a.names() == ["Progressed", "Refused"]
    assert_clean(network)


def test_cancel_waits_for_a_provisional_response():
    network = Network()
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    session = a.call(b)
    session.cancel(network.now)
    network.collect()
    assert network.sent("CANCEL") == 0
    network.run(2.0)
    assert network.sent("CANCEL") == 1
    assert b.events == [Cancelled()]
    assert_clean(network)


def test_cancel_crosses_the_200():
    network = Network(delay_s=0.1)
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    session = a.call(b)
    network.run(0.5)
    b.incoming[0][0].accept(b"answer", network.now)
    session.cancel(network.now)
    network.run(3.0)
    assert session.state is SessionState.ENDED
    assert a.events == [Ended("local")]
    assert b.events[-1] == Ended("bye")  # the ACK may arrive behind the BYE
    assert_clean(network)


def test_refusal_is_acknowledged():
    network = Network(3, loss=0.3)
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    a.call(b)
    network.run(5.0)
    b.incoming[0][0].reject(480, "Temporarily Unavailable", (("Retry-After", "7 (busy)"), ("Warning", "399 x y")), 5.0)
    network.run(40.0)
    assert a.events == [Refused(480, "Temporarily Unavailable", 7, "399 x y")]
    assert_clean(network)


def test_nobody_there():
    network = Network(loss=1.0)
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    a.call(b)
    network.run(40.0)
    assert a.events == [Refused(408, "No answer")]
    assert network.sent("INVITE") == 7
    assert_clean(network)


def test_never_answered_is_cancelled():
    network = Network()
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    a.call(b)
    network.run(200.0)
    assert a.names() == ["Refused"]
    assert b.events == [Cancelled()]
    assert_clean(network)


def test_reinvite_and_late_offer():
    network = Network()
    a, b, session = established(network)
    session.reinvite(b"hold", network.now)
    network.run(network.now + 0.3)
    assert b.events[-1] == Offered(b"hold")
    b.incoming[0][0].accept(b"held", network.now)
    network.run(network.now + 0.3)
    assert a.events[-1] == Answered(b"held")
    assert b.events[-1] == Confirmed()
    b.incoming[0][0].reinvite(b"back", network.now)
    network.run(network.now + 0.3)
    session.reject(488, "", (), network.now)
    network.run(network.now + 0.3)
    assert b.events[-1] == Refused(488, "Not Acceptable Here")
    assert session.state is SessionState.ESTABLISHED
    session.hang_up(network.now)
    assert_clean(network)


def test_after_glare_both_offers_are_answered_one_after_the_other():
    network = Network()
    a, b, session = established(network)
    session.reinvite(b"mine", network.now)
    b.incoming[0][0].reinvite(b"yours", network.now)
    with pytest.raises(SipError):
        session.reinvite(b"another", network.now)
    for peer, own in ((a, session), (b, b.incoming[0][0])):
        peer.answers = lambda body, own=own: own.accept(b"answer to " + body, network.now)
    network.run(network.now + 5)
    assert network.sent("SIP/2.0 491") == 2
    assert b.events[-3:] == [Answered(b"answer to yours"), Offered(b"mine"), Confirmed()]
    assert a.events[-3:] == [Offered(b"yours"), Confirmed(), Answered(b"answer to mine")]
    session.hang_up(network.now)
    assert_clean(network)


def test_a_second_invite_before_the_answer_gives_500():
    network = Network()
    _, _, session = established(network)
    session.reinvite(b"one", network.now)
    network.run(network.now + 0.2)
    request = session.dialog.request("INVITE")
    request.body = b"two"
    session.agent.endpoint.request(request, session.dialog.next_hop(), None, network.now)
    network.run(network.now + 0.2)
    assert network.sent("SIP/2.0 500") == 1


def test_a_dialog_that_the_peer_forgot_ends():
    network = Network()
    a, b, session = established(network)
    b.agent.session_ended(b.incoming[0][0])
    session.info("application/dtmf", b"1", network.now)
    network.run(network.now + 1)
    assert a.events[-1] == Ended("gone")


def test_second_fork_is_ended():
    network = Network()
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    session = a.call(b)
    network.run(0.3)
    b.incoming[0][0].accept(b"answer", network.now)
    network.run(0.5)
    answer = next(data for data in network.log if data.startswith(b"SIP/2.0 200"))
    fork = answer.replace(b"10.0.0.2-", b"fork-")
    a.agent.receive(fork, session.dialog.flow, network.now)
    network.collect()
    assert network.sent("BYE") == 1
    assert session.state is SessionState.ESTABLISHED
