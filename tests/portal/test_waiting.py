"""Who waits outside, over the API and as events; numbers of the test room are taken."""

import asyncio
from dataclasses import replace

import pytest

from signaling.admission import CallRequest, Refusal, Refused
from tests.portal.fakes import Site


@pytest.fixture
def site() -> Site:
    return Site(event_interval_s=0.02)


@pytest.fixture
async def outside(site, admin):
    await site.add_room(is_locked=True)
    tasks = []
    for number, name in enumerate(("Ward 3", "Stranger")):
        request = CallRequest(
            f"192.0.2.{number}", "sip", "1001", name=name, call=name, identity="ward3" * (number == 0)
        )
        tasks.append(asyncio.create_task(site.gate.wait_for_host(await site.gate.admit(request))))
    while len(site.gate.waiting("1001")) < 2:
        await asyncio.sleep(0)
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_of_two_is_let_in(admin, site, outside):
    waiting = (await (await admin.call("GET", "/rooms/1001/waiting")).json())["waiting"]
    assert [(one["name"], one["is_verified"], one["reason"]) for one in waiting] == [
        ("Ward 3", True, "locked"),
        ("Stranger", False, "locked"),
    ]
    ward, stranger = (one["id"] for one in waiting)
    assert (await admin.call("POST", f"/rooms/1001/waiting/{ward}/let-in", {})).status == 204
    assert (await admin.call("POST", f"/rooms/1001/waiting/{stranger}/turn-away", {})).status == 204
    async with asyncio.timeout(3):
        assert (await outside[0]).is_let_in
        with pytest.raises(Refused) as refused:
            await outside[1]
    assert refused.value.reason is Refusal.NOT_LET_IN
    assert (await admin.call("POST", f"/rooms/1001/waiting/{ward}/let-in", {})).status == 404
    assert (await admin.call("POST", "/rooms/1001/waiting/x/let-in", {})).status == 404


async def test_events_tell_who_waits(client, site, admin, outside):
    async with client.ws_connect("/api/v1/events") as socket:
        snapshot = await socket.receive_json()
        assert [one["name"] for one in snapshot["waiting"]["1001"]] == ["Ward 3", "Stranger"]
        site.gate.let_in("1001", site.gate.waiting("1001")[0].id)
        message = await socket.receive_json(timeout=3)
        assert (message["type"], message["room"]) == ("waiting", "1001")
        assert [one["name"] for one in message["waiting"]] == ["Stranger"]


async def test_a_hand_is_lowered(admin, site):
    await site.add_room()
    await site.join("1001", 7)
    site.conferences.get("1001").raise_hand(7, is_raised=True)
    assert (await admin.call("POST", "/conferences/1001/participants/7/lower-hand", {})).status == 204
    assert not site.conferences.get("1001").participants[7].has_hand_raised


async def test_the_number_of_the_test_room_is_taken(client, site, admin):
    from portal.services import SERVICES

    services = replace(site.services, is_taken=lambda dialled: dialled in ("99", "test"))
    client.app._state[SERVICES] = services
    answer = await admin.call("POST", "/rooms", {"number": "99", "name": "x"})
    assert answer.status == 409
    answer = await admin.call("POST", "/rooms", {"number": "98", "name": "x", "alias": "test"})
    assert (answer.status, (await answer.json())["errors"]) == (422, [{"field": "alias", "code": "taken"}])
