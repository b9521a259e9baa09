"""The WebSocket of events: a snapshot, merged changes, slow and signed-out pages."""

import asyncio

import pytest
from aiohttp import WSMsgType

from mcu.conference import ConferenceEvent
from portal.api.events import SIGNED_OUT
from portal.hub import HUB, Client
from tests.portal.fakes import Site


@pytest.fixture
def site() -> Site:
    return Site(event_interval_s=0.02, event_queue=8, max_event_clients=2)


async def test_snapshot_then_changes_then_the_end(client, site, admin):
    await site.add_room()
    async with client.ws_connect("/api/v1/events") as socket:
        assert await socket.receive_json() == {"type": "snapshot", "conferences": [], "waiting": {}, "calls": {}}
        leg = await site.join("1001", 7)
        message = await socket.receive_json()
        assert (message["type"], message["room"]) == ("conference", "1001")
        assert [person["id"] for person in message["conference"]["participants"]] == [7]
        await site.conferences.get("1001").leave(leg.id)
        assert await socket.receive_json() == {"type": "conference", "room": "1001", "conference": None}


async def test_many_changes_are_one_message(client, site, admin):
    await site.add_room()
    async with client.ws_connect("/api/v1/events") as socket:
        await socket.receive_json()
        for leg in range(1, 31):
            await site.join("1001", leg)
        message = await socket.receive_json()
        assert len(message["conference"]["participants"]) == 30
        assert client.app[HUB].counters["events"] == 1


async def test_levels_and_blocks_are_passed_on(client, site, admin):
    await site.add_room()
    async with client.ws_connect("/api/v1/events") as socket:
        await socket.receive_json()
        site.conferences._happened(ConferenceEvent("levels", "1001", {"levels": {7: 30}, "speaker": 7}))
        assert await socket.receive_json() == {"type": "levels", "room": "1001", "levels": {"7": 30}}
        client.app[HUB].tell_room("1001")
        assert await socket.receive_json() == {"type": "room", "room": "1001"}


async def test_what_a_page_sends_is_ignored_and_bounded(client, admin):
    async with client.ws_connect("/api/v1/events") as socket:
        await socket.receive_json()
        await socket.send_str("{nonsense")
        await socket.send_bytes(b"\x00")
        client.app[HUB].tell_room("1001")
        assert (await socket.receive_json())["type"] == "room"
        await socket.send_str("x" * 5000)
        assert (await socket.receive()).type is WSMsgType.CLOSE


async def test_sign_out_closes_the_socket(client, admin):
    async with client.ws_connect("/api/v1/events") as socket:
        await socket.receive_json()
        await admin.call("DELETE", "/session")
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, SIGNED_OUT)


async def test_shutdown_does_not_wait_for_pages(client, admin):
    async with client.ws_connect("/api/v1/events") as socket:
        await socket.receive_json()
        async with asyncio.timeout(2):
            closing = asyncio.create_task(client.server.close())
            assert (await socket.receive()).type is WSMsgType.CLOSE
            await closing


async def test_clients_are_bounded_and_freed(client, admin):
    first, second = await client.ws_connect("/api/v1/events"), await client.ws_connect("/api/v1/events")
    assert (await admin.call("GET", "/events")).status == 503
    await first.close()
    await second.close()
    async with asyncio.timeout(2):
        while len(client.app[HUB]):
            await asyncio.sleep(0.01)
    async with client.ws_connect("/api/v1/events") as third:
        assert (await third.receive_json())["type"] == "snapshot"


async def test_slow_client_is_cut_off_with_bounded_memory():
    client = Client(principal=None, limit=3)
    for index in range(100):
        client.offer(str(index))
    assert client.is_cut_off
    assert await client.next() is None
    client.offer("late")
    assert client._queue.empty()


async def test_hub_drops_a_client_that_does_not_read(client, site, admin):
    hub = client.app[HUB]
    with hub.subscribed(None):
        for _ in range(20):
            hub.tell_room("1001")
        assert len(hub) == 0
        assert hub.counters["slow-clients"] == 1
