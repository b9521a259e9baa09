"""Where requests come from: behind proxies, with headers that strangers wrote, over IPv4 and IPv6."""

import logging

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from config.portal import PortalSettings
from portal.app import create_app
from portal.source import Proxies, Source, find_source, host_of, numeric
from tests.portal.fakes import PASSWORD, Site

PROXY, SECOND, CLIENT = "192.0.2.8", "192.0.2.9", "203.0.113.5"
TRUSTED = ("192.0.2.8/31", "2001:db8:1::/64")
DOUBT = Source(PROXY, is_secure=False, is_proxied=True, is_doubtful=True)


def proxies(header: str = "X-Forwarded-For") -> Proxies:
    return Proxies.of(PortalSettings(trusted_proxies=TRUSTED, forwarded_header=header))


X_FORWARDED_FOR = [
    # peer, values of the header -> address
    (CLIENT, ["198.51.100.1"], CLIENT),
    ("192.0.2.10", ["198.51.100.1"], "192.0.2.10"),
    ("2001:db8:2::1", ["198.51.100.1"], "2001:db8:2::1"),
    ("", ["198.51.100.1"], ""),
    (PROXY, [], PROXY),
    (PROXY, [""], PROXY),
    (PROXY, [CLIENT], CLIENT),
    (PROXY, ["198.51.100.1, 203.0.113.5"], CLIENT),
    (PROXY, ["198.51.100.1", CLIENT], CLIENT),
    (PROXY, [f"nonsense, {CLIENT}"], CLIENT),
    (PROXY, [f"198.51.100.1, {CLIENT}, {SECOND}"], CLIENT),
    (PROXY, [f"{SECOND}, {PROXY}"], SECOND),
    (PROXY, [f"{CLIENT}:4711"], CLIENT),
    (PROXY, ["2001:db8:2::7"], "2001:db8:2::7"),
    (PROXY, ["[2001:db8:2::7]:443"], "2001:db8:2::7"),
    (PROXY, ["2001:0DB8:2::0007, 2001:db8:1::5"], "2001:db8:2::7"),
    (PROXY, ["::ffff:203.0.113.5"], CLIENT),
    ("2001:db8:1::5", [CLIENT], CLIENT),
]


@pytest.mark.parametrize(("peer", "values", "address"), X_FORWARDED_FOR)
def test_x_forwarded_for(peer, values, address):
    headers = CIMultiDict([("x-forwarded-for", value) for value in values])
    found = find_source(peer, headers, proxies())
    assert (found.address, found.is_doubtful) == (address, False)
    assert found.is_proxied is (peer in (PROXY, "2001:db8:1::5"))


FORWARDED = [
    # values of the header -> address, whether the client's connection was TLS
    (["for=203.0.113.5;proto=https"], CLIENT, True),
    (["For=203.0.113.5 ; Proto=HTTPS;by=192.0.2.8"], CLIENT, True),
    (["for=198.51.100.1;proto=https, for=203.0.113.5;proto=http"], CLIENT, False),
    (['for="[2001:db8:2::7]:4711";proto=https, for=192.0.2.9;proto=http'], "2001:db8:2::7", True),
    (['for="[2001:DB8:2::7]"'], "2001:db8:2::7", False),
    (['for="203.0.113.5:80"'], CLIENT, False),
    (['for="_mx\\"x, y;", for=203.0.113.5'], CLIENT, False),
    (["for=_hidden", "for=203.0.113.5,"], CLIENT, False),
    ([], PROXY, False),
]


@pytest.mark.parametrize(("values", "address", "is_secure"), FORWARDED)
def test_forwarded(values, address, is_secure):
    headers = CIMultiDict([("Forwarded", value) for value in values])
    assert find_source(PROXY, headers, proxies("Forwarded")) == Source(address, is_secure, is_proxied=True)


BAD = [
    ("X-Forwarded-For", "nonsense"),
    ("X-Forwarded-For", "unknown"),
    ("X-Forwarded-For", f"{CLIENT}, 192.0.2.300"),
    ("X-Forwarded-For", f"{CLIENT} 192.0.2.9"),
    ("X-Forwarded-For", f"{CLIENT}, {SECOND}, fe80::1%eth0"),
    ("X-Forwarded-For", "[203.0.113.5"),
    ("X-Forwarded-For", ","),
    ("X-Forwarded-For", ", ".join([CLIENT] * 33)),
    ("Forwarded", "for=unknown"),
    ("Forwarded", "for=_hidden"),
    ("Forwarded", "for=2001:db8:2::7"),
    ("Forwarded", "proto=https"),
    ("Forwarded", "for=203.0.113.5;for=198.51.100.1"),
    ("Forwarded", 'for="203.0.113.5'),
    ("Forwarded", "203.0.113.5"),
    ("Forwarded", "for = 203.0.113.5"),
    ("Forwarded", 'for="' + "\\" * 5000),
]


@pytest.mark.parametrize(("header", "value"), BAD)
def test_what_nobody_understands_is_the_proxys_own_and_opens_nothing(header, value):
    assert find_source(PROXY, CIMultiDict({header: value, "X-Forwarded-Proto": "https"}), proxies(header)) == DOUBT


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_the_header_that_the_proxy_does_not_write_is_not_looked_at(header):
    headers = CIMultiDict({"X-Forwarded-For": CLIENT, "Forwarded": f"for={CLIENT}"})
    other = "for=198.51.100.1" if header == "X-Forwarded-For" else "198.51.100.1"
    headers["Forwarded" if header == "X-Forwarded-For" else "X-Forwarded-For"] = other
    assert find_source(PROXY, headers, proxies(header)).address == CLIENT


@pytest.mark.parametrize(
    ("peer", "is_tls", "proto", "is_secure"),
    [
        (CLIENT, True, "", True),
        (CLIENT, False, "https", False),
        (CLIENT, True, "http", True),
        (PROXY, False, "https", True),
        (PROXY, False, "http, https", True),
        (PROXY, True, "https, http", False),
        (PROXY, True, "", False),
    ],
)
def test_whether_the_way_is_encrypted(peer, is_tls, proto, is_secure):
    headers = CIMultiDict({"X-Forwarded-Proto": proto} if proto else {})
    assert find_source(peer, headers, proxies(), is_tls=is_tls).is_secure is is_secure


def test_addresses_of_sockets():
    assert [numeric(text) for text in ("::FFFF:192.0.2.1", "fe80::1%eth0", "x", "")] == ["192.0.2.1", "fe80::1", "", ""]
    assert [host_of(name) for name in (("192.0.2.1", 5), ("::1", 5, 0, 0), "/run/socket", None, ())] == [
        "192.0.2.1", "::1", "", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {"trusted_proxies": ("localhost",)}, {"trusted_proxies": ("10.0.0.0/40",)}, {"metrics_networks": ("x",)},
        {"trusted_proxies": ("0.0.0.0/0",)}, {"trusted_proxies": ("10.0.0.1", "::/0")},
        {"forwarded_header": "X-Real-IP"},
    ],
)  # fmt: skip
def test_settings_that_are_refused(settings):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, PortalSettings, strict=False)


# ---- what follows from it


async def attempt(client, source, password="wrong", name="admin", **headers):
    body = {"name": name, "password": password}
    return await client.post("/api/v1/session", json=body, headers={"X-Forwarded-For": source, **headers})


async def lock_out(client, source):
    for index in range(11):
        assert (await attempt(client, source, name=f"name{index}")).status == 401


@pytest.fixture
async def behind(request):
    """The portal behind a proxy on this machine, or without one."""
    site = Site(trusted_proxies=getattr(request, "param", ("127.0.0.1",)))
    await site.add_user()
    async with TestClient(TestServer(create_app(site.services))) as client:
        yield client
    site.hasher.close()


async def test_behind_a_proxy_one_guesser_locks_out_nobody_else(behind, caplog):
    await lock_out(behind, "203.0.113.5")
    assert (await attempt(behind, "203.0.113.5", PASSWORD)).status == 429
    assert (await attempt(behind, "198.51.100.1, 203.0.113.5", PASSWORD)).status == 429
    caplog.set_level(logging.INFO)
    assert (await attempt(behind, "203.0.113.6", PASSWORD)).status == 201
    assert "source=203.0.113.6" in caplog.text


async def test_the_network_of_an_ipv6_client_is_one_source(behind):
    await lock_out(behind, "2001:db8:5::1")
    assert (await attempt(behind, "2001:db8:5::2", PASSWORD)).status == 429
    assert (await attempt(behind, "2001:db8:6::1", PASSWORD)).status == 201


@pytest.mark.parametrize("behind", [(), ("192.0.2.0/24",)], indirect=True)
async def test_who_is_no_proxy_cannot_name_another_source(behind):
    for index in range(11):
        assert (await attempt(behind, f"203.0.113.{index}", name=f"name{index}")).status == 401
    assert (await attempt(behind, "203.0.113.99", PASSWORD)).status == 429


async def test_metrics_are_for_who_is_behind_the_proxy_not_for_the_proxy(behind):
    for value, status in ((CLIENT, 401), ("nonsense", 401), ("127.0.0.1, 203.0.113.5", 401), ("127.0.0.1", 200)):
        assert (await behind.get("/metrics", headers={"X-Forwarded-For": value})).status == status
    assert (await behind.get("/metrics")).status == 200


async def test_the_cookie_is_for_tls_where_the_proxy_speaks_it(behind):
    origin = f"https://{behind.host}:{behind.port}"
    answer = await attempt(behind, CLIENT, PASSWORD, **{"X-Forwarded-Proto": "https", "Origin": origin})
    assert answer.status == 201
    assert answer.cookies["__Host-drumtower"]["secure"]
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    assert (await attempt(behind, CLIENT, PASSWORD, Origin=origin)).status == 403


@pytest.mark.parametrize("behind", [()], indirect=True)
async def test_without_a_proxy_no_header_makes_a_way_secure(behind):
    answer = await attempt(behind, CLIENT, PASSWORD, **{"X-Forwarded-Proto": "https"})
    assert answer.status == 201
    assert not answer.cookies["drumtower"]["secure"]
