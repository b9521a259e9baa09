"""What a real browser sends follows the size of its tile: layers of simulcast, or REMB where it has none."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from tests.interop import browser
from tests.interop.browser import Visitor
from tests.interop.hall import Hall, hall
from tests.interop.namespace import SERVER
from tests.interop.server import BASE, GUEST_PASSCODE
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
PHONES = 8
# Chromium's own camera, which has 1280x720.
CAMERA_FLAGS = [*browser.FLAGS, "--use-fake-device-for-media-stream=fps=25"]
# A browser that takes no layers and obeys no wish of the page: what is left is RTCP.
REMB_ALONE = """
const original = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (description) {
  const sdp = description.sdp.replace(/a=(rid:|simulcast:|extmap:[56] )[^\\r\\n]*\\r\\n/g, '');
  return original.call(this, { type: description.type, sdp });
};
RTCRtpSender.prototype.setParameters = async function () {};
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    async with hall(tmp_path_factory.mktemp("uplink"), {"1001": {}, "1002": {}}) as made:
        running = await made.playwright.chromium.launch(executable_path=browser.CHROMIUM, args=CAMERA_FLAGS)
        made.cleaning.push_async_callback(running.close)
        made.browsers["camera"] = running
        yield made
        assert "Traceback" not in made.server.log(), made.server.log()[-4000:]


async def enter(site: Hall, room: str, script: str = "") -> Visitor:
    made = await Visitor.open(site.browsers["camera"], f"{BASE}/join/{room}", locale="en", script=script)
    await made.join("camera", GUEST_PASSCODE)
    return made


@asynccontextmanager
async def phones(room: str) -> AsyncIterator[None]:
    """Eight callers who are heard but send no pictures: cards stand for them."""
    calling = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drumtower", "call", f"sip:{room}@{SERVER}", "--count", str(PHONES), "--seconds", "60",
        "--video", "none", "--audio", "pcmu", "--tone", "440", "--json",
        env=dict(os.environ, DRUMTOWER_PASSCODE=GUEST_PASSCODE), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        calling.terminate()
        await calling.wait()


async def encodings(visitor: Visitor) -> dict[str, dict[str, Any]]:
    """What the browser sends of its camera, in its own words: by rid, "" where it has no layers."""
    rows = await visitor.stats()
    return {row.get("rid", ""): row for row in rows if row["type"] == "outbound-rtp" and row.get("mid") == "video"}


async def counted(site: Hall, event: str) -> int:
    """What the processes of the worker counted."""
    found = re.findall(
        rf'^drumtower_events_total\{{event="{event}",.*\}} (\S+)$', await site.server.metrics(), re.MULTILINE
    )
    return sum(int(float(value)) for value in found)


async def received_kbps(site: Hall, room: str, name: str) -> int:
    rate: int = (await site.people(room))[name]["bitrate_kbps"]
    return rate


async def test_a_browser_sends_the_layer_that_fills_its_tile_and_none_is_decoded_that_nobody_sees(site: Hall, needs):
    needs("chromium")
    visitor = await enter(site, "1001")

    async def sends(*widths: int) -> object:
        found = {row.get("frameWidth") for row in (await encodings(visitor)).values() if row.get("framesPerSecond")}
        return found == set(widths) or found

    await until("alone, all layers up to 720p", lambda: sends(320, 640, 1280))
    await until("it is received", lambda: is_more(received_kbps(site, "1001", "camera"), 700))
    await mute(site, "1001", "camera")  # or it might be the one who lectures
    alone_kbps = await received_kbps(site, "1001", "camera")
    async with phones("1001"):
        await until("one of nine: no layer beyond its tile", lambda: sends(320, 640))
        await until("less is received", lambda: is_less(received_kbps(site, "1001", "camera"), alone_kbps * 2 // 3))
        before = await counted(site, "frames_decoded")
        await until("the layer is decoded", lambda: is_more(counted(site, "frames_decoded"), before + 25))
        await site.administrator.call("POST", "/conferences/1001/layout", {"layout": "lecture"})
        await until("a telephone is shown: the least is sent", lambda: sends(320))
        await asyncio.sleep(1.5)  # the counters of a second are told once in it
        decoded, unseen = await counted(site, "frames_decoded"), await counted(site, "video-not-shown")
        await until("it goes on sending", lambda: is_more(counted(site, "video-not-shown"), unseen + 8))
        assert await counted(site, "frames_decoded") == decoded
        await site.administrator.call("POST", "/conferences/1001/layout", {"layout": "grid"})
        took_s = await until("seen again", lambda: is_more(counted(site, "frames_decoded"), decoded), every_s=0.1)
        assert took_s < 5
    await visitor.close()


async def test_a_browser_without_layers_is_asked_for_less_and_for_more_again(site: Hall, needs):
    needs("chromium")

    async def target() -> int:
        return int(sum(row.get("targetBitrate", 0) for row in (await encodings(visitor)).values()))

    async with phones("1002"):
        await until("eight telephones", lambda: is_more(people_in(site, "1002"), PHONES - 1))
        visitor = await enter(site, "1002", REMB_ALONE)
        assert list(await encodings(visitor)) == [""]
        await until("it sends", lambda: is_more(target(), 50_000))
        await until("one of nine: asked for little", lambda: is_less(target(), 520_000))
        for _ in range(8):
            await asyncio.sleep(0.2)
            assert await target() < 520_000
    await until("alone: asked for a large picture", lambda: is_more(target(), 700_000))
    await visitor.close()


async def people_in(site: Hall, room: str) -> int:
    running = await site.administrator.call("GET", "/conferences")
    return sum(len(each["participants"]) for each in running["conferences"] if each["number"] == room)


async def mute(site: Hall, room: str, name: str) -> None:
    number = (await site.people(room))[name]["id"]
    path = f"/conferences/{room}/participants/{number}/mute"
    await site.administrator.call("POST", path, {"is_muted": True})


async def is_more(found: Awaitable[int], least: int) -> object:
    value = await found
    return value > least or value


async def is_less(found: Awaitable[int], most: int) -> object:
    value = await found
    return value < most or value
