"""Entity tags of rooms and terminals: whoever says what it has seen overwrites nothing else."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from portal.app import create_app
from portal.errors import BadRequest, Outdated
from portal.versions import etag_of, version_wanted
from tests.portal.conftest import Browser
from tests.portal.test_audit import SECRET, Everything
from tests.portal.whole import open_whole

THING = SimpleNamespace(version=3, created_at=datetime(2026, 3, 4, tzinfo=UTC))
TAG = etag_of(THING)

IF_MATCH = [
    ([], None), (["*"], None), ([TAG], 3), ([f'"x", {TAG}'], 3), (['"x"', TAG], 3), ([f"{TAG},"], 3),
    (['"x"'], Outdated), ([f"W/{TAG}"], Outdated), (['"", "y"'], Outdated),
    (["x"], BadRequest), ([TAG.strip('"')], BadRequest), ([f"{TAG} {TAG}"], BadRequest), (["*, *"], BadRequest),
]  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), IF_MATCH)
def test_if_match(values, expected):
    request = make_mocked_request("PATCH", "/", headers=[("If-Match", value) for value in values])
    if isinstance(expected, type):
        with pytest.raises(expected):
            version_wanted(request, THING)
    else:
        assert version_wanted(request, THING) == expected


def test_another_one_of_the_same_name_has_another_tag():
    later = SimpleNamespace(version=3, created_at=datetime(2026, 3, 5, tzinfo=UTC))
    assert len({etag_of(each) for each in (THING, later, SimpleNamespace(version=4, created_at=later.created_at))}) == 3


CHANGES = [
    ("PATCH", "", {"name": "B"}),
    ("POST", "/{secret}", {}),
    ("DELETE", "", None),
]


@pytest.fixture
async def everything(tmp_path):
    """Rooms and terminals in one real database."""
    async with open_whole(tmp_path) as whole:
        everything = Everything(whole.database)
        yield everything
        await everything.close()


@pytest.fixture
async def admin(everything):
    database = everything.database
    services = replace(
        everything.services, users=database.users, sessions=database.sessions, rooms=database.rooms,
        now=lambda: datetime.now(UTC),
    )  # fmt: skip
    async with TestClient(TestServer(create_app(services))) as client:
        browser = Browser(client)
        await browser.sign_in()
        yield browser
    everything.hasher.close()


async def made(admin: Browser, kind: str) -> str:
    body = {"number": "1001", "name": "A"} if kind == "rooms" else {"alias": "1001", "name": "A", "secret": SECRET}
    answer = await admin.call("POST", f"/{kind}", body)
    assert answer.status == 201
    shown = await admin.call("GET", f"/{kind}/1001")
    assert shown.headers["ETag"] == answer.headers["ETag"] == (await shown.json())["etag"]
    return answer.headers["ETag"]


@pytest.mark.parametrize("kind", ["rooms", "terminals"])
@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_who_has_seen_an_older_one_changes_nothing(admin, kind, method, path, body):
    seen = await made(admin, kind)
    path = f"/{kind}/1001" + path.format(secret="passcodes" if kind == "rooms" else "secret")
    fresh = (await admin.call("PATCH", f"/{kind}/1001", {"name": "C"}, headers={"If-Match": seen})).headers["ETag"]
    assert fresh != seen
    refused = await admin.call(method, path, body, headers={"If-Match": seen})
    assert (refused.status, (await refused.json())["code"]) == (412, "outdated")
    kept = await admin.call("GET", f"/{kind}/1001")
    assert (kept.headers["ETag"], (await kept.json())["name"]) == (fresh, "C")
    done = await admin.call(method, path, body, headers={"If-Match": fresh})
    assert done.status in (200, 204)
    if method != "DELETE":
        assert done.headers["ETag"] == (await admin.call("GET", f"/{kind}/1001")).headers["ETag"] != fresh


@pytest.mark.parametrize("kind", ["rooms", "terminals"])
async def test_of_many_at_once_one_wins_and_the_others_are_told(admin, kind):
    seen = await made(admin, kind)
    answers = await asyncio.gather(
        *(admin.call("PATCH", f"/{kind}/1001", {"name": f"N{n}"}, headers={"If-Match": seen}) for n in range(20))
    )
    assert sorted(answer.status for answer in answers) == [200] + [412] * 19
    (winner,) = [await answer.json() for answer in answers if answer.status == 200]
    assert (await (await admin.call("GET", f"/{kind}/1001")).json())["name"] == winner["name"]


@pytest.mark.parametrize("kind", ["rooms", "terminals"])
async def test_who_does_not_ask_overwrites_as_before(admin, kind):
    await made(admin, kind)
    for name in ("B", "C"):
        assert (await admin.call("PATCH", f"/{kind}/1001", {"name": name})).status == 200
    assert (await admin.call("DELETE", f"/{kind}/1001")).status == 204
    assert (await admin.call("DELETE", f"/{kind}/1001", headers={"If-Match": '"x"'})).status == 404
