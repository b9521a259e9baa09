"""The main job: two browsers and two SIP terminals meet in a passcode-protected room, and it is recorded."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.interop import browser, oracles
from tests.interop.baresip import Baresip
from tests.interop.browser import Visitor
from tests.interop.media import BLUE, GREEN, RED, YELLOW, Person
from tests.interop.namespace import OTHER_TERMINAL, TERMINAL
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.server import BASE, GUEST_PASSCODE, Server

DIAL = f"sip:1001**{GUEST_PASSCODE}@{ADDRESS}"


async def until(what: str, holds: Callable[[], Awaitable[object]], timeout_s: float = 15.0) -> None:
    """Wait until `holds()` is true; the failure says what was waited for and what was there instead."""
    last: object = None
    deadline = asyncio.get_running_loop().time() + timeout_s
    while asyncio.get_running_loop().time() < deadline:
        last = await holds()
        if last is True:
            return
        await asyncio.sleep(0.3)
    raise AssertionError(f"{what}: {last}")


def others(person: Person) -> set[str]:
    return {someone.name for someone in (RED, GREEN, BLUE, YELLOW)} - {person.name}


async def test_four_of_two_kinds_see_and_hear_each_other_and_it_can_be_watched_afterwards(
    tmp_path: Path, needs, playwright, artifacts: Path
):
    needs("chromium", "baresip")
    async with AsyncExitStack() as cleaning:
        server = await Server(tmp_path / "server").start()
        cleaning.push_async_callback(server.stop)
        visitors = {}
        for person in (RED, GREEN):
            running = await browser.launch(playwright, person, tmp_path)
            cleaning.push_async_callback(running.close)
            visitors[person.name] = await Visitor.open(running, f"{BASE}/join/1001")
            await visitors[person.name].join(person.name, GUEST_PASSCODE)
        blue = await Baresip(BLUE, tmp_path / "blue", TERMINAL, 15_060, 14_461, 20_000).start()
        cleaning.push_async_callback(blue.stop)
        yellow = await Baresip(
            YELLOW, tmp_path / "yellow", OTHER_TERMINAL, 15_070, 14_462, 21_000,
            encryption="dtls_srtp", audio="G722/16000/1", video="vp8",
        ).start()  # fmt: skip
        cleaning.push_async_callback(yellow.stop)
        for terminal in (blue, yellow):
            event = await terminal.dial(DIAL)
            assert event["type"] == "CALL_ESTABLISHED", terminal.log()[-3000:]
        administrator = await server.administrator()
        cleaning.push_async_callback(administrator.close)

        await all_are_seen(visitors, artifacts)
        await the_browsers_hear(visitors)
        await the_roster_is_true(administrator)
        await administrator.call("POST", "/conferences/1001/recording")
        await asyncio.sleep(8)
        await administrator.call("DELETE", "/conferences/1001/recording")
        for terminal in (blue, yellow):
            await terminal.command("hangup")
        await until("the terminals are out of the room", lambda: count(administrator, 2))
        for terminal in (blue, yellow):
            await it_heard_the_others(terminal)
        await the_recording_shows_and_sounds(administrator, tmp_path, artifacts)
        log = server.log()
        assert GUEST_PASSCODE not in log
        assert "Traceback" not in log, log[-4000:]


async def count(administrator, wanted: int) -> object:
    found = len((await administrator.conference())["participants"])
    return True if found == wanted else found


async def all_are_seen(visitors: dict[str, Visitor], artifacts: Path) -> None:
    """Each browser sees the four colours in the four tiles, in the order in which they came."""
    for name, visitor in visitors.items():

        async def sees_all(visitor: Visitor = visitor, name: str = name) -> object:
            picture = await visitor.picture()
            Image.fromarray(picture).save(artifacts / f"meeting-{name}.png")
            assert picture.shape == (720, 1280, 3)
            seen = oracles.seen(picture)
            return True if set(seen) == {"red", "green", "blue", "yellow"} else seen

        await until(f"{name} sees everybody", sees_all)
        seen = oracles.seen(await visitor.picture())
        (red, green, blue, yellow) = (seen[p.name] for p in (RED, GREEN, BLUE, YELLOW))
        assert red[0] < 0.5 < green[0]
        assert blue[0] < 0.5 < yellow[0]
        assert max(red[1], green[1]) < 0.5 < min(blue[1], yellow[1])
        await visitor.page.screenshot(path=str(artifacts / f"meeting-page-{name}.png"))


async def the_browsers_hear(visitors: dict[str, Visitor]) -> None:
    """Each hears the three others and not itself."""
    for person in (RED, GREEN):

        async def hears(person: Person = person) -> object:
            heard = oracles.heard(await visitors[person.name].sound(1.5), 48_000)
            return True if heard == others(person) else heard

        await until(f"{person.name} hears the others and not itself", hears)


async def it_heard_the_others(terminal: Baresip) -> None:
    """As baresip has written it down; the file is whole only some time after the call."""

    async def hears() -> object:
        try:
            found = oracles.heard_in_wav(terminal.heard_file())
        except (wave.Error, EOFError) as error:
            return error
        return True if found == others(terminal.person) else found

    await until(f"{terminal.person.name} heard the others and not itself", hears)


async def the_roster_is_true(administrator) -> None:
    people = {person["name"]: person for person in (await administrator.conference())["participants"]}
    assert set(people) == {"red", "green", "blue", "yellow"}
    assert {name: person["protocol"] for name, person in people.items()} == {
        "red": "webrtc", "green": "webrtc", "blue": "sip", "yellow": "sip",
    }  # fmt: skip
    assert people["red"]["grade"] == "authenticated"
    assert people["blue"]["grade"] == people["yellow"]["grade"] == "opportunistic"
    assert people["blue"]["codecs"] == ["OPUS", "H264"]
    assert people["yellow"]["codecs"] == ["G722", "VP8"]
    assert all(person["loss"] < 0.05 for person in people.values()), people


async def the_recording_shows_and_sounds(administrator, folder: Path, artifacts: Path) -> None:
    """The unsealed file plays in FFmpeg: four colours, four tones, sound and picture of the same length."""
    (row,) = (await administrator.call("GET", "/recordings"))["recordings"]
    assert row["state"] == "complete"
    assert set(row["participants"]) == {"red", "green", "blue", "yellow"}
    async with administrator.session.get(f"/api/v1/recordings/{row['id']}/media") as answer:
        assert answer.status == 200
        data = await answer.read()
    assert all(b"ftyp" not in file.read_bytes()[:4096] for file in folder.rglob("*.sealed"))
    with av.open(io.BytesIO(data)) as container:
        pictures = list(container.decode(video=0))
    frames = [picture.to_ndarray(format="rgb24") for picture in pictures]
    shown_s = pictures[-1].time - pictures[0].time + 0.04
    with av.open(io.BytesIO(data)) as container:
        resampler = av.AudioResampler("s16", "mono", 48_000)
        blocks = [out.to_ndarray()[0] for block in container.decode(audio=0) for out in resampler.resample(block)]
    sound = np.concatenate(blocks)
    Image.fromarray(frames[len(frames) // 2]).save(artifacts / "recording.png")
    assert set(oracles.seen(frames[len(frames) // 2])) == {"red", "green", "blue", "yellow"}
    assert oracles.heard(sound[-96_000 * 2 : -96_000], 48_000) == {"red", "green", "blue", "yellow"}
    assert 6.5 < shown_s < 11
    assert abs(shown_s - len(sound) / 48_000) < 0.5
    # Two browsers and two terminals beside the room fill this machine at times: then the picture slows to half.
    assert len(frames) > 0.45 * 25 * shown_s
    verdict = await administrator.call("POST", f"/recordings/{row['id']}/verify")
    assert verdict["is_intact"] is True
