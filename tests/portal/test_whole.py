"""The portal on the real store and the real library: SQLite, sealed files, nothing faked but the media."""

from aiohttp.test_utils import TestClient, TestServer

from tests.portal.conftest import Browser
from tests.portal.fakes import PASSWORD
from tests.portal.whole import open_whole


async def test_first_day_of_an_administrator(tmp_path):
    async with open_whole(tmp_path, must_change=True) as whole, TestClient(TestServer(whole.app)) as client:
        await first_day(whole.database, Browser(client))


async def first_day(database, admin):
    assert (await admin.sign_in("Admin")).status == 201
    assert (await admin.call("GET", "/rooms")).status == 403
    changed = await admin.call("PUT", "/session/password", {"current": PASSWORD, "new": "seven paper boats"})
    admin.csrf = (await changed.json())["csrf_token"]
    made = await (await admin.call("POST", "/rooms", {"number": "1001", "name": "心内科会诊", "alias": "heart"})).json()
    again = await admin.call("POST", "/rooms", {"number": "1001", "name": "A"})
    assert again.status == 409
    taken = await admin.call("POST", "/rooms", {"number": "1002", "name": "B", "alias": "heart"})
    assert (taken.status, (await taken.json())["errors"]) == (422, [{"field": "alias", "code": "taken"}])
    patched = await admin.call("PATCH", "/rooms/1001", {"required_grade": "opportunistic", "max_participants": 9})
    assert (await patched.json())["required_grade"] == "opportunistic"
    rotated = await (await admin.call("POST", "/rooms/1001/passcodes", {"guest_kind": "none"})).json()
    assert rotated["room"]["has_guest_passcode"] is False
    assert rotated["passcodes"]["host"] != made["passcodes"]["host"]
    listed = (await (await admin.call("GET", "/rooms")).json())["rooms"]
    assert [(room["number"], room["name"], room["max_participants"]) for room in listed] == [("1001", "心内科会诊", 9)]
    assert (await admin.call("DELETE", "/rooms/1001")).status == 204
    assert await database.rooms.get("1001") is None
    assert (await admin.call("DELETE", "/session")).status == 204
    assert (await admin.call("GET", "/session")).status == 401


async def test_sealed_recording_is_watched_by_ranges_and_verified(tmp_path):
    async with open_whole(tmp_path) as whole, TestClient(TestServer(whole.app)) as client:
        admin = Browser(client)
        await admin.sign_in()
        await watch_and_verify(admin, await whole.record(6), tmp_path)


async def watch_and_verify(admin, name, tmp_path):
    (listed,) = (await (await admin.call("GET", "/recordings")).json())["recordings"]
    assert (listed["id"], listed["state"], listed["participants"]) == (name, "complete", ["Ward 3", "Dr. Wang"])
    path = f"/recordings/{name}"
    movie = await (await admin.call("GET", f"{path}/media")).read()
    assert movie[4:8] == b"ftyp"
    for start, end in ((0, 100), (1000, 1001), (len(movie) // 2, len(movie) - 1), (7, len(movie) - 3)):
        answer = await admin.call("GET", f"{path}/media", headers={"Range": f"bytes={start}-{end}"})
        assert (answer.status, await answer.read()) == (206, movie[start : end + 1])
    (file,) = (tmp_path / "recordings").glob("*.dtr")
    sealed = file.read_bytes()
    assert movie[200:264] not in sealed
    assert (await (await admin.call("POST", f"{path}/verify", {})).json())["is_intact"] is True
    middle = len(sealed) // 2
    file.write_bytes(sealed[:middle] + bytes([sealed[middle] ^ 1]) + sealed[middle + 1 :])
    verdict = await (await admin.call("POST", f"{path}/verify", {})).json()
    assert verdict["is_intact"] is False
    assert 0 < verdict["first_bad_byte"] <= middle < verdict["bad_end"]
