"""What hosts do from the command line with real callers: spotlight, a line in the picture, another room."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

from tests.interop import browser, oracles
from tests.interop.baresip import Baresip
from tests.interop.browser import Visitor
from tests.interop.media import BLUE, GREEN, RED, Person
from tests.interop.namespace import SERVER, TERMINAL
from tests.interop.server import BASE, GUEST_PASSCODE, Server
from tests.interop.waiting import until

pytestmark = pytest.mark.shares


async def test_the_command_line_rules_the_rooms(tmp_path: Path, needs, playwright):
    needs("chromium", "baresip")
    async with AsyncExitStack() as cleaning:
        server = await Server(tmp_path / "server").start({"1001": {}, "1002": {}})
        cleaning.push_async_callback(server.stop)

        async def visitor(person: Person, room: str) -> Visitor:
            running = await browser.launch(playwright, person, tmp_path)
            cleaning.push_async_callback(running.close)
            found = await Visitor.open(running, f"{BASE}/join/{room}")
            await found.join(person.name, GUEST_PASSCODE)
            return found

        red, green = await visitor(RED, "1001"), await visitor(GREEN, "1002")
        blue = await Baresip(BLUE, tmp_path / "blue", TERMINAL, 15_060, 14_461, 20_000).start()
        cleaning.push_async_callback(blue.stop)
        event = await blue.dial(f"sip:1001**{GUEST_PASSCODE}@{SERVER}")
        assert event["type"] == "CALL_ESTABLISHED", blue.log()[-3000:]
        await _sees(red, RED, BLUE)
        await _sees(green, GREEN)

        server.run("conference", "spotlight", "1001", "blue")
        await until("blue has the big tile", lambda: _is_largest(red, BLUE))
        server.run("conference", "message", "1001", "Five minutes left", "--seconds", "600")
        assert "in the picture: Five minutes left" in server.run("conference", "show", "1001").stdout

        server.run("conference", "move", "1001", "blue", "1002")
        await _sees(green, GREEN, BLUE)
        await _sees(red, RED)
        await until("green hears blue", lambda: _hears(green, BLUE))
        await until("red hears nobody", lambda: _hears(red))
        await until("blue hears green", lambda: _is_heard_by(blue, GREEN))
        assert "CALL_CLOSED" not in blue.log()

        server.run("conference", "move", "1002", "green", "1001")
        await _sees(red, RED, GREEN)
        await until("red hears green", lambda: _hears(red, GREEN))
        assert (
            await green.page.locator(".stage-title").inner_text() == await red.page.locator(".stage-title").inner_text()
        )
        assert server.run("conference", "mute", "1001", "blue", check=False).returncode == 1
        assert "Traceback" not in server.log()


async def _sees(visitor: Visitor, *people: Person) -> None:
    async def sees() -> object:
        found = oracles.seen(await visitor.picture())
        return True if found.keys() == {person.name for person in people} else found

    await until(f"{[person.name for person in people]} and nobody else in the picture", sees)


async def _hears(visitor: Visitor, *people: Person) -> object:
    found = oracles.heard(await visitor.sound(1.0), 48_000)
    return True if found == {person.name for person in people} else found


async def _is_heard_by(terminal: Baresip, person: Person) -> object:
    found = await terminal.hears()
    return True if found == {person.name} else found


async def _is_largest(visitor: Visitor, person: Person) -> object:
    """Whether the colour of the person covers a third of the picture."""
    picture = (await visitor.picture()).astype(np.float32)
    share = float((np.linalg.norm(picture - np.array(person.colour, np.float32), axis=2) < 60).mean())
    return True if share > 0.33 else share
