"""The join page in a real browser, beyond the meeting itself: a shared screen, a lost network, a lost process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from tests.interop import oracles
from tests.interop.browser import Visitor
from tests.interop.hall import Hall, hall
from tests.interop.media import GREEN, RED
from tests.interop.server import HOST_PASSCODE, HTTP_PORT, WEBRTC_PORT
from tests.interop.waiting import until
from tests.peers import needs_programs

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOMS = ("1001", "1002", "1003", "1004", "1005")


@dataclass
class Meeting:
    """One room with a host (red) and a guest (green)."""

    site: Hall
    room: str
    host: Visitor
    guest: Visitor

    async def people(self) -> dict[str, dict[str, Any]]:
        return await self.site.people(self.room)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    needs_programs("chromium", "nft")
    async with hall(tmp_path_factory.mktemp("join"), {room: {} for room in ROOMS}) as made:
        yield made
        assert "Traceback" not in made.server.log(), made.server.log()[-4000:]


@pytest.fixture(scope="module")
def free_rooms() -> Iterator[str]:
    return iter(ROOMS)


@pytest_asyncio.fixture(loop_scope="module")
async def meeting(site: Hall, free_rooms: Iterator[str]) -> AsyncIterator[Meeting]:
    room = next(free_rooms)
    async with (
        site.visitors(room, RED, passcode=HOST_PASSCODE) as (host,),
        site.visitors(room, GREEN) as (guest,),
    ):
        yield Meeting(site, room, host, guest)


@contextmanager
def nothing_passes():
    """Like a cable that is pulled: media is dropped, the WebSockets too."""
    rules = f"""table inet outage {{
    chain output {{
        type filter hook output priority 0;
        udp sport {WEBRTC_PORT} drop; udp dport {WEBRTC_PORT} drop;
        tcp dport {HTTP_PORT} reject with tcp reset;
    }}
    }}"""
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "outage"], check=True)


async def test_a_shared_screen_is_the_big_tile_and_leaves_no_trace(meeting: Meeting, artifacts: Path):
    page = meeting.guest.page
    await page.mouse.move(300, 300)
    await page.click('[aria-label="Share screen"]')

    async def is_shared() -> object:
        return (await meeting.people())["green"]["is_sharing"] or await meeting.people()

    await until("green shares", is_shared)
    sent = {row["mid"]: row for row in await meeting.guest.stats() if row["type"] == "outbound-rtp"}
    assert sent["content"]["packetsSent"] > 0

    async def is_big() -> object:
        seen = oracles.seen(await meeting.host.picture())
        return ("red" in seen and seen["red"][0] > 0.6) or seen

    await until("the people are at the side of the screen", is_big)
    await meeting.host.page.screenshot(path=str(artifacts / "join-share.png"))
    await page.mouse.move(320, 300)
    await page.click('[aria-label="Stop sharing"]')

    async def is_over() -> object:
        people = await meeting.people()
        seen = oracles.seen(await meeting.host.picture())
        are_side_by_side = set(seen) == {"red", "green"} and seen["red"][0] < 0.5 < seen["green"][0]
        return (not people["green"]["is_sharing"] and are_side_by_side) or (people, seen)

    await until("the screen is gone", is_over)
    Image.fromarray(await meeting.host.picture()).save(artifacts / "join-unshare.png")


async def test_the_seat_is_kept_through_a_lost_network(meeting: Meeting):
    before = (await meeting.people())["green"]["id"]
    banner = meeting.guest.page.locator(".banner")
    with nothing_passes():
        await banner.wait_for(state="visible", timeout=15_000)
        await asyncio.sleep(6)
    await banner.wait_for(state="hidden", timeout=20_000)
    people = await meeting.people()
    assert set(people) == {"red", "green"}
    assert people["green"]["id"] == before

    async def is_seen() -> object:
        seen = oracles.seen(await meeting.guest.picture())
        return set(seen) == {"red", "green"} or seen

    await until("everybody is seen again", is_seen)
    frames = await received_frames(meeting.guest)

    async def flows() -> object:
        more = await received_frames(meeting.guest) - frames
        return more > 20 or more

    await until("pictures flow", flows, 5)
    assert await meeting.guest.page.evaluate("() => window.__connections.length") == 1


async def test_the_page_comes_in_again_when_the_net_process_dies(meeting: Meeting):
    os.kill(meeting.site.server.children()["net"], signal.SIGKILL)
    await meeting.guest.page.locator(".banner").wait_for(state="visible", timeout=10_000)
    await meeting.guest.page.locator(".banner").wait_for(state="hidden", timeout=20_000)

    async def are_back() -> object:
        people = await meeting.people()
        if not await meeting.guest.page.evaluate("() => document.querySelector('video.mix').videoWidth"):
            return "no picture yet"
        seen = oracles.seen(await meeting.guest.picture())
        return (set(people) == set(seen) == {"red", "green"}) or (set(people), seen)

    await until("both are back without a touch", are_back, 20)


async def test_a_camera_that_is_off_is_a_card(meeting: Meeting):
    await meeting.guest.page.keyboard.press("v")

    async def is_card() -> object:
        seen = oracles.seen(await meeting.host.picture())
        return set(seen) == {"red"} or seen

    await until("green is a card", is_card)
    await meeting.guest.page.keyboard.press("v")

    async def is_back() -> object:
        seen = oracles.seen(await meeting.host.picture())
        return set(seen) == {"red", "green"} or seen

    await until("green is seen again", is_back)


async def test_the_host_mutes_and_removes(meeting: Meeting):
    host, guest = meeting.host.page, meeting.guest.page
    await host.mouse.move(300, 300)
    await host.click(".stage-top .chip[aria-expanded]")
    await host.hover(".person:nth-child(2)")
    await host.click('[aria-label="Mute green"]')
    await guest.locator(".toast", has_text="The host muted you.").wait_for(timeout=5_000)

    async def is_silent() -> object:
        heard = oracles.heard(await meeting.host.sound(1.0), 48_000)
        return "green" not in heard or heard

    await until("green is not heard", is_silent)
    await host.hover(".person:nth-child(2)")
    await host.click('[aria-label="Remove green"]')
    await host.click("dialog .danger")
    assert "removed you" in await guest.locator(".ended-card").inner_text(timeout=5_000)
    assert set(await meeting.people()) == {"red"}


async def received_frames(visitor: Visitor) -> int:
    return sum(row.get("framesDecoded", 0) for row in await visitor.stats() if row["type"] == "inbound-rtp")
