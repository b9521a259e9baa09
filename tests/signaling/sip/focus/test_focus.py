"""Who may subscribe to a conference, and what is told when people come and go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from xml.etree.ElementTree import fromstring

import pytest

from mcu.conferences import Conferences
from mcu.participant import Role
from mcu.policy import RoomPolicy
from signaling.sip.calls.leg import SipLeg
from signaling.sip.focus.focus import Focus
from signaling.sip.server_request import ServerRequest
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Headers, Request, Response
from signaling.sip.wire.uri import Uri, parse_name_addr, parse_uri
from tests.mcu.fakes import FakeFleet, FakeLeg, FakeRegister, media

FLOW = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.9", 5070))
NS = {"c": "urn:ietf:params:xml:ns:conference-info"}


@dataclass
class FakeAgent:
    counters: Counter[str] = field(default_factory=Counter)
    sent: list[tuple[Request, Flow, Callable[[Response | None], None]]] = field(default_factory=list)
    handler: Callable[[ServerRequest], None] | None = None

    def serve(self, method: str, handler: Callable[[ServerRequest], None]) -> None:
        assert method == "SUBSCRIBE"
        self.handler = handler

    def send(self, request: Request, flow: Flow, on_response: Callable[[Response | None], None]) -> None:
        self.sent.append((request, flow, on_response))

    def contact(self, flow: Flow) -> Uri:
        return Uri("sip", "drumtower", *flow.local)


def session(remote: str = "sip:anna@192.0.2.9") -> SimpleNamespace:
    dialog = Dialog(
        "call", parse_name_addr("<sip:1001@192.0.2.1>;tag=us"), parse_name_addr(f"<{remote}>;tag=them"),
        parse_uri("sip:anna@192.0.2.9:5070"), parse_uri("sip:1001@192.0.2.1"), (), FLOW,
    )  # fmt: skip
    return SimpleNamespace(dialog=dialog)


class World:
    def __init__(self, most: int = 10) -> None:
        self.agent = FakeAgent()
        self.conferences = Conferences(FakeFleet(), FakeRegister())
        self.focus = Focus(self.agent, self.conferences, most)
        self.session = session()
        self.answers: list[tuple[int, dict[str, str]]] = []

    async def anna(self) -> None:
        """Anna calls in by SIP."""
        conference = await self.conferences.open(RoomPolicy("1001", "Ward", changed_at=1.0))
        leg = SipLeg(1, SimpleNamespace(flow=FLOW, session=self.session, hang_up=lambda: None))
        leg.media = media()
        await conference.join(leg, "Anna", Role.HOST)

    def subscribe(self, *, within: bool = True, room: str = "1001", flow: Flow = FLOW, **headers: str) -> int:
        """The status that a SUBSCRIBE is answered with."""
        request = Request("SUBSCRIBE", f"sip:{room}@192.0.2.1", Headers())
        number = len(self.answers) + 1
        fields = {
            "Via": "SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK1", "From": "<sip:anna@192.0.2.9>;tag=them",
            "To": "<sip:1001@192.0.2.1>;tag=us" if within else f"<sip:{room}@192.0.2.1>",
            "Call-ID": "call" if within else f"other-{number}", "CSeq": f"{number} SUBSCRIBE",
            "Contact": "<sip:anna@203.0.113.66:5070>", "Event": "conference",
        } | {name.replace("_", "-"): value for name, value in headers.items()}  # fmt: skip
        for name, value in fields.items():
            request.headers.add(name, value)

        def answer(status: int, _reason: str, extra: tuple[tuple[str, str], ...], _body: bytes) -> None:
            self.answers.append((status, dict(extra)))

        assert self.agent.handler is not None
        self.agent.handler(ServerRequest(request, flow, self.session if within else None, "us", answer))
        return self.answers[-1][0]

    def told(self) -> tuple[str, str, list[str]]:
        """Of the last NOTIFY, which is answered: subscription state, kind of document, names in it."""
        request, _, on_response = self.agent.sent[-1]
        on_response(Response(200, "OK", Headers()))
        document = fromstring(request.body)
        names = [user.findtext("c:display-text", "gone", NS) for user in document.findall("c:users/c:user", NS)]
        return request.headers.get("Subscription-State").partition(";")[0], document.attrib["state"], names


@pytest.fixture
async def world():
    it = World()
    await it.anna()
    yield it
    it.focus.stop()


@pytest.mark.parametrize("within", [True, False])
async def test_a_participant_is_told_who_is_there(world: World, within: bool):
    assert world.subscribe(within=within) == 200
    assert world.answers[-1][1]["Expires"] == "3600"
    assert "isfocus" in world.answers[-1][1]["Contact"] or within
    assert world.told() == ("active", "full", ["Anna"])
    assert b"192.0.2.9" not in world.agent.sent[-1][0].body, "nobody's address is told"


@pytest.mark.parametrize("route", [{}, {"Record-Route": "<sip:192.0.2.66;lr>"}])
async def test_notify_goes_where_the_participant_calls_from_whatever_is_written(world: World, route: dict[str, str]):
    world.subscribe(within=False, **route)
    assert world.agent.sent[-1][1].remote == FLOW.remote
    world.told()
    dialog = next(iter(world.focus._subscribers.values())).subscription.dialog
    again = {"Call-ID": dialog.call_id, "To": dialog.local.serialize(), "Contact": "<sip:anna@192.0.2.66>"}
    assert world.subscribe(within=False, **again, **route) == 200
    assert len(world.focus) == 1
    assert world.agent.sent[-1][1].remote == FLOW.remote


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (403, {"flow": Flow("udp", FLOW.local, ("192.0.2.77", 5070))}),
        (403, {"flow": Flow("udp", FLOW.local, ("192.0.2.9", 5071))}),  # a neighbour behind the same NAT
        (403, {"flow": Flow("tcp", FLOW.local, ("192.0.2.9", 5070), 3)}),
        (403, {"Via": "SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK1, SIP/2.0/UDP 10.0.0.66;branch=z9hG4bK2"}),
        (403, {"From": "<sip:eve@192.0.2.9>;tag=x"}),
        (403, {"room": "1002"}),
        (481, {"To": "<sip:1001@192.0.2.1>;tag=unknown"}),
        (489, {"Event": "presence"}),
        (406, {"Accept": "text/plain"}),
        (423, {"Expires": "10"}),
        (400, {"Expires": "soon"}),
    ],
)
async def test_refusals(world: World, status: int, changes: dict[str, str]):
    assert world.subscribe(within=False, **changes) == status
    assert world.agent.sent == []
    assert len(world.focus) == 0


async def test_the_number_of_subscriptions_is_bounded():
    it = World(most=1)
    await it.anna()
    assert [it.subscribe(within=False), it.subscribe(within=False)] == [200, 503]
    it.focus.stop()


async def test_who_comes_is_told_and_who_left_is_told_no_more(world: World, monkeypatch):
    monkeypatch.setattr("signaling.sip.focus.subscription.MIN_INTERVAL_S", 0.0)
    world.subscribe()
    world.told()
    conference = world.conferences.get("1001")
    assert conference is not None
    await conference.join(FakeLeg(2), "Bob", Role.GUEST)
    await asyncio.sleep(0)
    assert world.told() == ("active", "partial", ["Bob"])
    await conference.leave(1)
    assert world.told()[0] == "terminated"
    count = len(world.agent.sent)
    await conference.leave(2)
    assert len(world.agent.sent) == count
    assert len(world.focus) == 0


async def test_the_end_of_the_conference_is_the_end_of_the_subscription(world: World):
    world.subscribe()
    world.told()
    conference = world.conferences.get("1001")
    assert conference is not None
    await conference.close()
    request = world.agent.sent[-1][0]
    assert request.headers.get("Subscription-State") == "terminated;reason=noresource"
    assert b"<active>false</active>" in request.body


async def test_a_subscriber_who_is_gone_is_forgotten(world: World):
    world.subscribe()
    world.agent.sent[-1][2](None)
    assert len(world.focus) == 0


async def test_expires_zero_fetches_once(world: World):
    assert world.subscribe(Expires="0") == 200
    assert world.told() == ("terminated", "full", ["Anna"])
    assert len(world.focus) == 0
