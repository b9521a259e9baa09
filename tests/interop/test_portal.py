"""A browser drives the whole console against the real server, while people meet in the room that it made."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.interop import oracles
from tests.interop.browser import Visitor
from tests.interop.hall import Hall, hall
from tests.interop.media import BLUE, GREEN, RED
from tests.interop.server import ADMIN_PASSWORD, BASE
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOM, NAME = "2001", "卒中会诊 Stroke unit"
# It has drawn itself anew at another size.
_PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    async with hall(tmp_path_factory.mktemp("portal"), {"1001": {"name": "Ward round", "record": "always"}}) as made:
        yield made


@dataclass
class Console:
    """A signed-in page; what went wrong in it is kept."""

    page: Page
    language: str
    failures: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, site: Hall, language: str) -> Console:
        """In a browser that is used for meetings too, with cookies of its own."""
        context = await (await site.browser(RED)).new_context(
            ignore_https_errors=True, locale=language, viewport=DESKTOP
        )
        made = cls(await context.new_page(), language)
        made.page.on("pageerror", lambda error: made.failures.append(str(error)))
        made.page.on("request", lambda request: made.failures.append(request.url) if BASE not in request.url else None)
        await made.page.goto(f"{BASE}/")
        return made

    async def sign_in(self, password: str = ADMIN_PASSWORD) -> None:
        await self.page.locator("input[name=name]").fill("admin")
        await self.page.locator("input[name=password]").fill(password)
        await self.page.keyboard.press("Enter")

    async def shoot(self, artifacts: Path, what: str) -> None:
        """Screenshots at the size of a desk and of a phone; nothing may stick out."""
        for name, size in (("phone", PHONE), ("desk", DESKTOP)):
            await self.page.set_viewport_size(size)
            await self.page.evaluate(_PAINTED)
            wide = await self.page.evaluate("() => document.documentElement.scrollWidth")
            await self.page.screenshot(
                path=str(artifacts / f"portal-{what}-{name}-{self.language}.png"), full_page=name == "phone"
            )
            assert wide <= size["width"], f"{what} is {wide} wide on a {name}"


async def test_the_console_from_the_sign_in_to_the_review(site: Hall, needs, artifacts: Path):
    needs("chromium")
    console, other = await Console.open(site, "en"), await Console.open(site, "zh-CN")
    await console.sign_in("wrong password")
    await expect(console.page.get_by_text("User name or password is wrong.")).to_be_visible()
    await console.shoot(artifacts, "sign-in")
    await console.sign_in()
    await other.sign_in()
    guest_passcode, host_passcode = await a_room_is_made(console, artifacts)
    await console.page.get_by_role("link", name=NAME).click()
    await expect(console.page.get_by_text("Nobody is in this room")).to_be_visible()
    async with (
        site.visitors(ROOM, GREEN, passcode=host_passcode) as (green,),
        site.visitors(ROOM, BLUE, passcode=guest_passcode) as (blue,),
    ):
        await until("both are seen", lambda: sees(green, "green", "blue"))
        await the_roster_tells_who_is_in(console)
        await a_mute_is_heard(console, green)
        await the_lock_keeps_others_out(console, site, guest_passcode)
        await the_layout_is_chosen(console, green)
        await it_is_recorded(console, green)
        await other.page.goto(f"{BASE}/rooms/{ROOM}")
        await other.page.locator("dt-roster tbody tr").nth(1).wait_for()
        for page in (console, other):
            await page.shoot(artifacts, "live-room")
        await asyncio.sleep(2)
        await somebody_is_removed(console, blue)
        await until("blue is gone", lambda: sees(green, "green"))
        await asyncio.sleep(3)
        await console.page.get_by_role("button", name="Stop recording").click()
        await expect(console.page.locator(".live-status .badge.bad")).to_have_count(0)
        await expect(green.page.locator(".badge.recording")).to_be_hidden()
    await expect(console.page.get_by_text("Nobody is in this room")).to_be_visible()
    for page in (console, other):
        await page.page.goto(f"{BASE}/rooms")
        await page.page.get_by_role("link", name=NAME).wait_for()
        await page.shoot(artifacts, "rooms")
        await page.page.locator('a[href="/recordings"]').click()
        await page.page.locator("a.row-link").wait_for()
        await page.shoot(artifacts, "recordings")
    await it_can_be_watched(console, artifacts)
    await other.page.locator("a.row-link").click()
    await other.page.locator("video").wait_for()
    await other.shoot(artifacts, "recording")
    assert console.failures == other.failures == []
    log = site.server.log()
    assert "Traceback" not in log, log[-4000:]
    assert guest_passcode not in log
    assert host_passcode not in log


async def a_room_is_made(console: Console, artifacts: Path) -> tuple[str, str]:
    """The passcodes are shown once; guest and host passcode."""
    page = console.page
    await page.locator("#new-room").click()
    await page.get_by_label("Number").fill(ROOM)
    await page.get_by_label("Name").fill(NAME)
    await console.shoot(artifacts, "new-room")
    await page.get_by_role("button", name="Create room").click()
    found = {}
    for kind in ("guest", "host"):
        place = page.locator(f"[data-passcode={kind}]")
        await place.wait_for()
        found[kind] = await place.inner_text()
        assert re.fullmatch(r"\d{6,10}", found[kind])
    await page.get_by_role("button", name="I have noted them").click()
    await page.reload()
    await page.get_by_role("link", name=NAME).wait_for()
    content = await page.content()
    assert not any(passcode in content for passcode in found.values())
    return found["guest"], found["host"]


async def the_roster_tells_who_is_in(console: Console) -> None:
    rows = console.page.locator("dt-roster tbody tr")
    await expect(rows).to_have_count(2)
    for number, (name, role) in enumerate((("green", "Host"), ("blue", ""))):
        row = rows.nth(number)
        await expect(row).to_contain_text(name)
        await expect(row).to_contain_text(role)
        await expect(row).to_contain_text("Browser")
        await expect(row).to_contain_text("OPUS · H264")
        await expect(row).to_contain_text("Verified")

        async def is_loud(row=row) -> object:
            style = await row.locator("dt-level *").first.evaluate("bar => bar.style.transform")
            return float(style.partition("(")[2].rstrip(")")) > 0.2 or style

        await until(f"the level of {name} moves", is_loud)

        async def has_rate(row=row) -> object:
            rate = re.search(r"(\d+) kbit/s", await row.inner_text())
            return (rate is not None and int(rate[1]) > 50) or rate

        await until(f"the rate of {name} is shown", has_rate)


async def a_mute_is_heard(console: Console, green: Visitor) -> None:
    await until("green hears blue", lambda: hears(green, "blue"))
    await console.page.get_by_role("button", name="Mute: blue").click()
    await until("blue is not heard", lambda: hears(green))
    await console.page.get_by_role("button", name="Unmute: blue").click()
    # A page opens a microphone that was closed from outside by its own button alone.
    await asyncio.sleep(0.5)
    await expect(console.page.get_by_role("button", name="Unmute: blue")).to_be_visible()
    await until("blue is still not heard", lambda: hears(green))


async def hears(visitor: Visitor, *names: str) -> object:
    heard = oracles.heard(await visitor.sound(1.0), 48_000)
    return heard == set(names) or heard


async def sees(visitor: Visitor, *names: str) -> object:
    seen = set(oracles.seen(await visitor.picture()))
    return seen == set(names) or seen


async def the_lock_keeps_others_out(console: Console, site: Hall, passcode: str) -> None:
    await console.page.get_by_role("button", name="Lock", exact=True).click()
    await expect(console.page.locator(".live-status .badge.accent")).to_have_text("Locked")
    third = await site.visitor(RED, f"/join/{ROOM}")
    await third.join("red", passcode, waits=True)
    await third.page.get_by_text("The room is locked").wait_for()
    await expect(console.page.locator(".outside-row")).to_have_count(1)
    await console.page.get_by_role("button", name="Refuse: red").click()
    assert "The host did not let you in" in await third.notice()
    await expect(console.page.locator(".outside-row")).to_have_count(0)
    await third.close()
    await console.page.get_by_role("button", name="Unlock").click()
    await expect(console.page.get_by_role("button", name="Lock", exact=True)).to_be_visible()


async def it_is_recorded(console: Console, green: Visitor) -> None:
    await console.page.get_by_role("button", name="Record", exact=True).click()
    await expect(console.page.locator(".live-status .badge.bad")).to_have_text("Recording")
    await expect(green.page.locator(".badge.recording")).to_be_visible()


async def the_layout_is_chosen(console: Console, green: Visitor) -> None:
    before = oracles.seen(await green.picture())
    assert abs(before["green"][1] - before["blue"][1]) < 0.1
    await console.page.locator(".controls select").select_option("lecture")

    async def one_is_big() -> object:
        picture = await green.picture()
        shares = [float((abs(picture.astype(int) - p.colour).max(axis=2) < 40).mean()) for p in (GREEN, BLUE)]
        return max(shares) > 0.6 or shares

    await until("one is big", one_is_big)
    await console.page.locator(".controls select").select_option("grid")
    await until("both are seen", lambda: sees(green, "green", "blue"))


async def somebody_is_removed(console: Console, blue: Visitor) -> None:
    await console.page.get_by_role("button", name="Remove: blue").click()
    await console.page.locator("dialog").get_by_role("button", name="Remove").click()
    await expect(blue.page.locator(".ended-card")).to_contain_text("The host removed you from the room.")
    await expect(console.page.locator("dt-roster tbody tr")).to_have_count(1)


async def it_can_be_watched(console: Console, artifacts: Path) -> None:
    """At the beginning green and blue are there, at the end green alone: also after jumping to and fro."""
    page = console.page
    await page.locator("a.row-link", has_text=NAME).click()
    await page.locator("video").wait_for()

    async def is_ready() -> object:
        return await page.evaluate("() => document.querySelector('video').readyState >= 1") or "no metadata"

    await until("the player knows the recording", is_ready)
    duration_s = await page.evaluate("() => document.querySelector('video').duration")
    assert duration_s > 6
    for at_s, wanted in ((2.0, {"green", "blue"}), (duration_s - 1.0, {"green"}), (3.0, {"green", "blue"})):
        assert await seen_at(page, at_s) == wanted, f"at {at_s} s"
    await page.evaluate("() => document.querySelector('video').play()")

    async def plays() -> object:
        now_s = await page.evaluate("() => document.querySelector('video').currentTime")
        return now_s > 4.0 or now_s

    await until("it plays on", plays)
    await page.evaluate("() => document.querySelector('video').pause()")
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_text("Intact: not one byte was changed")).to_be_visible()
    await console.shoot(artifacts, "recording")


async def seen_at(page: Page, at_s: float) -> set[str]:
    """Who is seen in the player at a time."""
    pixels = await page.evaluate(
        """async (at) => {
          const video = document.querySelector('video');
          await new Promise((done) => { video.onseeked = done; video.currentTime = at; });
          const canvas = document.createElement('canvas');
          canvas.width = 320; canvas.height = 180;
          const context = canvas.getContext('2d');
          context.drawImage(video, 0, 0, 320, 180);
          return Array.from(context.getImageData(0, 0, 320, 180).data);
        }""",
        at_s,
    )
    return set(oracles.seen(oracles.rgba(pixels, 320, 180)))
