from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from config.portal import PortalSettings
from config.webrtc import WebrtcSettings
from mcu.leg import HangUp
from mcu.policy import LayoutMode
from portal import join
from portal.join import SEATS, SocketLink, add_routes, visitor_of
from portal.middleware import guard_request, set_security_headers
from portal.source import Proxies, find_source, numeric
from signaling.admission import Refusal
from signaling.webrtc.protocol import MAX_MESSAGE_BYTES
from tests.signaling.webrtc.fakes import answer_of, server


@pytest.fixture
async def client() -> AsyncIterator[TestClient]:
    services, _, _ = server(WebrtcSettings(roster_interval_s=0.01))
    app = web.Application(middlewares=[guard_request])
    app.on_response_prepare.append(set_security_headers)
    add_routes(app, services)
    async with TestClient(TestServer(app)) as made:
        yield made


async def receive(socket, kind: str) -> dict:
    async with asyncio.timeout(2):
        while True:
            message = await socket.receive_json()
            if message["type"] == kind:
                return message


@pytest.mark.parametrize("path", ["/join", "/join/1001", "/join/%E6%9D%8E"])
async def test_the_page_is_the_same_for_every_room(client, path):
    response = await client.get(path)
    text = await response.text()
    assert response.status == 200
    assert "<dt-join>" in text
    assert "1001" not in text
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert "<script>" not in text
    assert "style=" not in text


@pytest.mark.parametrize("file", ["main.js", "join.css", "i18n/en.json", "i18n/zh-CN.json"])
async def test_its_files_are_served(client, file):
    assert (await client.get(f"/static/join/{file}")).status == 200


async def test_a_browser_joins_and_leaves_over_a_websocket(client):
    async with client.ws_connect("/api/v1/join") as socket:
        await socket.send_json({"type": "join", "room": "1001", "name": "Li", "passcode": "2468"})
        offer = await receive(socket, "offer")
        await socket.send_json({"type": "answer", "id": offer["id"], "sdp": answer_of("chromium_camera_first")})
        joined = await receive(socket, "joined")
        assert joined["room_name"] == "Ward 3"
        await socket.send_json({"type": "leave"})
        assert (await receive(socket, "bye"))["reason"] == "left"
        assert (await socket.receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSED)


async def test_a_lost_websocket_keeps_the_seat(client):
    async with client.ws_connect("/api/v1/join") as socket:
        await socket.send_json({"type": "join", "room": "1001", "name": "Li", "passcode": "2468"})
        offer = await receive(socket, "offer")
        await socket.send_json({"type": "answer", "id": offer["id"], "sdp": answer_of("chromium_camera_first")})
        seat = await receive(socket, "joined")
    async with client.ws_connect("/api/v1/join") as socket:
        await socket.send_json({"type": "join", "room": "1001", "name": "Li", "session": seat["session"]})
        assert (await receive(socket, "joined"))["is_resumed"]
        assert len(client.app[SEATS]) == 1


async def test_another_sites_page_may_not_connect(client):
    response = await client.get(
        "/api/v1/join",
        headers={"Origin": "https://evil.example", "Upgrade": "websocket", "Connection": "Upgrade",
                 "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
    )  # fmt: skip
    assert response.status == 403
    assert response.content_type == "application/problem+json"


async def test_a_plain_request_is_no_websocket(client):
    assert (await client.get("/api/v1/join")).status == 400


async def test_oversized_messages(client):
    async with client.ws_connect("/api/v1/join") as socket:
        await socket.send_str("x" * (MAX_MESSAGE_BYTES + 1))
        assert (await receive(socket, "problem"))["code"] == "too-large"
        await socket.send_str("x" * (3 * MAX_MESSAGE_BYTES))
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1009)


class Transport:
    def __init__(self, peer: str, local: str = "192.0.2.1") -> None:
        self._names = {"peername": (peer, 40000), "sockname": (local, 443)}

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._names.get(name, default)


VISITORS = [
    # peer, headers, trusted proxies -> source
    ("192.0.2.7", {"X-Forwarded-For": "203.0.113.5"}, (), "192.0.2.7"),
    ("192.0.2.8", {"X-Forwarded-For": "198.51.100.1, 203.0.113.5"}, ("192.0.2.8/32",), "203.0.113.5"),
    ("::ffff:192.0.2.7", {}, (), "192.0.2.7"),
    ("fe80::1%eth0", {}, ("192.0.2.0/24",), "fe80::1"),
]


def visitor(peer, local, headers, proxies):
    request = make_mocked_request("GET", "/api/v1/join", headers=headers, transport=Transport(peer, local))
    trusted = Proxies.of(PortalSettings(trusted_proxies=proxies))
    return visitor_of(request, find_source(numeric(peer), request.headers, trusted), user="")


@pytest.mark.parametrize(("peer", "headers", "proxies", "source"), VISITORS)
def test_who_calls(peer, headers, proxies, source):
    found = visitor(peer, "192.0.2.1", headers, proxies)
    assert (found.source, found.local_address) == (source, "192.0.2.1")


SECURE = [
    ("127.0.0.1", "127.0.0.1", {}, (), True),
    ("::1", "::1", {}, (), True),
    ("192.0.2.7", "192.0.2.1", {}, (), False),
    ("192.0.2.7", "192.0.2.1", {"X-Forwarded-Proto": "https"}, (), False),
    ("192.0.2.7", "192.0.2.1", {"X-Forwarded-Proto": "https"}, ("192.0.2.7/32",), True),
    ("127.0.0.1", "127.0.0.1", {}, ("127.0.0.1/32",), False),
]


@pytest.mark.parametrize(("peer", "local", "headers", "proxies", "is_secure"), SECURE)
def test_which_signalling_is_trusted(peer, local, headers, proxies, is_secure):
    assert visitor(peer, local, headers, proxies).is_secure is is_secure


class StuckSocket:
    """A page that does not read, until its connection is aborted."""

    def __init__(self) -> None:
        self.is_closed = False
        self.aborted = asyncio.Event()

    async def send_str(self, _text: str) -> None:
        await self.aborted.wait()
        raise ConnectionResetError

    async def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("messages", [4, 5, 100])
async def test_a_page_that_does_not_read_is_cut_off(messages):
    socket = StuckSocket()
    link = SocketLink(socket, 4, socket.aborted.set)
    async with asyncio.timeout(2), asyncio.TaskGroup() as tasks:
        tasks.create_task(link.write())
        for number in range(messages):
            link.send(str(number))
        assert socket.aborted.is_set() is (messages > 4)
        await link.close()
    assert socket.is_closed


def test_both_languages_have_the_same_texts():
    texts = [json.loads((join._FOLDER / "i18n" / f"{tag}.json").read_text()) for tag in ("en", "zh-CN")]
    assert texts[0].keys() == texts[1].keys()
    for key in texts[0]:
        places = [sorted(re.findall(r"\{\w+\}", text[key])) for text in texts]
        assert places[0] == places[1], key


def test_every_text_of_the_page_exists():
    texts = json.loads((join._FOLDER / "i18n" / "en.json").read_text())
    scripts = "\n".join(path.read_text() for path in join._FOLDER.glob("*.js"))
    used = set(re.findall(r'"((?:lobby|devices|control|host|people|quality|toast|ended|stage|waiting|refused|layout)'
                          r'\.[a-z0-9.-]+)"', scripts))  # fmt: skip
    used |= {f"refused.{reason}" for reason in Refusal} | {f"ended.{reason}" for reason in HangUp}
    used |= {f"layout.{mode}" for mode in LayoutMode}
    used |= {
        f"ended.{reason}" for reason in ("left", "replaced", "no-media", "no-answer", "idle", "too-many-connections")
    }
    assert used - texts.keys() == set()
