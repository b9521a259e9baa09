"""A real browser on the page of the network: ports, sessions, servers; live, in two languages, and wide as it needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, async_playwright, expect

from auth8021x.pae.grant import By
from auth8021x.ports.status import PortStatus, ServerStatus, Standing, TerminalStatus
from portal.app import create_app
from tests.peers import needs_programs
from tests.portal.fakes import Site
from tests.portal.test_browser import FLAGS, page, sign_in  # noqa: F401 - a fixture
from tests.portal.test_network import (  # noqa: F401 - fixtures
    AT,
    OUT,
    PORTS,
    RIGHT,
    SESSION,
    WRONG,
    FakeNetwork,
    FakePorts,
    FakeRadius,
    network,
    ports,
    radius,
    site,
)

pytestmark = [pytest.mark.interop, pytest.mark.shares]
GUEST = TerminalStatus(b"\2\0\0\0\0\x09", Standing.IN, "guest", "guest", By.GUEST, "99")
SILENT = TerminalStatus(b"\2\0\0\0\0\x0a", Standing.SILENT, "no-eap")
KEPT_OUT = TerminalStatus(b"\2\0\0\0\0\x0b", Standing.KEPT_OUT, "unknown-vlan", "<i>cart</i>", By.EAP, "77")
ASKED = TerminalStatus(b"\2\0\0\0\0\x0c", Standing.ASKED, "a-word-of-tomorrow")
BUSY = (*PORTS, PortStatus("enp5s0", 3, "north", "br0", True, (GUEST, SILENT, KEPT_OUT, ASKED)))


async def test_ports_and_servers_are_shown_live(
    page: Page, site: Site, network: FakeNetwork, ports: FakePorts, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    await site.add_user()
    async with TestServer(create_app(site.services)) as server:
        await sign_in(page, server)
        await page.get_by_role("link", name="Network").click()
        own = page.get_by_role("region", name="Our own ports")
        await expect(own.get_by_role("row", name="enp3s0 north · No. 1 Line up")).to_contain_text("Signed in by 802.1X")
        await expect(own.get_by_role("row", name="or2")).to_contain_text("The RADIUS server refused it")
        await expect(own.get_by_role("row", name="enp4s0")).to_contain_text("Nothing is plugged in")
        servers = page.get_by_role("region", name="RADIUS servers")
        await expect(servers.get_by_role("row", name="second")).to_contain_text("Does not answer")
        await expect(servers.get_by_role("row", name="second")).to_contain_text("12 answers believed without it so far")
        await expect(page.get_by_role("status").filter(has_text="BlastRADIUS")).to_contain_text("second, ward")
        await expect(page.get_by_role("region", name="Sessions")).to_contain_text("02:00:5e:00:53:01")
        ports.ports = BUSY
        ports.known = tuple(replace(each, is_up=True) for each in ports.known)
        ports.known = tuple(replace(each, is_excused=False) for each in ports.known)
        network.observers[0]()  # nobody waits for the page to ask again
        await expect(own.get_by_role("row", name="<i>cart</i>")).to_contain_text(
            "Its VLAN is not in the settings", timeout=3000
        )
        await expect(own).to_contain_text("a-word-of-tomorrow")
        await expect(page.get_by_role("status").filter(has_text="BlastRADIUS")).to_contain_text("Authenticator: ward")
        await expect(servers).not_to_contain_text("Does not answer")
        await page.screenshot(path=tmp_path / "network.png", full_page=True)
        assert await page.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")
        await own.get_by_role("button", name="Disconnect: vt?1").click()
        await page.locator("dialog").get_by_role("button", name="Disconnect").click()
        await expect(own.get_by_role("row", name="vt?1")).to_have_count(0)
        assert OUT.mac in {each.mac for each in ports.ports[0].terminals}
        await page.get_by_role("button", name="中文").click()
        await expect(page.get_by_role("region", name="本机端口")).to_contain_text("RADIUS 服务器拒绝")
        await page.screenshot(path=tmp_path / "network-zh.png", full_page=True)
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.screenshot(path=tmp_path / "network-phone.png", full_page=True)
        assert await page.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")


async def test_the_search_looks_at_ports_and_sessions(
    page: Page, site: Site, network: FakeNetwork, ports: FakePorts  # noqa: F811
) -> None:  # fmt: skip
    many = tuple(replace(ASKED, mac=bytes((2, 0, 0, 0, 1, last)), identity=f"bed-{last}") for last in range(12))
    ports.ports = (PortStatus("enp6s0", 1, "north", "br0", True, many[:6]), PORTS[1])
    network.live = [replace(network.live[0], mac=each.mac, identity=each.identity) for each in many[6:]]
    ports.known = (ServerStatus("main", "10.1.1.10", "udp", True),)
    await site.add_user()
    async with TestServer(create_app(site.services)) as server:
        await sign_in(page, server)
        await page.get_by_role("link", name="Network").click()
        search = page.get_by_role("searchbox")
        await search.fill("bed-11")
        await expect(page.get_by_role("region", name="Our own ports")).to_have_count(0)
        await expect(page.get_by_role("region", name="Sessions")).to_contain_text("bed-11")
        await search.fill("BED-3")
        await expect(page.get_by_role("region", name="Our own ports")).to_contain_text("bed-3")
        await expect(page.get_by_role("region", name="Sessions")).to_have_count(0)
        await search.fill("nobody")
        await expect(page.get_by_text("No device matches.")).to_be_visible()
        network.observers[0]()
        await search.press_sequentially("xy")
        assert await search.input_value() == "nobodyxy", "news take nothing from who is typing"


async def test_logins_at_our_own_server_are_shown_live(page: Page, site: Site, radius: FakeRadius) -> None:  # noqa: F811
    many = [
        replace(RIGHT, mac=f"02:00:00:00:00:{last:02x}", identity=f"bed-{last}", at=RIGHT.at - last)
        for last in range(30)
    ]
    radius.inside = many
    await site.add_user()
    async with TestServer(create_app(site.services)) as server:
        await sign_in(page, server)
        await page.get_by_role("link", name="Network").click()
        logins = page.get_by_role("region", name="Logins at our RADIUS server")
        await expect(logins.get_by_role("row", name="or2")).to_contain_text("Wrong password")
        await expect(logins.get_by_role("row", name="or2")).to_contain_text("3 times")
        await expect(logins.get_by_role("row", name="bed-29")).to_have_count(0)
        await logins.get_by_role("button", name="Show all 31").click()
        await expect(logins.get_by_role("row", name="bed-29")).to_contain_text("EAP-TLS")
        strangers = page.get_by_role("region", name="Requests that got no answer")
        await expect(strangers.get_by_role("row", name="10.9.9.9")).to_contain_text("Not named in")
        radius.out = [replace(WRONG, reason="a-word-of-tomorrow", detail="<b>why</b>")]
        radius.observers[0]()
        await expect(logins.get_by_role("row", name="or2")).to_contain_text("a-word-of-tomorrow", timeout=3000)
        await expect(logins.get_by_role("row", name="or2")).to_contain_text("<b>why</b>")
        await page.get_by_role("searchbox").fill("gi1/0/7")
        await expect(logins.get_by_role("row")).to_have_count(2)
        await page.get_by_role("button", name="中文").click()
        radius.out = radius.inside = []
        radius.observers[0]()
        empty = page.get_by_role("region", name="本机 RADIUS 服务器的认证")
        await expect(empty).to_contain_text("dot1x.eap_server.clients", timeout=3000)


ENDS = [
    ({"ends_at": AT, "is_renewable": True}, "Asked again Mar 18, 1:46"),
    ({"ends_at": AT}, "Ends Mar 18, 1:46"),
    ({"ends_at": 1.0, "is_renewable": True}, "Due since Jan 1"),
    ({}, "No time limit"),
    ({"expires_at": AT}, "No time limit told; over Mar 18, 1:46"),
]


async def test_until_when_a_session_lasts_in_the_readers_time_zone(site: Site, network: FakeNetwork) -> None:  # noqa: F811
    network.live = [
        replace(SESSION, mac=bytes((2, 0, 0, 0, 2, last)), identity=f"bed-{last}", **more)
        for last, (more, _) in enumerate(ENDS)
    ]
    await site.add_user()
    needs_programs("chromium")
    async with TestServer(create_app(site.services)) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS.split())
        reader = await browser.new_page(locale="en-GB", timezone_id="Asia/Shanghai")
        await sign_in(reader, server)
        await reader.get_by_role("link", name="Network").click()
        sessions = reader.get_by_role("region", name="Sessions")
        for last, (_, words) in enumerate(ENDS):
            await expect(sessions.get_by_role("row", name=f"bed-{last}")).to_contain_text(words)
        await browser.close()
