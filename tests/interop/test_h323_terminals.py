"""A terminal of H.323 that is not ours, in a room: heard and hearing, by every way of H.245 and of keys."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from caller.h323.options import Encryption
from tests.interop import asterisk_h323, oracles, ward3
from tests.interop.asterisk_h323 import Asterisk
from tests.interop.h323_presence import RATE_HZ, Presence, calling, options_of
from tests.interop.media import BLUE, Person
from tests.interop.namespace import OTHER_TERMINAL, SERVER, TERMINAL, THIRD_TERMINAL
from tests.interop.server import GUEST_PASSCODE, Administrator, Server
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = """
[dialing]
networks = ["10.77.0.0/24"]
"""
ROOM = "1001"
MILLIWATT = Person("milliwatt", (0, 0, 0), ward3.TONE_HZ)
WAYS = {
    "fast-tunnelled": (True, True),
    "fast-separate": (True, False),
    "slow-tunnelled": (False, True),
    "slow-separate": (False, False),
}


@dataclass
class House:
    """The server and its administrator."""

    server: Server
    administrator: Administrator

    async def people(self) -> dict[str, dict[str, Any]]:
        """The roster by name."""
        rooms = (await self.administrator.call("GET", "/conferences"))["conferences"]
        return {person["name"]: person for room in rooms for person in room["participants"]}

    async def open_now(self) -> dict[str, float]:
        """What must go back to nothing when all calls are over."""
        names = r"drumtower_(?:legs|audio_legs|participants|conferences|h323_open)(?:\{[^}]*\})?"
        found = re.findall(rf"^({names}) (\S+)$", await self.server.metrics(), re.MULTILINE)
        assert any("h323_open" in name for name, _ in found), "nothing is measured"
        return {name: float(value) for name, value in found if float(value)}

    async def is_as(self, before: dict[str, float]) -> None:
        async def is_so() -> object:
            now = await self.open_now()
            return now == before or (now, before)

        await until("no leg, call or connection is left", is_so)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    server = await Server(tmp_path_factory.mktemp("server"), SETTINGS).start({ROOM: {}})
    administrator = await server.administrator()
    yield House(server, administrator)
    await administrator.close()
    await server.stop()
    for word in ("Traceback", GUEST_PASSCODE):
        assert word not in server.log(), server.log()[-4000:]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def blue(house: House) -> AsyncIterator[Presence]:
    """Somebody in the room all the time, who hears what the terminal says; nothing is left when blue leaves, too."""
    assert await house.open_now() == {}
    async with calling(replace(options_of(BLUE, ROOM, encryption=Encryption.OFF), seconds=600)) as presence:
        await is_in(house, BLUE.name)
        await hears(presence)
        yield presence
    await house.is_as({})


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=WAYS.values(), ids=WAYS)
async def ward(request: pytest.FixtureRequest) -> AsyncIterator[Asterisk]:
    is_fast, tunnels = request.param
    async with ward3.running(is_fast=is_fast, tunnels=tunnels) as asterisk:
        yield asterisk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other_ward() -> AsyncIterator[Asterisk]:
    """It dials by any way of keys."""
    async with ward3.running(name="ward4", address=OTHER_TERMINAL) as asterisk:
        yield asterisk


async def is_in(house: House, name: str) -> dict[str, Any]:
    async def look() -> object:
        people = await house.people()
        return name in people or list(people)

    await until(f"{name} is in", look)
    return (await house.people())[name]


async def is_gone(house: House, name: str, timeout_s: float = 10.0) -> None:
    async def look() -> object:
        return name not in await house.people()

    await until(f"{name} is gone", look, timeout_s)


async def hears(presence: Presence, *people: Person) -> None:
    async def listen() -> object:
        sound = await presence.session.sound(1.0)
        found = oracles.heard(sound, RATE_HZ, (MILLIWATT, BLUE))
        return (len(sound) > 0 and found == {person.name for person in people}) or found

    await until(f"{[person.name for person in people]} is heard", listen)


async def originate(asterisk: Asterisk, number: str, what: str, by: str = "drumtower") -> None:
    await asterisk.console(f"channel originate OOH323/{number}@{by} {what}")


async def test_it_hears_and_is_heard(house: House, blue: Presence, ward: Asterisk):
    """It sends back what it hears: whoever hears its own tone is heard by the terminal, and hears it."""
    before = await house.open_now()
    await originate(ward, f"{ROOM}**{GUEST_PASSCODE}", "application Echo")
    line = await is_in(house, "ward3")
    assert (line["protocol"], line["codecs"], line["grade"]) == ("h323", ["PCMU"], "clear")
    await hears(blue, BLUE)
    await ward.console("channel request hangup all")
    await is_gone(house, "ward3")
    await hears(blue)
    await house.is_as(before)


async def test_it_is_called_into_the_room(house: House, blue: Presence, ward: Asterisk):
    before = await house.open_now()
    body = {"target": f"h323:777@{TERMINAL}", "role": "guest"}
    await house.administrator.call("POST", f"/conferences/{ROOM}/calls", body, expect=201)
    await hears(blue, MILLIWATT)
    (name,) = set(await house.people()) - {BLUE.name}
    person = (await house.people())[name]
    assert (person["protocol"], person["codecs"]) == ("h323", ["PCMU"])
    await house.administrator.call("DELETE", f"/conferences/{ROOM}/participants/{person['id']}")

    async def is_hung_up() -> object:
        return await ward.channels() == 0

    await until("it was hung up", is_hung_up)
    await house.is_as(before)


@pytest.mark.parametrize("dtmf", ward3.KEYS)
async def test_a_passcode_is_keyed_in(house: House, blue: Presence, other_ward: Asterisk, dtmf: str):
    before = await house.open_now()
    await originate(other_ward, ROOM, "extension s@keys", by=f"drumtower-{dtmf}")
    await is_in(house, "ward4")
    await hears(blue, BLUE)
    await other_ward.console("channel request hangup all")
    await is_gone(house, "ward4")
    await house.is_as(before)


@pytest.mark.parametrize("tunnels", [True, False], ids=["tunnelled", "separate"])
async def test_it_dies_in_mid_call(house: House, tunnels: bool):
    before = await house.open_now()
    async with ward3.running(tunnels=tunnels, name="ward5", address=THIRD_TERMINAL) as asterisk:
        await originate(asterisk, f"{ROOM}**{GUEST_PASSCODE}", "application Milliwatt")
        await is_in(house, "ward5")
        asterisk.kill()
        await is_gone(house, "ward5", 5.0)
    await house.is_as(before)


async def test_without_its_secret_nobody_registers(house: House):
    general = {
        "bindaddr": THIRD_TERMINAL, "port": "1720", "h323id": "ward6", "e164": "706", "callerid": "ward6",
        "gatekeeper": SERVER,
    }  # fmt: skip
    async with asterisk_h323.running("ward6", general) as asterisk:

        async def is_refused() -> object:
            found = re.search(
                r'drumtower_gatekeeper_total{event="not-proven-absent"} (\S+)', await house.server.metrics()
            )
            return found is not None and float(found[1]) > 0

        await until("it is refused", is_refused)
        assert "Registered" not in await asterisk.console("ooh323 show gk")
        assert (await house.administrator.call("GET", "/terminals"))["others"] == []
