"""A terminal of H.323 that is not ours, in a room: heard and hearing, by every way of H.245 and of keys."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from caller.h323.options import Encryption
from tests.interop import oracles, ward3
from tests.interop.asterisk_h323 import Asterisk
from tests.interop.h323_presence import RATE_HZ, Presence, calling, options_of
from tests.interop.media import BLUE, Person
from tests.interop.namespace import TERMINAL
from tests.interop.server import GUEST_PASSCODE, Administrator, Server
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = """
[dialing]
networks = ["10.77.0.0/24"]
"""
ROOM = "1001"
MILLIWATT = Person("milliwatt", (0, 0, 0), ward3.TONE_HZ)
WAYS = pytest.mark.parametrize(
    ("is_fast", "tunnels"),
    list(itertools.product((True, False), repeat=2)),
    ids=["fast-tunnelled", "fast-separate", "slow-tunnelled", "slow-separate"],
)


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

    async def has_nobody(self) -> None:
        async def is_empty() -> object:
            return await self.open_now() or True

        await until("no leg, call or connection is left", is_empty)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    server = await Server(tmp_path_factory.mktemp("server"), SETTINGS).start({ROOM: {}})
    administrator = await server.administrator()
    yield House(server, administrator)
    await administrator.close()
    await server.stop()
    for word in ("Traceback", GUEST_PASSCODE):
        assert word not in server.log(), server.log()[-4000:]


def blue() -> Any:
    """Somebody in the room, who hears what the terminal says."""
    return calling(options_of(BLUE, ROOM, encryption=Encryption.OFF))


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
        found = oracles.heard(await presence.session.sound(1.0), RATE_HZ, (MILLIWATT, BLUE))
        return found == {person.name for person in people} or found

    await until(f"{[person.name for person in people]} is heard", listen)


async def hears_no_more(presence: Presence, person: Person) -> None:
    async def listen() -> object:
        found = oracles.heard(await presence.session.sound(1.0), RATE_HZ, (MILLIWATT, BLUE))
        return person.name not in found or found

    await until(f"{person.name} is heard no more", listen)


async def originate(asterisk: Asterisk, number: str, what: str) -> None:
    await asterisk.console(f"channel originate OOH323/{number}@drumtower {what}")


@WAYS
async def test_it_hears_and_is_heard(house: House, is_fast: bool, tunnels: bool):
    """It sends back what it hears: whoever hears its own tone is heard by the terminal, and hears it."""
    async with blue() as presence:
        await is_in(house, BLUE.name)
        async with ward3.running(is_fast=is_fast, tunnels=tunnels) as asterisk:
            await originate(asterisk, f"{ROOM}**{GUEST_PASSCODE}", "application Echo")
            line = await is_in(house, "ward3")
            assert (line["protocol"], line["codecs"], line["grade"]) == ("h323", ["PCMU"], "clear")
            await hears(presence, BLUE)
            await asterisk.console("channel request hangup all")
            await is_gone(house, "ward3")
            await hears_no_more(presence, BLUE)
    await house.has_nobody()


@WAYS
async def test_it_is_called_into_the_room(house: House, is_fast: bool, tunnels: bool):
    async with blue() as presence:
        await is_in(house, BLUE.name)
        async with ward3.running(is_fast=is_fast, tunnels=tunnels) as asterisk:
            body = {"target": f"h323:777@{TERMINAL}", "role": "guest"}
            await house.administrator.call("POST", f"/conferences/{ROOM}/calls", body, expect=201)
            await hears(presence, MILLIWATT)
            (name,) = set(await house.people()) - {BLUE.name}
            person = (await house.people())[name]
            assert (person["protocol"], person["codecs"]) == ("h323", ["PCMU"])
            await house.administrator.call("DELETE", f"/conferences/{ROOM}/participants/{person['id']}")

            async def is_hung_up() -> object:
                return await asterisk.channels() == 0

            await until("it was hung up", is_hung_up)
    await house.has_nobody()


@pytest.mark.parametrize("dtmf", ["h245alphanumeric", "h245signal", "q931keypad", "rfc2833"])
async def test_a_passcode_is_keyed_in(house: House, dtmf: str):
    async with blue() as presence:
        await is_in(house, BLUE.name)
        async with ward3.running(dtmf=dtmf) as asterisk:
            await originate(asterisk, ROOM, "extension s@keys")
            await is_in(house, "ward3")
            await hears(presence, BLUE)
    await is_gone(house, "ward3")
    await house.has_nobody()


@pytest.mark.parametrize("tunnels", [True, False], ids=["tunnelled", "separate"])
async def test_it_dies_in_mid_call(house: House, tunnels: bool):
    async with ward3.running(tunnels=tunnels) as asterisk:
        await originate(asterisk, f"{ROOM}**{GUEST_PASSCODE}", "application Milliwatt")
        await is_in(house, "ward3")
        asterisk.kill()
        await is_gone(house, "ward3", 5.0)
    await house.has_nobody()
