"""Methods that others serve through the agent, and requests of ours out of and within dialogs."""

from __future__ import annotations

import pytest

from signaling.errors import SipError
from signaling.sip.client_request import ClientRequest, final_only, new_request
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.uri import parse_name_addr, parse_uri
from tests.signaling.sip.network import Network, Peer


def request(peer: Peer, other: Peer, method: str = "REGISTER") -> tuple[Request, Flow]:
    made = new_request(
        method, parse_uri(f"sip:1001**2468@{other.address[0]}"), (("Event", "presence"),), b"",
        origin=parse_name_addr(f"<sip:a@{peer.address[0]}>"), contact=parse_uri("sip:a@10.0.0.1"), token=lambda: "t",
        route=("<sip:10.0.0.2;lr>",),
    )  # fmt: skip
    return made, Flow("udp", peer.address, other.address)


class Pair:
    """Two agents; b serves a method and keeps what came."""

    def __init__(self, method: str = "REGISTER", status: int = 200) -> None:
        self.network = Network()
        self.a, self.b = self.network.peer("10.0.0.1"), self.network.peer("10.0.0.2")
        self.came = []
        self.responses: list[Response | None] = []
        self.headers: tuple[tuple[str, str], ...] = ()
        self.status = status
        self.b.agent.serve(method, self.served)

    def served(self, transaction, request, session, flow, now) -> None:
        self.came.append((request, session))
        self.b.agent.reply(transaction, request, self.status, now, (*self.headers, ("X-Served", "1")), body=b"served")

    def ask(self, method: str = "REGISTER", authorize=None) -> ClientRequest:
        made, flow = request(self.a, self.b, method)
        asked = ClientRequest(made, flow, final_only(self.responses.append), authorize)
        self.a.agent.ask(asked, self.network.now)
        self.network.run(self.network.now + 40)
        return asked


def test_a_served_method_gets_its_request_and_its_answer_comes_back():
    pair = Pair()
    pair.ask()
    assert [(came.method, session) for came, session in pair.came] == [("REGISTER", None)]
    assert [(found.status, found.body, found.headers.get("X-Served")) for found in pair.responses] == [
        (200, b"served", "1")
    ]
    came = pair.came[0][0]
    assert "2468" not in came.headers.get("To")
    assert came.headers.get("Event") == "presence"
    assert came.headers.get("Route") == "<sip:10.0.0.2;lr>"
    assert "Contact" not in came.headers  # a REGISTER without one is a query


def test_allow_lists_what_is_served():
    pair = Pair("REFER")
    pair.ask("MESSAGE")
    assert pair.responses[0].status == 405
    assert "REFER" in pair.responses[0].headers.get("Allow")
    assert "MESSAGE" not in pair.responses[0].headers.get("Allow")
    pair.ask("FROBNICATE")
    assert pair.responses[1].status == 501


def test_no_answer_is_none_with_its_reason():
    pair = Pair()
    pair.network.drop = lambda data: True
    assert pair.ask().failure == "timeout"
    made, flow = request(pair.a, pair.b)
    asked = ClientRequest(made, flow, final_only(pair.responses.append))
    pair.a.agent.ask(asked, pair.network.now)
    (outgoing,) = pair.a.agent.messages_to_send()
    pair.a.agent.transport_failed(outgoing.transaction, pair.network.now)
    assert asked.failure == "transport"
    assert pair.responses == [None, None]


@pytest.mark.parametrize(("gives", "tries"), [(lambda *_: ("Authorization", "Digest x"), 3), (lambda *_: None, 1)])
def test_credentials_are_tried_twice_at_most(gives, tries):
    pair = Pair(status=401)
    pair.ask(authorize=gives)
    assert [found.status for found in pair.responses] == [401]
    numbers = [came.headers.get("CSeq") for came, _ in pair.came]
    assert numbers == [f"{number} REGISTER" for number in range(1, tries + 1)]
    assert len({came.headers.get("Call-ID") for came, _ in pair.came}) == 1
    assert [len(came.headers.lines("Authorization")) for came, _ in pair.came] == [0, 1, 1][:tries]


def test_requests_within_a_call_arrive_with_their_session():
    pair = Pair("REFER", status=202)
    pair.b.answers_at_once = b"answer"
    session = pair.a.call(pair.b)
    pair.network.run(pair.network.now + 0.2)
    session.request("REFER", (("Refer-To", "<sip:x@y>"),), b"", pair.responses.append, pair.network.now)
    pair.network.run(pair.network.now + 0.2)
    assert pair.came[0][1] is pair.b.incoming[0][0]
    assert pair.responses[0].status == 202
    session.hang_up(pair.network.now)
    with pytest.raises(SipError):
        session.request("REFER", (), b"", pair.responses.append, pair.network.now)


def test_an_invite_that_is_challenged_goes_again_with_credentials():
    network = Network()
    a, b = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    flow = Flow("udp", a.address, b.address)
    session = a.agent.invite(
        parse_name_addr("<sip:1@10.0.0.2>"), parse_name_addr("<sip:a@10.0.0.1>"), b"offer", flow, a.events.append, 0.0,
        authorize=lambda response, _: ("Proxy-Authorization", response.headers.get("Proxy-Authenticate") + " yes"),
    )  # fmt: skip
    network.run(0.2)
    b.incoming[0][0].reject(407, "", (("Proxy-Authenticate", "Digest"),), network.now)
    network.run(0.4)
    again = b.incoming[1]
    assert again[1].headers.get("Proxy-Authorization") == "Digest yes"
    assert again[1].body == b"offer"
    again[0].accept(b"answer", network.now)
    network.run(1.0)
    assert a.names() == ["Answered"]
    assert session.dialog.local_cseq == 2
