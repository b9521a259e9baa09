"""One server and one browser a person for all tests of a file; each test has a room of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Playwright, async_playwright

from tests.interop import browser
from tests.interop.browser import Visitor
from tests.interop.media import Person
from tests.interop.server import BASE, GUEST_PASSCODE, Administrator, Server


@dataclass
class Hall:
    """Where tests of one file meet."""

    server: Server
    administrator: Administrator
    playwright: Playwright
    folder: Path
    cleaning: AsyncExitStack
    browsers: dict[str, Browser] = field(default_factory=dict)

    async def browser(self, person: Person) -> Browser:
        """The browser with the camera and the microphone of `person`."""
        if person.name not in self.browsers:
            running = self.browsers[person.name] = await browser.launch(self.playwright, person, self.folder)
            self.cleaning.push_async_callback(running.close)
        return self.browsers[person.name]

    @asynccontextmanager
    async def visitors(
        self, room: str, *people: Person, passcode: str = GUEST_PASSCODE, **context: Any
    ) -> AsyncIterator[list[Visitor]]:
        """`people` in `room`, one after the other, who leave at the end."""
        async with AsyncExitStack() as leaving:
            found = []
            for person in people:
                visitor = await self.visitor(person, f"/join/{room}", **context)
                leaving.push_async_callback(visitor.close)
                await visitor.join(person.name, passcode)
                found.append(visitor)
            yield found

    async def visitor(self, person: Person, path: str, **context: Any) -> Visitor:
        """A fresh page of the person's browser."""
        return await Visitor.open(await self.browser(person), BASE + path, **({"locale": "en"} | context))

    async def people(self, room: str) -> dict[str, dict[str, Any]]:
        """The roster of a running conference by name."""
        return {person["name"]: person for person in (await self.administrator.conference(room))["participants"]}


@asynccontextmanager
async def hall(
    folder: Path, rooms: dict[str, dict[str, Any]], settings: str = "", **environment: str
) -> AsyncIterator[Hall]:
    """A server with these rooms, no browser yet."""
    async with AsyncExitStack() as cleaning:
        server = await Server(folder / "server", settings, environment).start(rooms)
        cleaning.push_async_callback(_stop, server)
        administrator = await server.administrator()
        cleaning.push_async_callback(administrator.close)
        running = await cleaning.enter_async_context(async_playwright())
        yield Hall(server, administrator, running, folder, cleaning)


async def _stop(server: Server) -> None:
    with contextlib.suppress(ValueError):  # its log was closed by a test that stopped it
        await server.stop()
