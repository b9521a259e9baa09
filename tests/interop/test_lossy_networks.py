"""A browser behind bad paths, over the relay of our own: what it sees and hears, and what it asks for again."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.async_api import Playwright

from caller import voice
from caller.media import LOOP_S
from tests.interop import browser, oracles, own_caller
from tests.interop.browser import Visitor
from tests.interop.media import BLUE, RED
from tests.interop.namespace import SERVER
from tests.interop.process import cancelled
from tests.interop.relay import THERE, Relay, is_repair
from tests.interop.server import GUEST_PASSCODE, Administrator, Server
from tests.interop.waiting import until
from tests.link import Path as Way
from tests.speech import intelligibility

LOSSY = Way(loss=0.05, delay_ms=25)
FAR_DOWN = Way(loss=0.02, burst=4, delay_ms=300, rate_bps=1_000_000, queue_bytes=40_000)
FAR_UP = Way(loss=0.02, burst=4, delay_ms=300)
LOSSY_S, FAR_S = 16.0, 6.0
"""For so long it is looked at: of 800 packets of sound, 40 are lost one way."""
_MADE_UP = ("concealed", "underruns")
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


@pytest.mark.parametrize(
    ("second", "is_down", "is_up"),
    [(97, True, False), (0x80 | 99, True, False), (205, False, True), (96, False, False)],
)
def test_the_relay_knows_what_repairs_by_its_header(second: int, is_down: bool, is_up: bool) -> None:
    packet = b"\x45" + bytes(8) + b"\x11" + bytes(10) + bytes(8) + bytes((0x81, second)) + bytes(30)
    assert is_repair(packet, is_down=True) is is_down
    assert is_repair(packet, is_down=False) is is_up
    assert not is_repair(packet[:28] + b"\x16" + packet[29:], is_down=is_down), "DTLS"


@dataclass
class Far:
    """A visitor behind the relay, beside a caller who is not."""

    visitor: Visitor
    server: Server
    administrator: Administrator
    relay: Relay
    spoken: voice.Pcm
    """What the caller says, again and again."""

    async def sent_height(self) -> int:
        """Of the pictures that the visitor is sent."""
        people = (await self.administrator.conference())["participants"]
        size = next(person["sent_size"]["video"] for person in people if person["name"] == RED.name)
        return int(size.partition("x")[2])

    async def watch(self, seconds: float) -> Seen:
        """What the page shows and plays from now on for so long, and what the server hears of its tone."""
        before, heard, lost = await self._received(), await self._heard(), self.relay.down.lost
        lost_repairs = self.relay.lost_repairs
        await self.visitor.page.evaluate(_FRAMES)
        await asyncio.sleep(seconds)
        times = await self.visitor.page.evaluate("() => [...window.__shown, performance.now()]")
        after, heard_after = await self._received(), await self._heard()
        grown = {name: after[name] - before[name] for name in after}
        concealed_there = sum(heard_after[name] - heard[name] for name in _MADE_UP) / (50 * seconds)
        return Seen(
            freeze_ms=max(later - earlier for earlier, later in pairwise(times)),
            concealed=grown["concealed"] / grown["samples"],
            concealed_there=concealed_there,
            asked=grown["asked"],
            asked_for_sound=grown["asked_for_sound"],
            repeated_there=heard_after["repeated"] - heard["repeated"],
            lost_on_the_way=self.relay.down.lost - lost,
            lost_repairs=self.relay.lost_repairs - lost_repairs,
        )

    async def _received(self) -> dict[str, int]:
        rows = {row["kind"]: row for row in await self.visitor.stats() if row["type"] == "inbound-rtp"}
        sound, picture = rows["audio"], rows["video"]
        return {
            "concealed": sound["concealedSamples"], "samples": sound["totalSamplesReceived"],
            "asked": picture["nackCount"], "asked_for_sound": sound.get("nackCount", 0),
        }  # fmt: skip

    async def _heard(self) -> Counter[str]:
        """What became of the packets of all who speak, as the audio process counts."""
        pattern = r'^drumtower_events_total\{event="(\w+)",process="audio",worker="\d+"\} (\S+)$'
        found = re.findall(pattern, await self.server.metrics(), re.MULTILINE)
        return Counter({event: int(float(count)) for event, count in found})


@dataclass(frozen=True)
class Seen:
    """Of some seconds behind a bad path."""

    freeze_ms: float
    concealed: float
    """The share of sound that was made up."""
    concealed_there: float
    """The same of the visitor's tone, at the server; the other caller's sound comes whole."""
    asked: int
    """NACKs for pictures."""
    asked_for_sound: int
    repeated_there: int
    """Packets of the tone that came again."""
    lost_on_the_way: int
    """Packets of any kind that the relay lost on their way down."""
    lost_repairs: int
    """Those of them that repaired, and those that asked for it on the way up."""


@asynccontextmanager
async def far(folder: Path, playwright: Playwright, seconds: float) -> AsyncIterator[Far]:
    """Red behind the relay and blue, who talks, beside the server, in a room that both are seen to be in."""
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
        cleaning.push_async_callback(cancelled, other)
        running = await browser.launch(playwright, RED, folder, relay.wrapped(folder))
        cleaning.push_async_callback(running.close)
        visitor = await Visitor.open(running, f"https://{SERVER}:8443/join/1001")
        await visitor.join(RED.name, GUEST_PASSCODE)

        async def sees_both() -> object:
            found = oracles.seen(await visitor.picture())
            return True if found.keys() >= {RED.name, BLUE.name} else found

        await until("both in the picture", sees_both)
        yield Far(visitor, server, administrator, relay, voice.sound("voice", LOOP_S))


async def test_a_browser_sees_and_hears_over_bad_paths(tmp_path: Path, needs, playwright):
    needs("chromium")
    async with far(tmp_path, playwright, seconds=60) as there:
        await asyncio.sleep(2)
        seen = await there.watch(LOSSY_S)
        print(f"5 %: {seen}, {await there.sent_height()} lines")
        assert seen.lost_on_the_way > 0.04 * 50 * LOSSY_S
        assert seen.freeze_ms < 500
        assert seen.asked_for_sound > 0, "what is lost is asked for"
        assert seen.repeated_there > 0, "and so it is on the way up"
        assert seen.concealed < 0.01
        # A tone has no FEC: of the 5 % that is lost, what is not repeated in time is made up: 0.8 % and by chance 1.5.
        assert seen.concealed_there < 0.025
        assert await there.sent_height() == 720, "random loss is no reason for a smaller picture"

        there.relay.change(FAR_DOWN, FAR_UP)
        await asyncio.sleep(3)
        seen = await there.watch(FAR_S)
        understood = intelligibility(await there.visitor.sound(1.5), there.spoken)
        print(f"far: {seen}, {await there.sent_height()} lines, understood {understood:.2f}")
        assert seen.lost_on_the_way >= 2, "a burst, at least"
        # A round trip is 600 ms: where a repeat, or what asked for it, was lost, it takes another one.
        assert seen.freeze_ms < (1600 if seen.lost_repairs else 1000)
        assert seen.asked + seen.asked_for_sound < 10 * FAR_S
        assert understood > 0.75, "nearly every word is understood"
