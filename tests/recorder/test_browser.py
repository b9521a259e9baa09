"""A recording in Chromium: its duration is known, and seeking by ranges shows the right picture."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import async_playwright

from recorder.library import RecordingReader
from tests.peers import needs_programs
from tests.recorder.test_library import Archive

pytestmark = [pytest.mark.interop, pytest.mark.shares]
SECONDS = 120
_PIECE_BYTES = 32_768

_LOADED = """() => new Promise(done => {
    const video = document.querySelector('video');
    const tell = () => done([video.duration, video.videoWidth, video.error && video.error.message]);
    if (video.readyState >= 1) tell();
    else { video.onloadedmetadata = tell; video.onerror = tell; }
})"""
_SEEK = """(time) => new Promise(done => {
    const video = document.querySelector('video');
    video.requestVideoFrameCallback((now, frame) => {
        const canvas = document.createElement('canvas').getContext('2d');
        canvas.drawImage(video, 0, 0);
        done([frame.mediaTime, canvas.getImageData(200, 90, 1, 1).data[0]]);
    });
    video.currentTime = time;
})"""
_PLAY = """() => new Promise(done => {
    const video = document.querySelector('video');
    video.play();
    setTimeout(() => done([video.currentTime, video.webkitAudioDecodedByteCount]), 1500);
})"""


class Server:
    """Serves one recording by byte ranges, slowly enough that a player has to ask for them."""

    def __init__(self, reader: RecordingReader) -> None:
        self.reader = reader
        self.ranges: list[int] = []

    async def page(self, _: web.Request) -> web.Response:
        return web.Response(text="<video src=/recording muted preload=metadata></video>", content_type="text/html")

    async def recording(self, request: web.Request) -> web.StreamResponse:
        wanted = re.match(r"bytes=(\d+)-", request.headers.get("Range", "bytes=0-"))
        assert wanted is not None
        start, size = int(wanted[1]), self.reader.size
        self.ranges.append(start)
        response = web.StreamResponse(status=206)
        response.content_type, response.content_length = "video/mp4", size - start
        response.headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        response.headers["Accept-Ranges"] = "bytes"
        await response.prepare(request)
        while piece := self.reader.read(start, _PIECE_BYTES):
            await response.write(piece)
            start += len(piece)
        return response


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[str, Server]]:
    archive = Archive(tmp_path)
    reader = archive.library.open(await archive.record(SECONDS))
    server = Server(reader)
    app = web.Application()
    app.add_routes([web.get("/", server.page), web.get("/recording", server.recording)])
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/", server
    await runner.cleanup()
    reader.close()


async def test_chromium_seeks_in_a_recording(served: tuple[str, Server]) -> None:
    needs_programs("chromium")
    address, server = served
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        page = await browser.new_page()
        await page.goto(address)
        assert await page.evaluate(_LOADED) == [pytest.approx(SECONDS, abs=0.1), 320, None]
        for second in (SECONDS * 3 // 4 + 1, 3, SECONDS // 2 + 2, SECONDS - 1, 50):
            time, brightness = await page.evaluate(_SEEK, second + 0.02)
            assert (time, brightness > 200) == (pytest.approx(second, abs=0.001), True)
            _, brightness = await page.evaluate(_SEEK, second + 0.5)
            assert brightness < 60
        time, sound_bytes = await page.evaluate(_PLAY)
        assert time > 51
        assert sound_bytes > 1000
        await browser.close()
    assert len(server.ranges) > 1
