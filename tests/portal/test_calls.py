"""Calling others into rooms by the API, and what the pages are told of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient, TestServer

from config.dialing import DialingSettings
from portal.app import create_app
from signaling.dialing import Dialer
from signaling.placed import DialRefused, Outcome
from tests.portal.conftest import Browser
from tests.portal.fakes import Site


class Telephone:
    """Calls whatever it is told to, until the test decides."""

    protocol = "sip"
    name, address = "Ward 3", "10.0.0.3"

    def __init__(self) -> None:
        self.attempts = []
        self.outcome: asyncio.Future[None] = asyncio.get_event_loop().create_future()

    def plan(self, target: str):
        if target == "forbidden":
            raise DialRefused(Outcome.NOT_ALLOWED)
        return self if target == "ward-3" else None

    async def call(self, attempt) -> None:
        self.attempts.append(attempt)
        await self.outcome


@pytest.fixture
async def telephone(site: Site) -> Telephone:
    made = Telephone()
    dialer = Dialer(DialingSettings(), site.gate, iter(range(1, 100)).__next__)
    dialer.add(made)
    trunk = {"name": "pstn", "state": "registered"}
    site.services = replace(site.services, dialer=dialer, trunks=lambda: [trunk])
    yield made
    await dialer.hang_up()


@pytest.fixture
async def client(site: Site, telephone: Telephone):
    async with TestClient(TestServer(create_app(site.services))) as client:
        yield client
    site.hasher.close()


async def test_placed_ringing_cancelled_and_told(client, site, telephone, admin: Browser):
    await site.add_room()
    async with client.ws_connect("/api/v1/events") as socket:
        assert (await socket.receive_json())["calls"] == {}
        answer = await admin.call("POST", "/conferences/1001/calls", {"target": " ward-3 ", "role": "host"})
        assert (answer.status, await answer.json()) == (201, {"id": 1})
        row = {"id": 1, "target": "ward-3", "role": "host", "by": "admin", "state": "calling", "outcome": ""}
        assert await socket.receive_json() == {"type": "calls", "room": "1001", "calls": [row]}
        telephone.attempts[0].rings()
        assert (await socket.receive_json())["calls"] == [row | {"state": "ringing"}]
        listed = await (await admin.call("GET", "/conferences/1001/calls")).json()
        assert listed["calls"] == [row | {"state": "ringing"}]
        async with client.ws_connect("/api/v1/events") as late:
            assert (await late.receive_json())["calls"] == {"1001": [row | {"state": "ringing"}]}
        assert (await admin.call("DELETE", "/conferences/1001/calls/1")).status == 204
        assert (await socket.receive_json())["calls"] == []
        assert (await admin.call("DELETE", "/conferences/1001/calls/1")).status == 404


async def test_why_somebody_did_not_come(client, site, telephone, admin: Browser):
    await site.add_room()
    await admin.call("POST", "/conferences/1001/calls", {"target": "ward-3"})
    telephone.outcome.set_exception(DialRefused(Outcome.BUSY))
    await asyncio.sleep(0.01)
    [call] = (await (await admin.call("GET", "/conferences/1001/calls")).json())["calls"]
    assert (call["state"], call["outcome"], call["role"]) == ("ended", "busy", "guest")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"target": "forbidden"}, 409, "not-allowed"),
        ({"target": "nobody"}, 409, "unknown-target"),
        ({"target": ""}, 422, "length"),
        ({"target": "x" * 300}, 422, "length"),
        ({"target": "ward-3", "role": "chief"}, 422, "wrong-type"),
        ({}, 422, "required"),
    ],
)
async def test_refused(client, site, telephone, admin: Browser, body, status, code):
    await site.add_room()
    answer = await admin.call("POST", "/conferences/1001/calls", body)
    problem = await answer.json()
    assert (answer.status, problem["errors"][0]["code"]) == (status, code)
    assert telephone.attempts == []


async def test_an_unknown_room(client, telephone, admin: Browser):
    answer = await admin.call("POST", "/conferences/9999/calls", {"target": "ward-3"})
    assert (await answer.json())["errors"] == [{"field": "target", "code": "unknown-room"}]


async def test_trunks_and_who_can_be_called(client, telephone, admin: Browser):
    assert await (await admin.call("GET", "/trunks")).json() == {"trunks": [{"name": "pstn", "state": "registered"}]}
    assert await (await admin.call("GET", "/dialable")).json() == {"terminals": []}
