"""Terminals of H.323 that are not ours, and old ones, in one room with the others: each hears all but itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from caller.h323.options import Encryption
from mcu.media import Codec, Kind
from tests.interop import oracles, ward3
from tests.interop.asterisk_h323 import HEARD_RATE_HZ, Asterisk
from tests.interop.baresip import Baresip
from tests.interop.browser import Visitor
from tests.interop.h323_presence import calling, options_of
from tests.interop.hall import Hall, hall
from tests.interop.media import BLUE, GREEN, RED, Person
from tests.interop.namespace import OTHER_TERMINAL, SERVER, TERMINAL
from tests.interop.server import GUEST_PASSCODE
from tests.interop.waiting import until
from tests.peers import needs_programs

pytestmark = pytest.mark.asyncio(loop_scope="module")

WARD_3 = Person("ward3", (0, 0, 0), ward3.TONE_HZ)
WARD_4 = Person("ward4", (0, 0, 0), ward3.OTHER_TONE_HZ)
FOUR = (RED, GREEN, WARD_3, WARD_4)
CIF = (288, 352)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    needs_programs("chromium", "baresip")
    async with hall(tmp_path_factory.mktemp("h323"), {f"100{number}": {} for number in range(1, 5)}) as made:
        yield made
        log = made.server.log()
        assert "Traceback" not in log, log[-4000:]
        assert GUEST_PASSCODE not in log


def others(person: Person) -> set[str]:
    return {each.name for each in FOUR} - {person.name}


async def hears_the_others(asterisk: Asterisk, person: Person) -> None:
    async def listen() -> object:
        found = oracles.heard(asterisk.heard(1.5), HEARD_RATE_HZ, FOUR)
        return found == others(person) or found

    await until(f"{person.name} hears the others", listen, every_s=0.5)


async def test_two_asterisks_a_sip_terminal_and_a_browser(house: Hall, tmp_path: Path):
    async with AsyncExitStack() as leaving:
        (red,) = await leaving.enter_async_context(house.visitors("1001", RED))
        green = await Baresip(GREEN, tmp_path / "green", OTHER_TERMINAL, 15_080, 14_463, 22_000, video="").start()
        leaving.push_async_callback(green.stop)
        event = await green.dial(f"sip:1001**{GUEST_PASSCODE}@{SERVER}")
        assert event["type"] == "CALL_ESTABLISHED", green.log()[-3000:]
        third = await leaving.enter_async_context(ward3.running(name=WARD_3.name, address=TERMINAL))
        fourth = await leaving.enter_async_context(
            ward3.running(name=WARD_4.name, address=OTHER_TERMINAL, is_fast=False, tunnels=False)
        )
        for asterisk, context in ((third, "milliwatt"), (fourth, "other-tone")):
            number = f"1001**{GUEST_PASSCODE}"
            await asterisk.console(f"channel originate OOH323/{number}@drumtower extension s@{context}")

        async def are_in() -> object:
            people = await house.people("1001")
            found = {name: person["protocol"] for name, person in people.items()}
            return found == {"red": "webrtc", "green": "sip", "ward3": "h323", "ward4": "h323"} or found

        await until("all four are in", are_in)

        async def red_hears() -> object:
            found = oracles.heard(await red.sound(1.5), 48_000, FOUR)
            return found == others(RED) or found

        async def green_hears() -> object:
            found = set(await green.hears(1.5, FOUR))
            return found == others(GREEN) or found

        await until("red hears the others", red_hears)
        await until("green hears the others", green_hears)
        await hears_the_others(third, WARD_3)
        await hears_the_others(fourth, WARD_4)


@pytest.mark.parametrize(
    ("video", "audio", "shown"),
    [
        (Codec.H263, Codec.PCMU, Codec.H263),
        (Codec.H263_1996, Codec.PCMA, Codec.H263_1996),
        (Codec.H261, Codec.G722, Codec.H263),
    ],
    ids=["h263", "h263-1996", "h261"],
)
async def test_an_old_terminal_beside_a_browser(house: Hall, video: Codec, audio: Codec, shown: Codec):
    """CIF both ways; of H.261 there is no encoder, so who sends it is shown H.263."""
    async with house.visitors("1002", RED) as (red,):
        plain = options_of(BLUE, "1002", encryption=Encryption.OFF)
        options = replace(plain, video=video, audio=audio, width=CIF[1], height=CIF[0], bitrate_bps=320_000)
        async with calling(options) as blue:
            await until("blue sees both", blue.sees(RED, BLUE))
            picture = blue.session.picture()
            assert picture is not None
            assert picture.shape == (*CIF, 3)
            await until("blue hears red alone", blue.hears(RED))

            async def red_hears() -> object:
                found = oracles.heard(await red.sound(1.2), 48_000)
                return found == {"blue"} or found

            await until("red hears blue alone", red_hears)
            await until("red sees both", lambda: sees(red, RED, BLUE))
            await looks_right(red)
            line = (await house.people("1002"))[BLUE.name]
            assert (line["protocol"], line["grade"]) == ("h323", "clear")
            assert line["codecs"] == [audio.name, shown.name]
        sent = [spec.send for spec in blue.session.agreed[-1].streams if spec.kind is Kind.VIDEO]
        assert [form.codec for form in sent if form is not None] == [video]
    streams = blue.report.streams
    assert (streams[Kind.AUDIO].codec, streams[Kind.VIDEO].codec) == (audio.name, shown.name)
    assert streams[Kind.VIDEO].lost_packets == streams[Kind.AUDIO].lost_packets == 0


async def sees(visitor: Visitor, *people: Person) -> object:
    found = set(oracles.seen(await visitor.picture()))
    return found == {person.name for person in people} or found


async def looks_right(visitor: Visitor) -> None:
    """Colours that went through two encoders, in the middle of their tiles."""
    picture = await visitor.picture()
    places = oracles.seen(picture)
    height, width = picture.shape[:2]
    for person in (RED, BLUE):
        across, down = places[person.name]
        found = picture[int(down * height), int(across * width)].astype(int)
        assert np.abs(found - person.colour).max() < 20, f"{person.name} looks like {found}"
