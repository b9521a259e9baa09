"""Trouble beside a call of browsers: a lost WebSocket, bad messages. What is seen and heard goes on all the time."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
import pytest
import pytest_asyncio

from tests.interop import oracles
from tests.interop.browser import Visitor
from tests.interop.hall import Hall, hall
from tests.interop.media import GREEN, RED
from tests.interop.server import BASE, HTTP_PORT
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
RIGHT = (0.5, 0.25, 0.5, 0.5)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    async with hall(tmp_path_factory.mktemp("trouble"), {"1001": {}, "1007": {}}) as made:
        yield made
        assert "Traceback" not in made.server.log(), made.server.log()[-4000:]


async def sees(visitor: Visitor, *names: str) -> object:
    seen = set(oracles.seen(await visitor.picture()))
    return seen == set(names) or seen


@contextmanager
def no_signalling():
    """WebSockets are cut and cannot be opened; media flows."""
    rules = f"""table inet cut {{
    chain output {{
        type filter hook output priority 0;
        tcp dport {HTTP_PORT} reject with tcp reset;
    }}
    }}"""
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "cut"], check=True)


async def test_a_lost_websocket_keeps_the_seat_and_disturbs_no_media(site: Hall, needs):
    needs("chromium", "nft")
    async with site.visitors("1007", RED, GREEN) as (red, _):
        await until("both are seen", lambda: sees(red, "red", "green"))
        before = (await site.people("1007"))["red"]["id"]
        await red.watch(RIGHT)
        with no_signalling():
            await red.say('{"type":"ping"}')
            await red.page.locator(".banner").wait_for(state="visible", timeout=15_000)
            await asyncio.sleep(1)
        await red.page.locator(".banner").wait_for(state="hidden", timeout=15_000)
        watched = await red.watched()
        assert (await site.people("1007"))["red"]["id"] == before
        assert await red.page.evaluate("() => [window.__connections.length, window.__sockets.length > 1]") == [1, True]
        assert watched.longest_freeze_s(GREEN) < 0.6
        assert oracles.longest_gap_s(watched.sound, 48_000) < 0.03
        assert oracles.heard(watched.sound, 48_000) == {"green"}
        await red.page.keyboard.press("m")

        async def is_muted() -> object:
            return (await site.people("1007"))["red"]["is_muted"]

        await until("the new socket is obeyed", is_muted)


BAD_MESSAGES = [
    ("not json", "malformed"),
    ("{", "malformed"),
    ("[]", "malformed"),
    ("[" * 5000, "malformed"),
    ('{"type":"sing"}', "malformed"),
    ('{"type":"join","room":1001,"name":"x"}', "malformed"),
    ('{"type":"join","room":"../etc","name":"x"}', "malformed"),
    ('{"type":"answer","id":1,"sdp":"v=0"}', "unexpected"),
    ('{"type":"record","is_on":true}', "unexpected"),
    (json.dumps({"type": "join", "room": "1001", "name": "x" * 70_000}), "too-large"),
]


@asynccontextmanager
async def socket_of(site: Hall) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket to the join page's address, by no browser."""
    async with (
        site.server.session() as session,
        session.ws_connect("/api/v1/join", headers={"Origin": BASE}) as socket,
    ):
        yield socket


async def test_bad_messages_get_a_problem_and_harm_nobody(site: Hall, needs):
    needs("chromium")
    async with site.visitors("1001", RED, GREEN) as (red, green):
        await until("both are seen", lambda: sees(red, "red", "green"))
        await red.watch(RIGHT)
        for bad, code in BAD_MESSAGES:
            async with socket_of(site) as socket:
                await socket.send_str(bad)
                answer = await socket.receive_json(timeout=5)
                assert (answer["type"], answer["code"]) == ("problem", code), bad[:60]
                await socket.send_str('{"type":"ping","id":7}')
                assert await socket.receive_json(timeout=5) == {"type": "pong", "id": 7}
        async with socket_of(site) as socket:
            await socket.send_bytes(bytes(300_000))
            assert (await socket.receive(timeout=5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)
        await green.say("x" * 70_000)
        await green.page.locator(".toast", has_text="did not work").wait_for(timeout=5000)
        await green.say('{"type":"answer","id":1,"sdp":"v=0"}')
        watched = await red.watched()
        assert watched.longest_freeze_s(GREEN) < 0.6
        assert set(await site.people("1001")) == {"red", "green"}
        assert (await site.server.get("/healthz"))["status"] == "ok"
