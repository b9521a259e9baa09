"""Flash and beep: what belongs together at the sender stays together in the mix, in the recording, at a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from mcu.media import Kind
from tests.interop import lips, playback
from tests.interop.browser import Visitor
from tests.interop.hall import Hall, hall
from tests.interop.media import GREEN
from tests.interop.server import GUEST_PASSCODE
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOUND_EARLY_MS, SOUND_LATE_MS = -40.0, 60.0
SETTLED_S = 8.0
"""The recording is announced first, and the jitter buffers get to know the way."""
MEASURED_S = 9.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    rooms = {"1001": {"record": "always"}, "1002": {"record": "always"}}
    async with hall(tmp_path_factory.mktemp("lips"), rooms) as made:
        yield made


@asynccontextmanager
async def terminals(room: str, late: lips.Late) -> AsyncIterator[lips.Witness]:
    """One that flashes and beeps, and one that watches it, while the block runs; the witness is complete after it."""
    stop, witness = asyncio.Event(), lips.Witness()
    async with asyncio.TaskGroup() as group:
        calls = [
            group.create_task(lips.call(lips.flashing(late), lips.flasher(room, GUEST_PASSCODE), stop)),
            group.create_task(lips.call(lips.listening(witness), lips.listener(room, GUEST_PASSCODE), stop)),
        ]
        try:
            yield witness
        finally:
            stop.set()
    assert [call.result().outcome for call in calls] == ["ok", "ok"]


def check(where: str, offsets_ms: NDArray[np.float64]) -> None:
    """At least two of three: a busy machine spoils one in twenty, what is out of step spoils all."""
    print(f"{where}: {np.round(offsets_ms).astype(int).tolist()} ms")
    assert len(offsets_ms) >= MEASURED_S - 2, f"{where}: {offsets_ms}"
    is_good = (offsets_ms >= SOUND_EARLY_MS) & (offsets_ms <= SOUND_LATE_MS)
    assert is_good.mean() >= 0.66, f"{where}: {offsets_ms}"
    assert SOUND_EARLY_MS < np.median(offsets_ms) < SOUND_LATE_MS


async def test_flash_and_beep_stay_together_when_sound_is_late(site: Hall):
    async with terminals("1001", lips.Late(Kind.AUDIO, 0.12)) as witness:
        await asyncio.sleep(SETTLED_S + MEASURED_S)
    check("terminal", witness.offsets_ms()[-int(MEASURED_S) :])
    await check_recording(site, "1001")


async def test_flash_and_beep_stay_together_when_pictures_are_late(site: Hall, needs):
    needs("chromium")
    async with site.visitors("1002", GREEN) as (green,):
        await green.page.keyboard.press("m")
        await green.page.keyboard.press("v")
        async with terminals("1002", lips.Late(Kind.VIDEO, 0.15)) as witness:
            await asyncio.sleep(SETTLED_S)
            await asyncio.gather(check_browser(green), asyncio.sleep(MEASURED_S))
    check("terminal", witness.offsets_ms()[-int(MEASURED_S) :])
    await check_recording(site, "1002")


async def check_recording(site: Hall, room: str) -> None:
    async def is_complete() -> object:
        rows = (await site.administrator.call("GET", f"/recordings?room={room}"))["recordings"]
        return (len(rows) == 1 and rows[0]["state"] == "complete") or rows

    await until("the recording is complete", is_complete)
    (row,) = (await site.administrator.call("GET", f"/recordings?room={room}"))["recordings"]
    data = await playback.fetch(site.administrator, row["id"])
    check("recording", (await asyncio.to_thread(lips.offsets_of_file, data))[-int(MEASURED_S) :])


async def check_browser(visitor: Visitor) -> None:
    """By its own word: our times of what it plays and of what it shows at one moment.

    Chromium lets 30 ms pass and corrects more in small steps, so it is given more room than we take ourselves.
    """
    found = [await playout_ms(visitor) for _ in range(20)]
    offsets = np.array([video - audio for audio, video in found if audio and video])
    print(f"browser: sound late by {np.median(offsets):.0f} ms, {offsets.min():.0f} to {offsets.max():.0f}")
    assert len(offsets) > 10
    assert abs(np.median(offsets)) < 100


async def playout_ms(visitor: Visitor) -> tuple[float, float]:
    """When what is played and shown now was sent, by the sender's clock; 0 where it is not known."""
    await asyncio.sleep(0.25)
    rows = {row["kind"]: row for row in await visitor.stats() if row["type"] == "inbound-rtp"}
    audio, video = (rows.get(kind, {}).get("estimatedPlayoutTimestamp", 0) for kind in ("audio", "video"))
    return audio, video
