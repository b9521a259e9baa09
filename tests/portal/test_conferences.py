"""Live control over the API, on real conferences with legs that only note."""

import pytest

from mcu.leg import HangUp
from mcu.participant import Role
from mcu.policy import LayoutMode
from recorder.errors import DiskFullError, RecordingError


@pytest.fixture
async def room(site, admin):
    await site.add_room()
    return await site.join("1001", 7, "Dr Wang"), await site.join("1001", 8, "Dr Li", Role.HOST)


async def test_snapshot(admin, room):
    listed = await (await admin.call("GET", "/conferences")).json()
    one = await (await admin.call("GET", "/conferences/1001")).json()
    assert listed["conferences"] == [one]
    assert [person["name"] for person in one["participants"]] == ["Dr Wang", "Dr Li"]
    assert one["participants"][0]["grade"] == "authenticated"
    assert one["participants"][0]["codecs"] == ["OPUS", "H264"]


async def test_lock_and_layout(admin, site, room):
    assert (await admin.call("POST", "/conferences/1001/lock", {"is_locked": True})).status == 204
    assert (await admin.call("POST", "/conferences/1001/layout", {"layout": "speaker"})).status == 204
    conference = site.conferences.get("1001")
    assert conference.is_locked and conference.layout is LayoutMode.SPEAKER


async def test_mute_one_and_all(admin, site, room):
    people = site.conferences.get("1001").participants
    await admin.call("POST", "/conferences/1001/participants/8/mute", {"is_muted": True})
    assert people[8].is_muted and not people[7].is_muted
    await admin.call("POST", "/conferences/1001/participants/8/mute", {"is_muted": False})
    await admin.call("POST", "/conferences/1001/mute-all", {})
    assert people[7].is_muted and not people[8].is_muted


async def test_spotlight_volume_and_role(admin, site, room):
    conference, person = site.conferences.get("1001"), "/conferences/1001/participants/7"
    for verb, body in (("spotlight", {"is_on": True}), ("volume", {"gain_db": -6}), ("role", {"role": "host"})):
        assert (await admin.call("POST", f"{person}/{verb}", body)).status == 204
    someone = conference.participants[7]
    assert (conference.spotlight, someone.gain_db, someone.role) == (7, -6, Role.HOST)
    await admin.call("POST", "/conferences/1001/participants/8/spotlight", {"is_on": False})
    assert conference.spotlight == 7, "that of somebody else stays"
    await admin.call("POST", f"{person}/spotlight", {"is_on": False})
    assert conference.spotlight == 0
    for verb, body in (("volume", {"gain_db": 13}), ("volume", {"gain_db": "loud"}), ("role", {"role": "owner"})):
        assert (await admin.call("POST", f"{person}/{verb}", body)).status == 422
    assert (await admin.call("POST", "/conferences/1001/participants/99/volume", {"gain_db": 3})).status == 404


async def test_a_layout_of_ones_own(admin, site, room):
    person, people = "/conferences/1001/participants", site.conferences.get("1001").participants
    assert (await admin.call("POST", f"{person}/7/layout", {"layout": "speaker"})).status == 204
    assert people[7].layout is LayoutMode.SPEAKER
    people[8].layout = LayoutMode.LECTURE
    await site.join("1001", 9)
    answer = await admin.call("POST", f"{person}/9/layout", {"layout": "grid"})
    assert (answer.status, (await answer.json())["code"]) == (409, "too-many-layouts")
    assert (await admin.call("POST", f"{person}/7/layout", {"layout": None})).status == 204
    assert people[7].layout is None


async def test_to_another_room(admin, site, room):
    await site.add_room("1002")
    person = "/conferences/1001/participants/7/move"
    for wrong in ("1001", "4711", ""):
        assert (await admin.call("POST", person, {"room": wrong})).status == 422
    assert (await admin.call("POST", person, {"room": "1002"})).status == 204
    assert list(site.conferences.get("1002").participants) == [7]
    assert list(site.conferences.get("1001").participants) == [8]
    assert room[0].hung_up is None


async def test_a_full_room_takes_nobody(admin, site, room):
    await site.add_room("1002", max_participants=1)
    await site.join("1002", 9)
    answer = await admin.call("POST", "/conferences/1001/participants/7/move", {"room": "1002"})
    assert (answer.status, (await answer.json())["code"]) == (409, "room-full")
    assert room[0].hung_up is None


async def test_a_message_for_everybody(admin, site, room):
    conference = site.conferences.get("1001")
    assert (await admin.call("POST", "/conferences/1001/message", {"text": " Five minutes left "})).status == 204
    assert conference.message == "Five minutes left"
    assert (await admin.call("DELETE", "/conferences/1001/message")).status == 204
    assert (await admin.call("GET", "/conferences/1001")).status == 200
    assert conference.message == ""
    for text in ("", "  ", "two\nlines", "x" * 81):
        assert (await admin.call("POST", "/conferences/1001/message", {"text": text})).status == 422
    assert (await admin.call("POST", "/conferences/1001/message", {"text": "a", "seconds": 4})).status == 422


async def test_remove_hangs_up(admin, site, room):
    assert (await admin.call("DELETE", "/conferences/1001/participants/7")).status == 204
    assert room[0].hung_up is HangUp.REMOVED
    assert list(site.conferences.get("1001").participants) == [8]


async def test_record(admin, site, room):
    assert (await admin.call("POST", "/conferences/1001/recording", {})).status == 204
    assert site.conferences.get("1001").is_recording
    assert (await admin.call("POST", "/conferences/1001/recording", {})).status == 204


async def test_record_where_the_policy_forbids_it(admin, site):
    await site.add_room("1002", record="off")
    await site.join("1002", 9)
    answer = await admin.call("POST", "/conferences/1002/recording", {})
    assert (answer.status, (await answer.json())["code"]) == (409, "recording-off")


@pytest.mark.parametrize(("error", "code"), [(DiskFullError(), "disk-full"), (RecordingError("x"), "unavailable")])
async def test_record_that_cannot_begin(admin, site, room, monkeypatch, error, code):
    async def begin(*_: object):
        raise error

    monkeypatch.setattr(site.conferences._register, "begin", begin)
    answer = await admin.call("POST", "/conferences/1001/recording", {})
    assert (answer.status, (await answer.json())["code"]) == (503, code)
    assert not site.conferences.get("1001").is_recording


async def test_end(admin, site, room):
    assert (await admin.call("POST", "/conferences/1001/end", {})).status == 204
    assert site.conferences.get("1001") is None
    assert [leg.hung_up for leg in room] == [HangUp.CONFERENCE_ENDED] * 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/conferences/2002", None, 404, "not-found"),
        ("POST", "/conferences/2002/lock", {"is_locked": True}, 409, "not-running"),
        ("POST", "/conferences/2002/end", {}, 409, "not-running"),
        ("POST", "/conferences/1001/participants/99/mute", {"is_muted": True}, 404, "not-found"),
        ("DELETE", "/conferences/1001/participants/99", None, 404, "not-found"),
        ("DELETE", "/conferences/1001/participants/-1", None, 404, "not-found"),
        ("DELETE", "/conferences/1001/participants/" + "9" * 40, None, 404, "not-found"),
        ("POST", "/conferences/1001/participants/99/allow-video", {}, 404, "not-found"),
        ("POST", "/conferences/1001/layout", {"layout": "mosaic"}, 422, "invalid"),
        ("POST", "/conferences/1001/lock", {"is_locked": "yes"}, 422, "invalid"),
        ("POST", "/conferences/1001/lock", {}, 422, "invalid"),
    ],
)
async def test_refusals(admin, room, method, path, body, status, code):
    answer = await admin.call(method, path, body)
    assert (answer.status, (await answer.json())["code"]) == (status, code)
