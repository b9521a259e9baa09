"""Chromium with a camera and a microphone of its own, looking at the join page as a person would."""

from __future__ import annotations

import asyncio
import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import Browser, Page, Playwright

from tests.interop import media
from tests.interop.media import Person

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns", "--auto-select-desktop-capture-source=Entire screen",
]  # fmt: skip

# Finds the element that plays the mix, also inside web components.
_FIND = """
const find = (root) => {
  for (const element of root.querySelectorAll('*')) {
    if (element.tagName === 'VIDEO' && element.srcObject && !element.muted && element.srcObject.getVideoTracks().length)
      return element;
    if (element.shadowRoot) { const inner = find(element.shadowRoot); if (inner) return inner; }
  }
  return null;
};
"""
_SOUND = (
    "async (seconds) => {"
    + _FIND
    + """
  const streams = [];
  const collect = (root) => { for (const e of root.querySelectorAll('*')) {
    if ((e.tagName === 'VIDEO' || e.tagName === 'AUDIO') && e.srcObject && !e.muted
        && e.srcObject.getAudioTracks().length) streams.push(e.srcObject);
    if (e.shadowRoot) collect(e.shadowRoot); } };
  collect(document);
  if (!streams.length) return [];
  const context = new AudioContext({sampleRate: 48000});
  await context.resume();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  context.createMediaStreamSource(streams[0]).connect(analyser);
  const samples = [], block = new Float32Array(2048);
  const until = performance.now() + seconds * 1000;
  const recorder = context.createScriptProcessor(4096, 1, 1);
  recorder.onaudioprocess = (e) => samples.push(...e.inputBuffer.getChannelData(0));
  context.createMediaStreamSource(streams[0]).connect(recorder);
  recorder.connect(context.destination);
  while (performance.now() < until) await new Promise((r) => setTimeout(r, 50));
  recorder.disconnect(); await context.close();
  return samples.map((v) => Math.round(v * 32767));
}"""
)
_STATS = """async () => {
  const rows = [];
  for (const pc of window.__connections ?? []) (await pc.getStats()).forEach((r) => {
    if (r.type === 'inbound-rtp' || r.type === 'outbound-rtp') rows.push(JSON.parse(JSON.stringify(r))); });
  return rows;
}"""
# Keeps hold of every peer connection that the page makes, so that getStats can be asked.
_SPY = """
window.__connections = [];
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...args) { super(...args); window.__connections.push(this); }
};
"""


async def launch(playwright: Playwright, person: Person, folder: Path) -> Browser:
    """A browser whose camera shows the person's colour and whose microphone hears the person's tone."""
    devices = [
        f"--use-file-for-fake-video-capture={media.y4m(person, folder)}",
        f"--use-file-for-fake-audio-capture={media.wav(person, folder)}",
    ]
    return await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS + devices)


@dataclass
class Visitor:
    """One page on the join page of a server."""

    page: Page

    @classmethod
    async def open(cls, browser: Browser, address: str, **context: Any) -> Visitor:
        """A fresh page (and cookie jar) at `address`."""
        made = await browser.new_context(ignore_https_errors=True, **context)
        await made.grant_permissions(["camera", "microphone"])
        page = await made.new_page()
        await page.add_init_script(_SPY)
        await page.goto(address)
        return cls(page)

    async def join(self, name: str, passcode: str = "", *, waits: bool = False) -> None:
        """Fill in the lobby and come in; returns when the mix plays (or when the waiting room is shown)."""
        await self.page.fill("#join-name", name)
        await self.page.fill("#join-passcode", passcode)
        await self.page.click(".lobby-join")
        if waits:
            await self.page.wait_for_selector(".lobby-waiting")
            return
        await self.page.wait_for_selector("video.mix")
        async with asyncio.timeout(15):
            # wait_for_function would need eval, which the page's security policy forbids.
            while not await self.page.evaluate("() => document.querySelector('video.mix').videoWidth"):
                await asyncio.sleep(0.1)

    async def notice(self) -> str:
        """What the lobby says about a refusal."""
        return await self.page.locator(".lobby-notice .notice").inner_text(timeout=15_000)

    async def picture(self) -> NDArray[np.uint8]:
        """The mix as it is shown now, RGB, shape (height, width, 3)."""
        script = "() => {" + _FIND + "return find(document) }"
        element = (await self.page.evaluate_handle(script)).as_element()
        assert element is not None, "no element plays the mix"
        data_url = await element.evaluate(
            "v => { const c = document.createElement('canvas'); c.width = v.videoWidth; c.height = v.videoHeight;"
            " c.getContext('2d').drawImage(v, 0, 0); return c.toDataURL('image/png') }"
        )
        image = Image.open(io.BytesIO(base64.b64decode(data_url.partition(",")[2]))).convert("RGB")
        return np.asarray(image)

    async def sound(self, seconds: float = 2.0) -> NDArray[np.int16]:
        """What the page plays during `seconds`, 48 kHz."""
        return np.array(await self.page.evaluate(_SOUND, seconds), np.int16)

    async def stats(self) -> list[dict[str, Any]]:
        """The browser's own word on what it sent and received."""
        rows: list[dict[str, Any]] = await self.page.evaluate(_STATS)
        return rows

    async def close(self) -> None:
        """Close the page and its context."""
        await self.page.context.close()
