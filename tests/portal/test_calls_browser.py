"""A real browser on the live page: invite a terminal, see it ring, give it up, read why another did not come."""

import asyncio
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from portal.app import create_app
from signaling.placed import DialRefused, Outcome
from tests.portal.fakes import Site
from tests.portal.test_browser import page, sign_in  # noqa: F401 - a fixture
from tests.portal.test_calls import Telephone, telephone  # noqa: F401 - a fixture

pytestmark = [pytest.mark.interop, pytest.mark.shares]


async def test_invited_ringing_given_up_and_busy(page: Page, site: Site, telephone: Telephone, tmp_path: Path) -> None:  # noqa: F811
    await site.add_user()
    await site.add_room()
    async with TestServer(create_app(site.services)) as server:
        await sign_in(page, server)
        await page.get_by_role("link", name="Cardiology").first.click()
        await page.locator("#invite").click()
        await page.get_by_label("Terminal, number or address").fill("forbidden")
        await page.get_by_role("button", name="Call", exact=True).click()
        await expect(page.get_by_role("alert")).to_have_text("Not allowed")
        await page.get_by_label("Terminal, number or address").fill("ward-3")
        await page.get_by_label("Takes part as").select_option("host")
        await page.screenshot(path=tmp_path / "invite.png")
        await page.get_by_role("button", name="Call", exact=True).click()
        await expect(page.locator("dialog")).to_have_count(0)
        list_ = page.get_by_role("region", name="Being called")
        await expect(list_).to_contain_text("Calling…")
        telephone.attempts[0].rings()
        await expect(list_).to_contain_text("Ringing…")
        await page.screenshot(path=tmp_path / "ringing.png")
        await page.get_by_role("button", name="Cancel: ward-3").click()
        await expect(list_).to_have_count(0)
        assert telephone.attempts[0].admission.role == "host"

        telephone.outcome = asyncio.get_running_loop().create_future()
        await site.services.dialer.dial("1001", "ward-3", "admin")
        telephone.outcome.set_exception(DialRefused(Outcome.BUSY))
        await expect(list_).to_contain_text("Busy")
        await page.get_by_role("button", name="中文").click()
        await expect(page.get_by_role("region", name="正在呼叫")).to_contain_text("对方忙")
        assert await page.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")
        await page.get_by_role("button", name="关闭: ward-3").click()
        await expect(page.get_by_text("对方忙")).to_have_count(0)
