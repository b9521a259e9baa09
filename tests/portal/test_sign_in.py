"""Signing in and out: cookies, lockout, the one-time password, timeouts."""

import logging
import ssl
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer

from portal.app import create_app
from tests.portal.fakes import PASSWORD, Site


async def test_sign_in_gives_a_cookie_that_scripts_cannot_read(site, stranger):
    await site.add_user()
    answer = await stranger.sign_in()
    assert answer.status == 201
    body = await answer.json()
    assert body["user"] == {"name": "admin", "role": "admin"}
    assert "edit-rooms" in body["rights"]
    cookie = answer.cookies["drumtower"]
    assert cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/"
    assert not cookie["secure"]
    assert (await stranger.call("GET", "/session")).status == 200


async def test_cookie_over_tls_is_secure_and_host_bound(tls_context):
    site = Site()
    await site.add_user()
    server_context, client_context = tls_context
    server = TestServer(create_app(site.services), scheme="https")
    await server.start_server(ssl=server_context)
    async with TestClient(server) as client:
        answer = await client.post("/api/v1/session", json={"name": "admin", "password": PASSWORD}, ssl=client_context)
        cookie = answer.cookies["__Host-drumtower"]
        assert cookie["secure"] and cookie["httponly"] and cookie["path"] == "/" and not cookie["domain"]
        assert "max-age=" in answer.headers["Strict-Transport-Security"]


async def test_failures_look_the_same(site, stranger):
    await site.add_user()
    answers = [await stranger.sign_in("admin", "wrong"), await stranger.sign_in("nobody", PASSWORD)]
    bodies = [await answer.json() for answer in answers]
    for body in bodies:
        body.pop("request_id")
    assert [answer.status for answer in answers] == [401, 401]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "sign-in-failed"
    assert not answers[0].cookies


async def test_user_is_locked_out_even_with_the_right_password(site, stranger):
    await site.add_user()
    for _ in range(6):
        assert (await stranger.sign_in("admin", "wrong")).status == 401
    answer = await stranger.sign_in("ADMIN", PASSWORD)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert (await answer.json())["code"] == "too-many-tries"


async def test_source_is_locked_out_whatever_the_name(site, stranger):
    await site.add_user()
    for index in range(11):
        assert (await stranger.sign_in(f"name{index}", "wrong")).status == 401
    assert (await stranger.sign_in()).status == 429


async def test_right_password_forgets_the_failures(site, stranger):
    await site.add_user()
    for _ in range(3):
        for _ in range(4):
            await stranger.sign_in("admin", "wrong")
        assert (await stranger.sign_in()).status == 201


async def test_sign_out_ends_the_session(admin):
    assert (await admin.call("DELETE", "/session")).status == 204
    assert (await admin.call("GET", "/rooms")).status == 401


async def test_stolen_cookie_is_useless_after_sign_out(site, admin, client):
    cookie = next(c.value for c in client.session.cookie_jar if c.key == "drumtower")
    await admin.call("DELETE", "/session")
    answer = await admin.call("GET", "/session", headers={"Cookie": f"drumtower={cookie}"})
    assert answer.status == 401


async def test_one_time_password_opens_nothing_but_its_change(site, stranger):
    await site.add_user(must_change=True)
    answer = await stranger.sign_in()
    assert (await answer.json())["must_change"] is True
    refused = await stranger.call("GET", "/rooms")
    assert (refused.status, (await refused.json())["code"]) == (403, "password-change-required")
    changed = await stranger.call("PUT", "/session/password", {"current": PASSWORD, "new": "seven paper boats"})
    assert changed.status == 200
    stranger.csrf = (await changed.json())["csrf_token"]
    assert (await stranger.call("GET", "/rooms")).status == 200
    assert (await stranger.sign_in()).status == 401
    assert (await stranger.sign_in("admin", "seven paper boats")).status == 201


async def test_changing_the_password_ends_the_other_sessions(site, admin, client):
    other = await site.sessions.open(1, now=site.time, lifetime_s=600)
    await admin.call("PUT", "/session/password", {"current": PASSWORD, "new": "seven paper boats"})
    assert await site.sessions.find(other[0], now=site.time) is None


@pytest.mark.parametrize(
    ("current", "new", "field", "code"),
    [
        (PASSWORD, "short", "new", "weak"),
        (PASSWORD, "aaaaaaaaaaaa", "new", "weak"),
        (PASSWORD, PASSWORD, "new", "same"),
        ("wrong", "seven paper boats", "current", "wrong"),
    ],
)
async def test_bad_new_passwords(admin, current, new, field, code):
    answer = await admin.call("PUT", "/session/password", {"current": current, "new": new})
    assert answer.status == 422
    assert (await answer.json())["errors"] == [{"field": field, "code": code}]


async def test_session_ends_when_idle(site, admin):
    site.time += timedelta(minutes=20)
    assert (await admin.call("GET", "/rooms")).status == 200
    site.time += timedelta(minutes=20)
    assert (await admin.call("GET", "/rooms")).status == 200
    site.time += timedelta(minutes=31)
    assert (await admin.call("GET", "/rooms")).status == 401


async def test_ended_sessions_are_cleared_away(site, admin):
    site.time += timedelta(hours=13)
    await admin.sign_in()
    assert len(site.sessions.rows) == 1


async def test_session_ends_after_its_absolute_time(site, admin):
    for _ in range(47):
        site.time += timedelta(minutes=15)
        assert (await admin.call("GET", "/rooms")).status == 200
    site.time += timedelta(minutes=15)
    assert (await admin.call("GET", "/rooms")).status == 401


async def test_no_secret_is_logged(site, stranger, caplog):
    caplog.set_level(logging.DEBUG)
    await site.add_user()
    await stranger.sign_in("admin", "Wrong-Secret-77")
    await stranger.sign_in("typed-password-as-name", "x")
    answer = await stranger.sign_in()
    made = await (await stranger.call("POST", "/rooms", {"number": "1001", "name": "A"})).json()
    await stranger.call(
        "POST", "/rooms", {"number": "1002", "name": "B", "guest_kind": "given", "guest_passcode": "73519264"}
    )
    await stranger.call("POST", "/rooms", {"number": "x", "name": "B", "guest_passcode": "81529374"})
    text = caplog.text
    secret_texts = [
        "Wrong-Secret-77", "typed-password-as-name", PASSWORD, "73519264", "81529374", stranger.csrf,
        answer.cookies["drumtower"].value, *made["passcodes"].values(),
    ]  # fmt: skip
    assert [secret for secret in secret_texts if secret in text] == []
    assert "room=1001 created" in text


@pytest.fixture
def tls_context(tmp_path):
    """A certificate of a minute's life for 127.0.0.1."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(minutes=1)).not_valid_after(now + timedelta(minutes=5))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=path)
