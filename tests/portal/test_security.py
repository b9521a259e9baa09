"""What surrounds every request: headers, origins, bodies that are too large or no JSON."""

import logging

import pytest

from portal.bodies import MAX_BODY_BYTES
from portal.errors import _TITLES, PortalError
from tests.portal.fakes import PASSWORD


async def test_pages_forbid_inline_script_and_frames(client):
    answer = await client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy and "frame-ancestors 'none'" in policy and "default-src 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "camera=(self)" in answer.headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in answer.headers
    assert "aiohttp" not in answer.headers["Server"]


@pytest.mark.parametrize(
    "path",
    ["/", "/rooms", "/rooms/1001", "/recordings/r1", "/static/style.css", "/static/js/app.js", "/api/v1/rooms", "/x"],
)
async def test_every_answer_has_the_headers(client, path):
    answer = await client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" in answer.headers
    assert len(answer.headers["X-Request-Id"]) == 16


async def test_api_answers_are_not_stored(client):
    assert (await client.get("/api/v1/rooms")).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/js/../../app.py", "/static/x.css"]
)
async def test_only_files_of_the_pages_are_served(client, path):
    answer = await client.get(path)
    assert answer.status in (400, 404)


async def test_problem_is_rfc_9457_in_the_language_of_the_request(client):
    english = await client.get("/api/v1/rooms")
    chinese = await client.get("/api/v1/rooms", headers={"Accept-Language": "fr, zh-TW;q=0.9, en;q=0.5"})
    assert english.content_type == "application/problem+json"
    body = await english.json()
    assert body | {"request_id": ""} == {
        "type": "urn:drumtower:problem:not-signed-in", "title": "Sign in first", "status": 401,
        "code": "not-signed-in", "detail": "", "request_id": "", "errors": [],
    }  # fmt: skip
    assert body["request_id"] == english.headers["X-Request-Id"]
    assert (await chinese.json())["title"] == "请先登录"


def test_every_error_has_a_title():
    def codes(kind):
        return {kind.code}.union(*(codes(child) for child in kind.__subclasses__()))

    assert codes(PortalError) == set(_TITLES)


async def test_unknown_failure_tells_nothing_and_is_logged_once(client, site, admin, caplog):
    async def broken():
        raise RuntimeError("SELECT secret FROM rooms")

    site.rooms.all = broken
    answer = await admin.call("GET", "/rooms")
    text = await answer.text()
    assert answer.status == 500
    assert "SELECT" not in text and "Traceback" not in text
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(failures) == 1
    assert answer.headers["X-Request-Id"] in failures[0].getMessage()


# ---- other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_sites_are_refused(admin, stranger, headers):
    answer = await admin.call("POST", "/rooms", {"number": "1001", "name": "A"}, headers=headers)
    assert (answer.status, (await answer.json())["code"]) == (403, "cross-site")
    body = {"name": "admin", "password": PASSWORD}
    assert (await stranger.call("POST", "/session", body, headers=headers)).status == 403
    socket = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", **headers}
    assert (await admin.call("GET", "/events", headers=socket)).status == 403


async def test_our_own_origin_is_welcome(admin):
    origin = f"http://{admin.client.host}:{admin.client.port}"
    answer = await admin.call("POST", "/rooms", {"number": "1001", "name": "A"}, headers={"Origin": origin})
    assert answer.status == 201


# ---- bodies


@pytest.mark.parametrize(
    ("data", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "bad-json"),
        (b"", "application/json", 400, "bad-json"),
        (b"\xff\xfe", "application/json", 400, "bad-json"),
        (b'{"number": "\xff"}', "application/json", 400, "bad-json"),
        (b"[" * 30_000, "application/json", 422, "invalid"),
        (b"{}", "text/plain", 415, "wrong-media-type"),
        (b"{}", "application/x-www-form-urlencoded", 415, "wrong-media-type"),
        (b"[]", "application/json", 422, "invalid"),
        (b"null", "application/json", 422, "invalid"),
        (b'"' + b"a" * MAX_BODY_BYTES + b'"', "application/json", 413, "body-too-large"),
    ],
)
async def test_bad_bodies(admin, data, content_type, status, code):
    headers = {"Content-Type": content_type}
    answer = await admin.call("POST", "/rooms", headers=headers, data=data)
    assert (answer.status, (await answer.json())["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"


async def test_body_without_a_length_is_bounded(admin):
    async def endless():
        for _ in range(100):
            yield b" " * 10_000

    answer = await admin.call("POST", "/rooms", headers={"Content-Type": "application/json"}, data=endless())
    assert answer.status == 413


async def test_refused_value_is_not_repeated(admin):
    body = {"number": "1001", "name": "A", "guest_kind": "given", "guest_passcode": {"x": "81529374"}}
    answer = await admin.call("POST", "/rooms", body)
    assert answer.status == 422
    assert "81529374" not in await answer.text()


async def test_wrong_method(admin):
    answer = await admin.call("PUT", "/rooms", {})
    assert (answer.status, (await answer.json())["code"]) == (405, "method-not-allowed")
    assert "POST" in answer.headers["Allow"]
