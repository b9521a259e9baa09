"""Routing within a dialog and answers without one."""

from __future__ import annotations

import pytest

from signaling.errors import SipError
from signaling.sip.agent import Agent, AgentLimits
from signaling.sip.sessions.dialog import uas_dialog
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transactions.transaction_server import TRYING_AFTER_S
from signaling.sip.wire.message import Request, Response, parse
from signaling.sip.wire.uri import Uri

UDP = Flow("udp", ("10.0.0.1", 5060), ("10.0.0.9", 5070))
TCP = Flow("tcp", ("10.0.0.1", 5060), ("10.0.0.9", 40123), 7)
CONTACT = Uri("sip", "x", "10.0.0.1", 5060)


def invite(
    contact: str, *extra: str, via: str = "10.0.0.9:5070", method: str = "INVITE", branch: str = "1", to: str = ""
) -> bytes:
    lines = [
        f"{method} sip:1001**2468@10.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP {via};branch=z9hG4bK{branch};rport",
        "From: <sip:a@x>;tag=a",
        f"To: <sip:1001**2468@10.0.0.1>{to}",
        "Call-ID: c",
        f"CSeq: 7 {method}",
        f"Contact: {contact}",
        *extra,
        "Content-Length: 0",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


class Harness:
    """An agent and what it sent."""

    def __init__(self, **limits: int) -> None:
        self.sessions = []
        self.agent = Agent(lambda flow: CONTACT, lambda: "tok", self.came, limits=AgentLimits(**limits))

    def came(self, session, request, flow) -> None:
        self.sessions.append(session)

    def give(self, data: bytes, flow: Flow = UDP, now: float = 0.0) -> list[tuple[str, Flow]]:
        self.agent.receive(data, flow, now)
        self.agent.handle_timeout(now + TRYING_AFTER_S)
        return self.sent()

    def sent(self) -> list[tuple[str, Flow]]:
        found = []
        for outgoing in self.agent.messages_to_send():
            message = parse(outgoing.data)
            found.append((str(message.status) if isinstance(message, Response) else message.method, outgoing.flow))
        return found


@pytest.mark.parametrize(
    ("contact", "via", "flow", "expected"),
    [
        ("<sip:a@10.0.0.9:5070>", "10.0.0.9:5070", UDP, ("udp", ("10.0.0.9", 5070))),
        ("<sip:a@10.0.0.8>", "10.0.0.9:5070", UDP, ("udp", ("10.0.0.8", 5060))),
        ("<sip:a@10.0.0.8;transport=tcp>", "10.0.0.9:5070", UDP, ("tcp", ("10.0.0.8", 5060))),
        ("<sip:lin@[fd00::2]>", "10.0.0.9:5070", UDP, ("udp", ("10.0.0.9", 5070))),
        ("<sip:a@phone.local>", "10.0.0.9:5070", UDP, ("udp", ("10.0.0.9", 5070))),
        ("<sip:a@192.168.1.5>", "192.168.1.5", UDP, ("udp", ("10.0.0.9", 5070))),
        ("<sip:a@0.0.0.0>", "10.0.0.9:5070", UDP, ("udp", ("10.0.0.9", 5070))),
        ("<sip:a@127.0.0.1:6379;transport=tcp>", "10.0.0.9:5070", UDP, ("udp", ("10.0.0.9", 5070))),
        ("<sip:a@10.0.0.1:8080;transport=tcp>", "10.0.0.9:5070", UDP, ("udp", ("10.0.0.9", 5070))),
        ("<sip:a@169.254.169.254:80;transport=tcp>", "10.0.0.9:5070", UDP, ("udp", ("10.0.0.9", 5070))),
        ("<sip:a@10.0.0.9:5070;transport=tcp>", "10.0.0.9", TCP, ("tcp", ("10.0.0.9", 5070))),
    ],
)
def test_next_hop(contact, via, flow, expected):
    harness = Harness()
    assert harness.give(invite(contact, via=via), flow)[0][0] == "100"
    hop = harness.sessions[0].dialog.next_hop()
    assert (hop.transport, hop.remote) == expected
    if flow is TCP:
        assert hop.connection == 7


def test_who_reinvites_before_the_ack_keeps_no_call_open():
    """The 2xx is repeated, and its ACK waited for, as long as it is missing: nothing else takes its place."""
    harness = Harness()
    harness.give(invite("<sip:a@10.0.0.9:5070>"))
    (session,) = harness.sessions
    session.accept(b"", 0.0)
    assert [message for message, _ in harness.sent()] == ["200"]
    second = invite("<sip:a@10.0.0.9:5070>", branch="2", to=";tag=tok").replace(b"CSeq: 7", b"CSeq: 8")
    assert [message for message, _ in harness.give(second)] == ["500"]
    session.reject(488, "", (), 0.0)
    session.hang_up(1.0)
    now = 1.0
    while (due := harness.agent.next_timeout()) is not None:
        now = max(now, due)
        harness.agent.handle_timeout(now)
    assert "BYE" in [message for message, _ in harness.sent()]
    assert (harness.agent.sessions, harness.agent.endpoint.transactions) == ([], 0)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_call_that_we_leave_while_its_answer_waits_for_a_prack_ends(is_cancelled: bool):
    harness = Harness()
    harness.give(invite("<sip:a@10.0.0.9:5070>", "Supported: 100rel", "Content-Type: application/sdp"))
    (session,) = harness.sessions
    session.dialog.offers.received_offer(b"v=0")
    session.ring(0.0, b"v=0")
    session.accept(b"v=0", 0.0)
    assert [message for message, _ in harness.sent()] == ["183"]
    session.hang_up(1.0)
    if is_cancelled:
        harness.give(invite("<sip:a@10.0.0.9:5070>", method="CANCEL"), now=2.0)
    now = 2.0
    while (due := harness.agent.next_timeout()) is not None:
        now = max(now, due)
        harness.agent.handle_timeout(now)
    assert harness.agent.sessions == []


def test_record_route_is_followed_and_returned():
    harness = Harness()
    harness.give(invite("<sip:a@10.0.0.9>", "Record-Route: <sip:10.0.0.3;lr>, <sip:10.0.0.4;lr>"))
    session = harness.sessions[0]
    session.accept(b"", 0.0)
    response = parse(next(harness.agent.messages_to_send()).data)
    assert response.headers.values("Record-Route") == ["<sip:10.0.0.3;lr>", "<sip:10.0.0.4;lr>"]
    request = session.dialog.request("BYE")
    assert request.headers.values("Route") == ["<sip:10.0.0.3;lr>", "<sip:10.0.0.4;lr>"]
    assert session.dialog.next_hop().remote == ("10.0.0.3", 5060)
    strict = uas_dialog(parse(invite("<sip:a@10.0.0.9>", "Record-Route: <sip:10.0.0.3>")), UDP, "t", CONTACT)
    request = strict.request("BYE")
    assert (request.uri, request.headers.values("Route")) == ("sip:10.0.0.3", ["<sip:a@10.0.0.9>"])


def test_the_passcode_is_in_no_stored_dialog():
    harness = Harness()
    harness.give(invite("<sip:a@10.0.0.9>"))
    assert "2468" not in repr(harness.sessions[0].dialog)
    assert "2468" not in harness.sessions[0].dialog.request("BYE").headers.get("From")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (invite("<sip:a@h>", method="OPTIONS"), ["200"]),
        (invite("<sip:a@h>", method="REGISTER"), ["405"]),
        (invite("<sip:a@h>", method="FLY"), ["501"]),
        (invite("<sip:a@h>", method="BYE"), ["481"]),
        (invite("<sip:a@h>", method="BYE", to=";tag=x"), ["481"]),
        (invite("<sip:a@h>", method="INFO", to=";tag=x"), ["481"]),
        (invite("<sip:a@h>", method="CANCEL"), ["481"]),
        (invite("<sip:a@h>", method="ACK", to=";tag=x"), []),
        (invite("<sip:a@h>", "Require: timer, fly"), ["420"]),
        (invite("<sip:a@h>", "Content-Type: text/plain").replace(b"Length: 0\r\n\r\n", b"Length: 1\r\n\r\nx"), ["415"]),
        (invite("<sip:a@h>").replace(b"Length: 0", b"Length: 9"), ["400"]),
        (invite("<sip:a@h>").replace(b"CSeq: 7 INVITE", b"CSeq: x"), ["400"]),
        (invite("<sip:a@h>").replace(b"sip:1001", b"http:1001", 1), ["416"]),
        (invite("<sip:a@h>").replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia", 1), ["505"]),
        (invite("<sip:a@h>").replace(b"Via", b"Vio"), []),
        (b"hello\r\n\r\n", []),
        (b"\r\n\r\n", []),
        (b"SIP/2.0 200 OK\r\n\r\n", []),
    ],
)
def test_answers_without_a_call(data, expected):
    harness = Harness()
    assert [status for status, _ in harness.give(data)] == expected
    assert harness.sessions == []


def test_garbage_is_counted():
    harness = Harness()
    harness.give(b"hello\r\n\r\n")
    harness.give(invite("<sip:a@h>").replace(b"CSeq: 7", b"CSeq: x"))
    assert harness.agent.endpoint.counters == {"malformed": 2, "dropped": 1}
    assert harness.agent.endpoint.transactions == 0


def test_half_open_invites_are_bounded():
    harness = Harness(max_open_invites=2)
    flood = [invite("<sip:a@h>", branch=str(n)).replace(b"Call-ID: c", b"Call-ID: %d" % n) for n in range(5)]
    answers = [harness.give(data)[-1][0] for data in flood]
    assert answers == ["100", "100", "503", "503", "503"]
    assert harness.agent.endpoint.counters["too-many-open-invites"] == 3


def test_calls_are_bounded():
    harness = Harness(max_sessions=1)
    harness.give(invite("<sip:a@h>"))
    assert harness.give(invite("<sip:a@h>", branch="2").replace(b"Call-ID: c", b"Call-ID: d"))[0][0] == "503"


def test_a_merged_request_gives_482():
    harness = Harness()
    harness.give(invite("<sip:a@h>"))
    assert harness.give(invite("<sip:a@h>", branch="2"))[0][0] == "482"


def test_a_repeated_invite_gets_the_same_answer_once_more():
    harness = Harness()
    assert [s for s, _ in harness.give(invite("<sip:a@h>"))] == ["100"]
    assert [s for s, _ in harness.give(invite("<sip:a@h>"))] == ["100"]
    assert len(harness.sessions) == 1


def test_rfc_2543_branches_match_too():
    harness = Harness()
    old = invite("<sip:a@h>").replace(b";branch=z9hG4bK1", b"")
    harness.give(old)
    assert [s for s, _ in harness.give(old)] == ["100"]
    assert len(harness.sessions) == 1


def test_responses_go_back_to_the_source_port_only_if_asked_or_behind_a_nat():
    harness = Harness()
    source = Flow("udp", UDP.local, ("172.16.0.1", 33333))
    assert harness.give(invite("<sip:a@h>", method="OPTIONS"), source)[0][1].remote == ("172.16.0.1", 33333)
    hidden = invite("<sip:a@h>", method="OPTIONS", branch="3").replace(b";rport", b"")
    assert harness.give(hidden, source)[0][1].remote == ("172.16.0.1", 33333)
    plain = invite("<sip:a@h>", method="OPTIONS", branch="4").replace(b";rport", b"").replace(b"10.0.0.9", b"8.8.4.4")
    assert harness.give(plain, source)[0][1].remote == ("172.16.0.1", 5070)


def test_an_old_cseq_gives_500():
    harness = Harness()
    harness.give(invite("<sip:a@10.0.0.9>"))
    session = harness.sessions[0]
    bye = parse(invite("<sip:a@10.0.0.9>", method="BYE", to=";tag=tok"))
    assert isinstance(bye, Request)
    bye.headers.set("CSeq", "6 BYE")
    with pytest.raises(SipError):
        session.dialog.receive_request(bye, UDP)
    assert harness.give(bye.serialize().replace(b"z9hG4bK1", b"z9hG4bK9"))[0][0] == "500"


def test_large_requests_go_by_tcp_and_by_udp_where_that_is_refused():
    harness = Harness()
    harness.give(invite("<sip:a@10.0.0.9>"))
    session = harness.sessions[0]
    session.accept(b"", 0.0)
    session.ack_received(parse(invite("<sip:a@10.0.0.9>", method="ACK")), 0.0)
    harness.sent()
    session.info("application/dtmf", b"x" * 1300, 0.0)
    outgoing = next(harness.agent.messages_to_send())
    assert (outgoing.flow.transport, outgoing.flow.remote) == ("tcp", ("10.0.0.9", 5060))
    assert b"Via: SIP/2.0/TCP" in outgoing.data
    harness.agent.transport_failed(outgoing.transaction, 1.0)
    again = next(harness.agent.messages_to_send())
    assert again.flow.transport == "udp"
    assert b"Via: SIP/2.0/UDP" in again.data
