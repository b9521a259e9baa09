"""Chromium with a camera and a microphone of its own, looking at the join page as a person would."""

from __future__ import annotations

import asyncio
import base64
import io
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
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
# Keeps hold of every peer connection and WebSocket that the page makes, so that they can be asked and used.
_SPY = """
window.__connections = [];
window.__sockets = [];
const OriginalSocket = window.WebSocket;
window.WebSocket = class extends OriginalSocket {
  constructor(...args) { super(...args); window.__sockets.push(this); }
};
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...args) { super(...args); window.__connections.push(this); }
};
"""


_LOOKS_EVERY_S = 0.04
_PAUSE_S = 0.2
"""Looks that are further apart were not the picture's fault."""

# Looks at a strip of the mix 25 times a second and records what is heard, from now on until _UNWATCH.
_WATCH = (
    "async ([left, top, width, height]) => {"
    + _FIND
    + """
  const canvas = document.createElement('canvas');
  canvas.width = 320; canvas.height = 180;
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const box = [left * 320, top * 180, width * 320, height * 180].map(Math.round);
  const watch = window.__watch = {looks: [], chunks: []};
  watch.timer = setInterval(() => {
    const video = find(document);
    if (!video?.videoWidth) { watch.looks.push([Date.now(), 0, 0, 0, '']); return; }
    context.drawImage(video, 0, 0, 320, 180);
    const pixels = context.getImageData(...box).data;
    const middle = 4 * (box[2] * (box[3] >> 1) + (box[2] >> 1));
    let strip = '';
    for (let x = 0; x < box[2]; x += 4) strip += pixels[4 * (box[2] * (box[3] - 3) + x)] > 235 ? '#' : '.';
    watch.looks.push([Date.now(), ...pixels.slice(middle, middle + 3), strip]);
  }, 40);
  const [sound] = find(document).srcObject.getAudioTracks();
  watch.recorder = new MediaRecorder(new MediaStream([sound]), {mimeType: 'audio/webm;codecs=opus'});
  watch.recorder.ondataavailable = ({data}) => watch.chunks.push(data);
  await new Promise((done) => { watch.recorder.onstart = done; watch.recorder.start(250); });
  watch.started = Date.now();
}"""
)
_UNWATCH = """async () => {
  const watch = window.__watch;
  clearInterval(watch.timer);
  await new Promise((done) => { watch.recorder.onstop = done; watch.recorder.stop(); });
  const bytes = new Uint8Array(await new Blob(watch.chunks).arrayBuffer());
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return {looks: watch.looks, started: watch.started, sound: btoa(text)};
}"""


async def launch(playwright: Playwright, person: Person, folder: Path, program: str = CHROMIUM) -> Browser:
    """A browser whose camera shows the person's colour and whose microphone hears the person's tone."""
    devices = [
        f"--use-file-for-fake-video-capture={media.y4m(person, folder)}",
        f"--use-file-for-fake-audio-capture={media.wav(person, folder)}",
    ]
    return await playwright.chromium.launch(executable_path=program, args=FLAGS + devices)


@dataclass(frozen=True)
class Look:
    """What a place of the mix looked like: when (seconds since the epoch), the colour in its middle, its lower edge."""

    at_s: float
    colour: tuple[int, int, int]
    mark: str
    """`#` where the edge is white: the bar that moves along the lower edge of every person's picture."""

    def shows(self, person: Person) -> bool:
        """Whether the person's picture is there."""
        return bool(np.abs(np.subtract(self.colour, person.colour)).max() < 40)


@dataclass(frozen=True)
class Watched:
    """What a page showed and played for a while."""

    looks: list[Look]
    sound: NDArray[np.int16]
    """48 kHz, mono."""
    started_s: float
    """When the sound began, seconds since the epoch."""

    def moves(self, person: Person) -> list[float]:
        """The times at which the person's picture was there and the bar was somewhere else than before."""
        return [
            now.at_s
            for before, now in pairwise(self.looks)
            if now.shows(person) and "#" in now.mark and now.mark != before.mark
        ]

    def longest_freeze_s(self, person: Person, from_s: float = 0.0, to_s: float = math.inf) -> float:
        """The longest time without a move of the person's picture, less that in which the page could not look."""
        ends = (max(from_s, self.looks[0].at_s), min(to_s, self.looks[-1].at_s))
        times = [ends[0], *(at for at in self.moves(person) if ends[0] < at < ends[1]), ends[1]]
        return max(after - before - self._paused_s(before, after) for before, after in pairwise(times))

    def _paused_s(self, from_s: float, to_s: float) -> float:
        """How long the page itself stood still: the machine had no time for it, whatever came."""
        steps = pairwise(look.at_s for look in self.looks)
        return sum(
            max(0.0, min(now, to_s) - max(before, from_s) - _LOOKS_EVERY_S)
            for before, now in steps
            if now - before > _PAUSE_S
        )

    def heard_between(self, from_s: float, to_s: float) -> NDArray[np.int16]:
        """The sound between two times; accurate to some 0.1 s."""
        start, end = (max(0, round((at - self.started_s) * 48_000)) for at in (from_s, to_s))
        return self.sound[start:end]


async def pids(running: Browser) -> list[int]:
    """The processes of a browser."""
    session = await running.new_browser_cdp_session()
    try:
        found = await session.send("SystemInfo.getProcessInfo")
    finally:
        await session.detach()
    return [process["id"] for process in found["processInfo"]]


@dataclass
class Visitor:
    """One page on the join page of a server."""

    page: Page

    @classmethod
    async def open(cls, browser: Browser, address: str, *, script: str = "", **context: Any) -> Visitor:
        """A fresh page (and cookie jar) at `address`; `script` runs before the page's own."""
        made = await browser.new_context(ignore_https_errors=True, **context)
        await made.grant_permissions(["camera", "microphone"])
        page = await made.new_page()
        await page.add_init_script(_SPY + script)
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
        await self._first_picture()

    async def notice(self) -> str:
        """What the lobby says about a refusal."""
        return await self.page.locator(".lobby-notice .notice").inner_text(timeout=15_000)

    async def _first_picture(self) -> None:
        """The page has one: an element is there before a picture has come."""
        async with asyncio.timeout(15):
            # wait_for_function would need eval, which the page's security policy forbids.
            while not await self.page.evaluate("() => {" + _FIND + "return find(document)?.videoWidth }"):
                await asyncio.sleep(0.1)

    async def picture(self) -> NDArray[np.uint8]:
        """The mix as it is shown now, RGB, shape (height, width, 3)."""
        await self._first_picture()
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

    async def watch(self, box: tuple[float, float, float, float] = (0.5, 0.25, 0.5, 0.5)) -> None:
        """Begin to look at a place of the mix (left, top, width, height in fractions) and to record the sound."""
        await self.page.evaluate(_WATCH, list(box))

    async def watched(self) -> Watched:
        """End watch(): what was seen and heard since."""
        found = await self.page.evaluate(_UNWATCH)
        with av.open(io.BytesIO(base64.b64decode(found["sound"]))) as container:
            resampler = av.AudioResampler("s16", "mono", 48_000)
            blocks = [out.to_ndarray()[0] for block in container.decode(audio=0) for out in resampler.resample(block)]
        looks = [Look(at / 1000, (red, green, blue), mark) for at, red, green, blue, mark in found["looks"]]
        return Watched(looks, np.concatenate(blocks), found["started"] / 1000)

    async def say(self, text: str) -> None:
        """Send a message on the page's own WebSocket, behind its back."""
        await self.page.evaluate("text => window.__sockets.at(-1).send(text)", text)

    async def close(self) -> None:
        """Close the page and its context."""
        await self.page.context.close()
