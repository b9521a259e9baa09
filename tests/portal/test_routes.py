"""The table of routes against the real application: nothing is served that is not in it, and who may what."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web_urldispatcher import StaticResource

from config.webrtc import WebrtcSettings
from portal import join, pages
from portal.app import create_app
from portal.middleware import SAFE_METHODS
from portal.principal import Principal
from portal.rights import RIGHTS, Access
from portal.roles import Grant, Role, roles_of_account
from portal.route import Route, joined
from portal.routes import ROUTES
from tests.portal.fakes import Site
from tests.signaling.webrtc.fakes import server

VALUES = {
    "number": "1001", "participant": "7", "recording": "r1", "alias": "ward-3", "waiting": "1", "call": "5",
    "site": "north", "mac": "02:00:5e:00:53:01", "room": "1001", "file": "style.css",
}  # fmt: skip
STRANGER = "stranger"
MUST_CHANGE = "must-change"
"""An administrator whose password was given by somebody else."""


def address(route: Route) -> str:
    return route.canonical.format(**VALUES)


def name(route: Route) -> str:
    return f"{route.method} {route.canonical}"


@pytest.fixture
async def everything(site: Site) -> AsyncIterator[TestClient]:
    """The console and the door for browsers."""
    browsers, _, _ = server(WebrtcSettings())
    services = replace(site.services, extra_routes=(lambda app: join.add_routes(app, browsers),))
    async with TestClient(TestServer(create_app(services))) as client:
        yield client
    site.hasher.close()


async def test_what_is_served_is_in_the_table_and_the_other_way_round(everything):
    served, folders = set(), set()
    for resource in everything.app.router.resources():
        if isinstance(resource, StaticResource):
            folders.add(resource.canonical)
        else:
            served |= {(route.method, resource.canonical) for route in resource}
    table = {(route.method, route.canonical) for route in ROUTES}
    assert served == table | {("HEAD", path) for method, path in table if method == "GET"}
    assert folders == {*pages.FOLDERS, *join.FOLDERS}


def test_only_these_are_for_everybody():
    public = {name(route) for route in ROUTES if route.access is Access.PUBLIC}
    assert {one for one in public if one.startswith(("POST", "GET /api", "GET /m", "GET /h"))} == {
        "GET /healthz", "GET /metrics", "POST /api/v1/session", "GET /api/v1/join",
    }  # fmt: skip
    assert [one for one in public if not one.startswith(("POST", "GET"))] == []


def test_what_changes_says_what():
    assert {name(route) for route in ROUTES if route.changes} == {
        name(route) for route in ROUTES if route.method not in SAFE_METHODS
    }
    assert [route.changes for route in ROUTES if not re.fullmatch(r"([a-z-]+\.[a-z-]+)?", route.changes)] == []
    with pytest.raises(ValueError, match="what it changes"):
        Route("POST", "/x", pages.page, Access.SESSION)


@pytest.mark.parametrize("path", ["/rooms/{number}", "/rooms/{room}", r"/rooms/{number:\d{1,12}}"])
def test_two_routes_of_one_place_are_refused(path):
    first = Route("GET", "/rooms/{number}", pages.page, Access.SEE_ROOMS)
    with pytest.raises(ValueError, match="there are two"):
        joined((first,), (Route("GET", path, pages.page, Access.PUBLIC),))
    assert len(joined((first,), (Route("DELETE", path, pages.page, Access.EDIT_ROOMS, "room.deleted"),))) == 2


# ---- who may what


WHO = [STRANGER, MUST_CHANGE, "admin", *Role, "nonsense"]


def holds(account: str, right: Access) -> bool:
    return any(right in RIGHTS[role] for role in roles_of_account(account))


def verdict(who: str, route: Route) -> int:
    """What the guard is to answer; 0: it lets pass."""
    if route.access is Access.PUBLIC:
        return 0
    if who == STRANGER:
        return 401
    if route.access is Access.SESSION:
        return 0
    return 403 if who == MUST_CHANGE or not holds(who, route.access) else 0


async def headers_of(site: Site, who: str) -> dict[str, str]:
    if who == STRANGER:
        return {}
    role = "admin" if who == MUST_CHANGE else who
    user = await site.users.add("somebody", "-", role=role, must_change=who == MUST_CHANGE)
    token, session = await site.sessions.open(user.id, now=site.time, lifetime_s=timedelta(hours=1).total_seconds())
    return {"Cookie": f"drumtower={token}", "X-CSRF-Token": session.csrf}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("route", ROUTES, ids=name)
async def test_matrix(everything, site, who, route):
    headers = await headers_of(site, who)
    answer = await everything.request(route.method, address(route), json={}, headers=headers)
    code = (await answer.json()).get("code") if answer.content_type == "application/problem+json" else ""
    answer.close()
    expected = verdict(who, route)
    assert (answer.status if answer.status in (401, 403) else 0) == expected, code
    assert (code == "password-change-required") is (who == MUST_CHANGE and expected == 403)


@pytest.mark.parametrize("route", [r for r in ROUTES if r.changes and r.access is not Access.PUBLIC], ids=name)
async def test_csrf_token_is_needed_everywhere(everything, site, route):
    headers = await headers_of(site, "admin")
    for token in ("", "0" * 32, "é"):
        answer = await everything.request(
            route.method, address(route), json={}, headers={**headers, "X-CSRF-Token": token}
        )
        assert (answer.status, (await answer.json())["code"]) == (403, "cross-site")


async def test_who_is_host_of_one_room_is_so_there_alone(everything, site, monkeypatch):
    def of(session, source):
        return Principal(1, "Wang", frozenset(), session.id, "password", source, grants=frozenset({grant}))

    grant = Grant(Role.HOST, room="1001")
    monkeypatch.setattr(Principal, "of", of)
    headers = await headers_of(site, "reviewer")
    for path, status in (("rooms/1001", 404), ("rooms/1002", 403), ("rooms", 403), ("conferences/1001/calls", 404)):
        assert (await everything.get(f"/api/v1/{path}", headers=headers)).status == status, path
