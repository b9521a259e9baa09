"""A call of ours that reaches several at once, comes back, or arrives twice (RFC 3261 13.2.2, 8.2.2.2, 16.3)."""

from __future__ import annotations

from signaling.sip.sessions.early_dialogs import MAX_FORKS
from signaling.sip.sessions.events import Answered, Ended, InfoReceived, Offered, Progressed, Refused
from signaling.sip.sessions.session import SessionState
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Request, parse
from tests.signaling.sip.network import Network, Peer


class Proxy:
    """Two callees that answer one INVITE: what B sends is also sent by a twin with other tags and other SDP."""

    def __init__(self) -> None:
        self.network = Network()
        self.a, self.b = self.network.peer("10.0.0.1"), self.network.peer("10.0.0.2")
        self.session = self.a.call(self.b)
        self.network.run(0.2)
        self.theirs = self.b.incoming[0][0]
        self.flow = Flow("udp", self.a.address, self.b.address)

    def twin(self, start: bytes, name: bytes = b"twin") -> None:
        """The last response of B that starts so, as from another fork."""
        answers = [data for data in self.network.log if data.startswith(start) and b" INVITE\r\n" in data]
        tag = self.theirs.dialog.local.tag.encode()
        self.a.agent.receive(answers[-1].replace(tag, name).replace(b"answer", b"twin's"), self.flow, self.network.now)
        self.network.run(self.network.now + 0.2)

    def requests(self, method: str) -> list[Request]:
        return [parse(data) for data in self.network.log if data.startswith(method.encode() + b" ")]


def test_every_fork_has_its_own_early_dialog_and_prack():
    proxy = Proxy()
    proxy.theirs.ring(proxy.network.now, b"early answer")
    proxy.network.run(0.5)
    proxy.twin(b"SIP/2.0 183")
    assert proxy.a.events == [Progressed(183, b"early answer"), Progressed(183, b"early twin's")]
    pracks = proxy.requests("PRACK")
    assert [prack.headers.get("CSeq") for prack in pracks] == ["2 PRACK", "2 PRACK"]
    assert "tag=twin" in pracks[1].headers.get("To")
    proxy.twin(b"SIP/2.0 183")
    assert len(proxy.requests("PRACK")) == 2  # repeated: counted, not acknowledged twice
    proxy.theirs.accept(b"", proxy.network.now)
    proxy.network.run(1.0)
    assert proxy.a.events[-1] == Answered(b"early answer")
    assert len(proxy.a.agent._dialogs) == 1


def test_the_second_200_is_acknowledged_and_ended_once():
    proxy = Proxy()
    proxy.theirs.accept(b"answer", proxy.network.now)
    proxy.network.run(0.5)
    proxy.twin(b"SIP/2.0 200")
    proxy.twin(b"SIP/2.0 200")
    acks, byes = proxy.requests("ACK"), proxy.requests("BYE")
    assert ["tag=twin" in ack.headers.get("To") for ack in acks] == [False, True, True]
    assert ["tag=twin" in bye.headers.get("To") for bye in byes] == [True]
    assert proxy.session.state is SessionState.ESTABLISHED
    assert proxy.a.events == [Answered(b"answer")]


def test_the_fork_that_answers_first_wins_whoever_rang():
    proxy = Proxy()
    proxy.theirs.ring(proxy.network.now)
    proxy.network.run(0.5)
    proxy.theirs.accept(b"answer", proxy.network.now)
    proxy.network.drop = lambda data: data.startswith(b"SIP/2.0 200") and b"INVITE" in data
    proxy.network.run(0.6)
    proxy.twin(b"SIP/2.0 200")
    assert proxy.session.dialog.remote.tag == "twin"
    assert proxy.a.events[-1] == Answered(b"twin's")
    proxy.network.drop = lambda data: False
    proxy.network.run(3.0)
    assert proxy.b.events[-1] == Ended("bye")  # its 200 came second


def test_a_200_that_meets_the_cancel_of_a_ringing_fork_is_ended():
    proxy = Proxy()
    proxy.theirs.ring(proxy.network.now)
    proxy.network.run(0.5)
    proxy.theirs.accept(b"answer", proxy.network.now)
    proxy.session.cancel(proxy.network.now)
    proxy.network.run(5.0)
    proxy.twin(b"SIP/2.0 200")
    assert len(proxy.requests("BYE")) == 2
    proxy.network.run(300.0)
    assert proxy.a.agent._dialogs == {}
    assert proxy.a.agent.endpoint.transactions == 0


def test_a_200_long_after_giving_up_is_ended_too():
    proxy = Proxy()
    proxy.network.drop = lambda data: data.startswith((b"SIP/2.0 487", b"SIP/2.0 200"))
    proxy.session.cancel(proxy.network.now)
    proxy.network.run(32.0)
    assert proxy.session.state is SessionState.CANCELLING
    proxy.network.run(33.0)
    assert proxy.a.events == [Refused(487, "Request Terminated")]
    data = next(data for data in proxy.network.log if data.startswith(b"SIP/2.0 487"))
    late = data.replace(b"SIP/2.0 487 Request Terminated", b"SIP/2.0 200 OK\r\nContact: <sip:b@10.0.0.2>")
    proxy.a.agent.receive(late, proxy.flow, proxy.network.now)
    proxy.network.collect()
    assert proxy.network.log[-2].startswith(b"ACK sip:b@10.0.0.2 ")
    assert proxy.network.log[-1].startswith(b"BYE sip:b@10.0.0.2 ")
    assert proxy.a.agent._dialogs == {}


def test_forks_without_end_are_not_followed():
    proxy = Proxy()
    proxy.theirs.ring(proxy.network.now)
    proxy.network.run(0.5)
    for number in range(30):
        proxy.twin(b"SIP/2.0 180", b"f%d" % number)
    assert len(proxy.a.agent._dialogs) == MAX_FORKS


def test_an_offer_of_a_fork_before_the_answer_reaches_the_caller():
    proxy = Proxy()
    proxy.theirs.ring(proxy.network.now, b"early answer")
    proxy.network.run(0.5)
    proxy.theirs.reinvite(b"more", proxy.network.now)
    proxy.network.run(0.6)
    assert proxy.a.events[-1] == Offered(b"more", "UPDATE")
    proxy.session.accept(b"agreed", proxy.network.now)
    proxy.network.run(0.8)
    assert proxy.b.events[-1] == Answered(b"agreed")


def test_a_bye_of_a_callee_that_has_not_answered_ends_nothing():
    proxy = Proxy()
    proxy.theirs.ring(proxy.network.now)
    proxy.network.run(0.5)
    bye = proxy.theirs.dialog.request("BYE")
    proxy.b.agent.endpoint.request(bye, proxy.theirs.dialog.next_hop(), None, proxy.network.now)
    proxy.network.run(1.0)
    proxy.theirs.accept(b"answer", proxy.network.now)
    proxy.network.run(2.0)
    assert proxy.a.events[-1] == Answered(b"answer")


# ---- loops ----------------------------------------------------------------------------------------------------------


def status_of(peer: Peer, data: bytes, flow: Flow, network: Network) -> list[int]:
    peer.agent.receive(data, flow, network.now)
    return [parse(outgoing.data).status for outgoing in peer.agent.messages_to_send()]


def through(data: bytes, branch: bytes) -> bytes:
    """A request as a proxy passes it on."""
    return data.replace(b"\r\nVia: ", b"\r\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK" + branch + b"\r\nVia: ", 1)


def test_a_call_that_comes_back_to_us_is_a_loop():
    network = Network()
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    a.call(b)
    invite = next(data for data in network.log if data.startswith(b"INVITE"))
    back = Flow("udp", a.address, ("10.0.0.7", 5060))
    assert status_of(a, through(invite, b"1"), back, network) == [482]
    assert a.incoming == []


def test_the_same_request_by_two_paths_is_merged():
    network = Network()
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    a.call(b)
    invite = next(data for data in network.log if data.startswith(b"INVITE"))
    via_proxy = Flow("udp", b.address, ("10.0.0.7", 5060))
    assert status_of(b, through(invite, b"1"), via_proxy, network) == []
    assert status_of(b, through(invite, b"2"), via_proxy, network) == [482]
    assert status_of(b, through(invite, b"1"), via_proxy, network) == [100]  # repeated, not merged
    assert len(b.incoming) == 1
    options = invite.replace(b"INVITE", b"OPTIONS")
    assert status_of(b, through(options, b"3"), via_proxy, network) == [200]
    assert status_of(b, through(options, b"4"), via_proxy, network) == [482]
    network.run(300.0)
    assert status_of(b, through(options, b"5"), via_proxy, network) == [200]


def test_info_of_an_early_fork_is_told():
    proxy = Proxy()
    proxy.theirs.ring(proxy.network.now)
    proxy.network.run(0.5)
    info = proxy.theirs.dialog.request("INFO")
    info.headers.add("Content-Type", "application/dtmf")
    info.body = b"5"
    proxy.b.agent.endpoint.request(info, proxy.theirs.dialog.next_hop(), None, proxy.network.now)
    proxy.network.run(1.0)
    assert proxy.a.events[-1] == InfoReceived("application/dtmf", b"5")
