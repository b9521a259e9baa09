"""A browser behind bad paths, over the relay of our own: what it sees and hears, and what it asks for again."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from playwright.async_api import Playwright

from tests.interop import browser, oracles, own_caller
from tests.interop.browser import Visitor
from tests.interop.media import BLUE, RED
from tests.interop.namespace import SERVER
from tests.interop.relay import THERE, Relay
from tests.interop.server import GUEST_PASSCODE, Administrator, Server
from tests.interop.waiting import until
from tests.link import Path as Way

LOSSY = Way(loss=0.05, delay_ms=25)
FAR_DOWN = Way(loss=0.02, burst=4, delay_ms=300, rate_bps=1_000_000, queue_bytes=40_000)
FAR_UP = Way(loss=0.02, burst=4, delay_ms=300)
LOSSY_S, FAR_S = 8.0, 6.0
_FRAMES = """() => {
  const video = document.querySelector('video.mix');
  const times = window.__shown = [performance.now()];
  const look = (now) => { times.push(now); video.requestVideoFrameCallback(look); };
  video.requestVideoFrameCallback(look);
}"""
_ECHO = f"""
import socket
port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
port.bind(("{THERE}", 7777))
print("ready", flush=True)
while True:
    data, source = port.recvfrom(2000)
    port.sendto(data[:8], source)
"""


def test_the_relay_loses_and_delays_what_it_is_told_to() -> None:
    relay = Relay(Way(loss=0.1, delay_ms=30), Way(delay_ms=30))
    echo = subprocess.Popen([*relay.prefix, sys.executable, "-c", _ECHO], stdout=subprocess.PIPE)
    try:
        assert echo.stdout is not None
        echo.stdout.readline()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
            here.bind((SERVER, 0))
            here.settimeout(1)
            sent_s = time.monotonic()
            for number in range(100):
                here.sendto(number.to_bytes(8, "big"), (THERE, 7777))
            here.recv(100)
            assert time.monotonic() - sent_s >= 0.06
            count = 1
            with suppress(TimeoutError):
                while here.recv(100):
                    count += 1
        assert count == relay.down.passed == 100 - relay.down.lost
        assert 0 < relay.down.lost < 30
    finally:
        echo.kill()
        echo.communicate()
        relay.close()


@dataclass
class Far:
    """A visitor behind the relay, beside a caller who is not."""

    visitor: Visitor
    administrator: Administrator
    relay: Relay

    async def sent_height(self) -> int:
        """Of the pictures that the visitor is sent."""
        people = (await self.administrator.conference())["participants"]
        size = next(person["sent_size"]["video"] for person in people if person["name"] == RED.name)
        return int(size.partition("x")[2])

    async def watch(self, seconds: float) -> Seen:
        """What the page shows and plays from now on for so long."""
        before = await self._received()
        await self.visitor.page.evaluate(_FRAMES)
        await asyncio.sleep(seconds)
        times = await self.visitor.page.evaluate("() => [...window.__shown, performance.now()]")
        after = await self._received()
        grown = {name: after[name] - before[name] for name in after}
        freeze_ms = max(later - earlier for earlier, later in pairwise(times))
        return Seen(freeze_ms, grown["concealed"] / grown["samples"], grown["asked"], grown["lost"] / grown["packets"])

    async def _received(self) -> dict[str, int]:
        rows = {row["kind"]: row for row in await self.visitor.stats() if row["type"] == "inbound-rtp"}
        sound, picture = rows["audio"], rows["video"]
        return {
            "concealed": sound["concealedSamples"], "samples": sound["totalSamplesReceived"],
            "asked": picture["nackCount"], "lost": sound["packetsLost"],
            "packets": sound["packetsReceived"] + sound["packetsLost"],
        }  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """Of some seconds behind a bad path."""

    freeze_ms: float
    concealed: float
    """The share of sound that was made up."""
    asked: int
    """NACKs for pictures."""
    lost: float
    """The share of packets of sound."""


@asynccontextmanager
async def far(folder: Path, playwright: Playwright, seconds: float) -> AsyncIterator[Far]:
    """Red behind the relay and blue beside the server, in a room that both are seen to be in."""
    async with AsyncExitStack() as cleaning:
        server = await Server(folder / "server").start({"1001": {}})
        cleaning.push_async_callback(server.stop)
        administrator = await server.administrator()
        cleaning.push_async_callback(administrator.close)
        relay = Relay(LOSSY, LOSSY)
        cleaning.callback(relay.close)
        other = asyncio.create_task(
            own_caller.call(BLUE, folder, "--tone", "voice", passcode=GUEST_PASSCODE, seconds=seconds)
        )
        cleaning.callback(other.cancel)
        running = await browser.launch(playwright, RED, folder, relay.wrapped(folder))
        cleaning.push_async_callback(running.close)
        visitor = await Visitor.open(running, f"https://{SERVER}:8443/join/1001")
        await visitor.join(RED.name, GUEST_PASSCODE)

        async def sees_both() -> object:
            found = oracles.seen(await visitor.picture())
            return True if found.keys() >= {RED.name, BLUE.name} else found

        await until("both in the picture", sees_both)
        yield Far(visitor, administrator, relay)


async def test_a_browser_sees_and_hears_over_bad_paths(tmp_path: Path, needs, playwright):
    needs("chromium")
    async with far(tmp_path, playwright, seconds=60) as there:
        await asyncio.sleep(3)
        seen = await there.watch(LOSSY_S)
        print(f"5 %: {seen}, {await there.sent_height()} lines")
        assert seen.lost > 0.02
        assert seen.freeze_ms < 500
        # In-band FEC mends one packet in a row, and only where somebody speaks.
        assert seen.concealed < 0.5 * seen.lost
        assert await there.sent_height() == 720

        there.relay.change(FAR_DOWN, FAR_UP)
        await asyncio.sleep(4)
        seen = await there.watch(FAR_S)
        sound = await there.visitor.sound(2.0)
        print(f"far: {seen}, {await there.sent_height()} lines, loudest {np.abs(sound).max()}")
        assert seen.freeze_ms < 3000
        assert seen.asked < 15 * FAR_S
        assert seen.concealed < 0.1
        assert np.abs(sound).max() > 1000
