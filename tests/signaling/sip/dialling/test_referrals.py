"""Who may refer, what becomes of it, and what is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace

import pytest

from mcu.participant import Role
from signaling.placed import CallState, DialRefused, Outcome, PlacedCall
from signaling.sip.calls.leg import SipLeg
from signaling.sip.dialling.referrals import Referrals
from signaling.sip.registry.identity import Challenge, Identity
from signaling.sip.server_request import ServerRequest
from signaling.sip.sessions.dialog import uas_dialog
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Headers, Request
from signaling.sip.wire.uri import parse_uri

FLOW = Flow("udp", ("10.0.0.1", 5060), ("10.0.0.3", 5060))


def request(target: str = "<sip:ward@10.0.0.7>", *more: tuple[str, str], to_tag: str = "") -> Request:
    fields = [
        ("Via", "SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKx"), ("From", "<sip:dr@10.0.0.3>;tag=a"), ("Call-ID", "c1"),
        ("To", "<sip:1001@10.0.0.1>" + (f";tag={to_tag}" if to_tag else "")), ("CSeq", "7 REFER"),
        ("Contact", "<sip:dr@10.0.0.3>"), ("Refer-To", target), *more,
    ]  # fmt: skip
    return Request("REFER", "sip:1001@10.0.0.1", Headers(fields))


class Agent:
    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.sent: list[Request] = []
        self.handler = None

    def serve(self, method, handler) -> None:
        self.handler = handler

    def send(self, request, flow, on_response) -> None:
        self.sent.append(request)

    def contact(self, flow):
        return parse_uri("sip:drumtower@10.0.0.1")

    @property
    def told(self) -> list[str]:
        return [one.body.decode().strip() for one in self.sent]


class Dialer:
    def __init__(self) -> None:
        self.ordered: list[tuple[str, str, str]] = []
        self.placed: list[PlacedCall] = []
        self.refusal: Outcome | None = None
        self.tell = None

    def observe(self, callback):
        self.tell = callback
        return lambda: None

    def calls(self, room: str) -> list[PlacedCall]:
        return self.placed

    async def dial(self, room: str, target: str, by: str) -> int:
        if self.refusal:
            raise DialRefused(self.refusal)
        self.ordered.append((room, target, by))
        self.placed.append(PlacedCall(9, room, target, Role.GUEST, by))
        return 9


class Hall:
    def __init__(self, role: Role = Role.HOST) -> None:
        self.agent, self.dialer = Agent(), Dialer()
        dialog = uas_dialog(request(), FLOW, "b", self.agent.contact(FLOW))
        self.session = SimpleNamespace(dialog=dialog)
        self.removed: list[int] = []
        person = SimpleNamespace(
            id=1, leg=SipLeg(1, SimpleNamespace(session=self.session)), role=role, name="Dr", identity="dr"
        )

        async def remove(leg: int) -> None:
            self.removed.append(leg)

        self.conference = SimpleNamespace(
            participants={1: person}, policy=SimpleNamespace(number="1001"), remove=remove
        )
        conferences = SimpleNamespace(
            running=lambda: [self.conference], get=lambda number: self.conference if number == "1001" else None
        )
        self.identity: Identity | Challenge | None = None
        self.referrals = Referrals(self.agent, conferences, self.dialer, lambda _request, _flow: self.identity)
        self.replies: list[tuple[int, dict[str, str]]] = []

    async def refer(self, asked: Request, *, in_call: bool = True) -> int:
        def answer(status, _reason, headers, _body) -> None:
            self.replies.append((status, dict(headers)))

        session = self.session if in_call else None
        self.agent.handler(ServerRequest(asked, FLOW, session, "b", answer))
        for _ in range(5):
            await asyncio.sleep(0)
        return self.replies[-1][0]


async def test_a_host_has_somebody_called_and_is_told_how_it_goes():
    hall = Hall()
    assert await hall.refer(request()) == 202
    assert hall.dialer.ordered == [("1001", "sip:ward@10.0.0.7", "Dr")]
    [placed] = hall.dialer.placed
    placed.state = CallState.RINGING
    hall.dialer.tell(placed)
    hall.dialer.tell(placed)
    hall.dialer.placed.clear()
    hall.dialer.tell(placed)
    assert hall.agent.told == ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"]
    last = hall.agent.sent[-1]
    assert (last.method, last.headers.get("Event")) == ("NOTIFY", "refer")
    assert last.headers.get("Subscription-State") == "terminated;reason=noresource"


async def test_a_call_that_fails_ends_the_subscription_with_its_status():
    hall = Hall()
    await hall.refer(request())
    [placed] = hall.dialer.placed
    placed.state, placed.outcome = CallState.ENDED, Outcome.BUSY
    hall.dialer.tell(placed)
    assert hall.agent.told[-1] == "SIP/2.0 486 Busy Here"
    await hall.refer(request())
    assert hall.agent.sent[-1].headers.get("Event") == "refer;id=7"  # the second one in this dialog


async def test_who_wants_no_notifications_gets_none():
    hall = Hall()
    assert await hall.refer(request("<sip:ward@10.0.0.7>", ("Refer-Sub", "false"))) == 202
    assert hall.replies[-1][1]["Refer-Sub"] == "false"
    assert hall.agent.sent == []


@pytest.mark.parametrize(
    ("target", "status"),
    [("<sip:ward@10.0.0.7?Replaces=x>", 603), ("<sip:ward@10.0.0.7;method=BYE>", 404), ("<http://x/>", 416)],
)
async def test_what_is_not_offered(target, status):
    hall = Hall()
    assert await hall.refer(request(target)) == status
    assert hall.dialer.ordered == []


@pytest.mark.parametrize(("outcome", "status"), [(Outcome.NOT_ALLOWED, 403), (Outcome.TOO_MANY_CALLS, 503)])
async def test_what_may_not_be_called(outcome, status):
    hall = Hall()
    hall.dialer.refusal = outcome
    assert await hall.refer(request()) == status
    assert hall.agent.sent == []


async def test_guests_may_not():
    hall = Hall(Role.GUEST)
    assert await hall.refer(request()) == 403
    assert hall.dialer.ordered == []
    assert hall.agent.counters["refer-403"] == 1


async def test_a_host_has_somebody_removed():
    hall = Hall()
    hall.conference.participants[2] = SimpleNamespace(id=2, leg=None, role=Role.GUEST, name="Ward", identity="ward")
    assert await hall.refer(request("<sip:ward@10.0.0.1;method=BYE>")) == 202
    assert hall.removed == [2]
    assert hall.agent.told == ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]


async def test_out_of_dialog_only_who_has_proven_to_be_a_host_there():
    hall = Hall()
    assert await hall.refer(request(), in_call=False) == 403
    hall.identity = Challenge(401, "Unauthorized", (("WWW-Authenticate", 'Digest realm="r"'),))
    assert await hall.refer(request(), in_call=False) == 401
    hall.identity = Identity("stranger", "Stranger")
    assert await hall.refer(request(), in_call=False) == 403
    hall.identity = Identity("dr", "Dr")
    assert await hall.refer(request(), in_call=False) == 202
    assert hall.agent.sent[0].headers.get("From").endswith(";tag=b")
    assert await hall.refer(request(to_tag="gone"), in_call=False) == 481
    await hall.referrals.stop()
