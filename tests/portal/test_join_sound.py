"""What the join page says and does about lost sound: its modules by themselves, in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, async_playwright

import portal
from tests.peers import needs_programs

pytestmark = [pytest.mark.interop, pytest.mark.shares]
_WEB = Path(portal.__file__).with_name("web")
ANSWER = (
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 110\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
    "a=rtpmap:110 telephone-event/48000\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
)
_SAY = "async (sdp) => (await import('/join/feedback.js')).withRepeats(sdp)"
# One second after the other: packets that came, packets that were asked for, and the round trip in seconds.
_WAIT = """async (seconds) => {
  const patience = new (await import('/join/patience.js')).Patience();
  let packetsReceived = 0, nackCount = 0;
  return seconds.map(([came, asked, roundTrip]) => {
    packetsReceived += came;
    nackCount += asked;
    return patience.read(new Map([
      ['sound', {type: 'inbound-rtp', packetsReceived, packetsLost: 0, nackCount}],
      ['pair', {type: 'candidate-pair', nominated: true, currentRoundTripTime: roundTrip}],
    ]));
  });
}"""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    needs_programs("chromium")
    application = web.Application()
    application.router.add_static("/join", _WEB / "join")
    async with TestServer(application) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(str(server.make_url("/join/feedback.js")))
        yield page
        await browser.close()


async def test_an_answer_says_once_that_sound_is_repeated(page: Page) -> None:
    said = await page.evaluate(_SAY, ANSWER)
    assert said == ANSWER.replace("opus/48000/2\r\n", "opus/48000/2\r\na=rtcp-fb:111 nack\r\n")
    assert await page.evaluate(_SAY, said) == said
    for_all = ANSWER.replace("111 transport-cc", "* nack")
    assert await page.evaluate(_SAY, for_all) == for_all
    assert await page.evaluate(_SAY, "v=0\r\n") == "v=0\r\n"


async def test_sound_waits_while_packets_get_lost_and_their_repeats_can_come_in_time(page: Page) -> None:
    clean, lossy, far = [50, 0, 0.051], [50, 3, 0.051], [50, 3, 0.6]
    waits = await page.evaluate(_WAIT, [clean] * 5 + [lossy] * 15 + [clean] * 25)
    assert waits[:5] == [None] * 5
    assert waits[10:20] == [120] * 10
    assert waits[-1] is None
    assert await page.evaluate(_WAIT, [far] * 20) == [None] * 20
    assert await page.evaluate(_WAIT, [[50, 1 if second % 8 == 0 else 0, 0.05] for second in range(40)]) == [None] * 40
