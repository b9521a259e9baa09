"""A real browser on the page of terminals: make one, see it register, change it, delete it."""

from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect

from portal.app import create_app
from tests.portal.test_browser import page, sign_in  # noqa: F401 - a fixture
from tests.portal.test_terminals import TerminalSite, binding, endpoint, site  # noqa: F401 - a fixture

pytestmark = [pytest.mark.interop, pytest.mark.shares]


async def test_a_terminal_is_made_registers_and_is_deleted(page: Page, site: TerminalSite, tmp_path: Path) -> None:  # noqa: F811
    await site.add_user()
    async with TestServer(create_app(site.services)) as server:
        await sign_in(page, server)
        await page.get_by_role("link", name="Terminals").click()
        await expect(page.get_by_text("Make your first terminal")).to_be_visible()
        await page.locator("#new-terminal").click()
        await page.get_by_label("User name").fill("Ward 3")
        await page.get_by_label("Name", exact=True).fill("<i>Ward 3</i>")
        await page.get_by_label("Site").fill("North building")
        await page.get_by_role("button", name="Create terminal").click()
        await expect(page.get_by_text("This has characters that cannot be used.")).to_be_visible()
        await page.get_by_label("User name").fill("ward-3")
        await page.get_by_role("button", name="Create terminal").click()
        secret = await page.locator("[data-terminal=secret]").text_content()
        assert secret is not None
        assert len(secret) >= 20
        await page.screenshot(path=tmp_path / "secret.png")
        await page.get_by_role("button", name="I have noted them").click()
        await expect(page.locator("dialog")).to_have_count(0)
        row = page.get_by_role("row", name="<i>Ward 3</i>")
        await expect(row).to_contain_text("Not registered")
        assert secret not in await page.content()
        site.registrations.put(binding())
        await expect(row).to_contain_text("10.0.0.7:5070")
        await expect(row).to_contain_text("baresip <1.0>")
        site.endpoints.put(endpoint())
        await expect(row).to_contain_text("H.323 10.0.0.9:1720 7003")
        await expect(row).to_contain_text("HDX 8000 3.1")
        site.endpoints.put(endpoint("", "10.0.0.11"))
        others = page.get_by_role("region", name="H.323 terminals without a secret")
        await expect(others).to_contain_text("10.0.0.11:1720")
        await page.screenshot(path=tmp_path / "terminals.png", full_page=True)
        assert await page.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")
        await page.get_by_role("button", name="Edit: ").click()
        await page.get_by_label("Enabled").uncheck()
        await page.get_by_role("button", name="Save changes").click()
        await expect(row).to_contain_text("Disabled")
        await page.get_by_role("button", name="中文").click()
        await expect(page.get_by_role("heading", name="终端", exact=True)).to_be_visible()
        await page.screenshot(path=tmp_path / "terminals-zh.png")
        await page.get_by_role("button", name="删除: ").click()
        await page.get_by_role("button", name="删除终端").click()
        await expect(page.get_by_text("创建第一个终端")).to_be_visible()
