"""Asterisk's chan_ooh323 registers with the gatekeeper of `drumtower serve`, asks for admission, and is asked."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.interop import asterisk_h323
from tests.interop.namespace import OTHER_TERMINAL, SERVER, TERMINAL
from tests.interop.server import Administrator, Server

# It has no passwords of H.235.1. Times are short, so that nobody waits for them.
SETTINGS = """
[h323]
authentication = "known"
min_time_to_live_s = 5
default_time_to_live_s = 5
max_time_to_live_s = 5
irr_interval_s = 1
call_check_s = 1
"""
FIRST = {
    "bindaddr": TERMINAL, "port": "1720", "h323id": "ast1", "e164": "701", "callerid": "ast1", "context": "default",
    "gatekeeper": SERVER, "disallow": "all", "allow": "ulaw",
}  # fmt: skip
SECOND = FIRST | {"bindaddr": OTHER_TERMINAL, "h323id": "ast2", "e164": "702", "callerid": "ast2"}
PATIENCE_S = 20.0


class Zone:
    """A running server and what its portal says of the gatekeeper."""

    def __init__(self, server: Server, admin: Administrator) -> None:
        self.server = server
        self.admin = admin

    async def others(self) -> list[dict[str, Any]]:
        """Registered terminals that are none of the administrator's."""
        found: list[dict[str, Any]] = (await self.admin.call("GET", "/terminals"))["others"]
        return found

    async def counted(self, event: str) -> float:
        """Of the gatekeeper."""
        return await self._sample(rf'drumtower_gatekeeper_total{{event="{event}"}} (\S+)')

    async def open(self, kind: str, family: str = "gatekeeper") -> float:
        """Of the gatekeeper, or of the calls ("h323")."""
        return await self._sample(rf'drumtower_{family}_open{{kind="{kind}"}} (\S+)')

    async def _sample(self, pattern: str) -> float:
        found = re.search(pattern, await self.server.metrics())
        return float(found[1]) if found else 0.0

    async def until(self, claim: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until it is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not await claim():
            assert time.monotonic() < deadline, f"{what}: {await self.others()} {self.server.log()[-3000:]}"
            await asyncio.sleep(0.1)

    async def registered(self, count: int) -> None:
        """Wait until so many are."""

        async def is_so() -> bool:
            return len(await self.others()) == count

        await self.until(is_so, f"{count} registered")

    async def calls(self, count: int, family: str = "gatekeeper") -> None:
        """Wait until so many run."""

        async def is_so() -> bool:
            return await self.open("calls", family) == count

        await self.until(is_so, f"{count} calls of {family}")


@asynccontextmanager
async def zone(folder: Path, settings: str = SETTINGS) -> AsyncIterator[Zone]:
    server = await Server(folder / "server", settings).start({"1001": {}})
    try:
        admin = await server.administrator()
        try:
            yield Zone(server, admin)
        finally:
            await admin.close()
    finally:
        await server.stop()


async def test_asterisk_is_a_terminal_of_our_gatekeeper(tmp_path: Path) -> None:
    async with zone(tmp_path) as it, asterisk_h323.running("drumtower-gatekeeper", FIRST) as asterisk:
        await it.registered(1)
        (found,) = await it.others()
        assert found["aliases"] == ["ast1", "701"]
        assert found["address"] == f"{TERMINAL}:1720"
        assert found["user_agent"].startswith("ooh323")
        assert "Registered" in await asterisk.console("ooh323 show gk")

        # It goes on saying that it lives, longer than its time.
        async def is_refreshed() -> bool:
            return all(now["seen_at"] > found["expires_at"] for now in await it.others())

        await it.until(is_refreshed, "kept alive")
        assert [now["registered_at"] for now in await it.others()] == [found["registered_at"]]

        # A restart costs no registration.
        await it.server.stop()
        await it.server.serve()
        (kept,) = await it.others()
        assert (kept["aliases"], kept["registered_at"]) == (found["aliases"], found["registered_at"])
        assert await it.counted("dropped-malformed") == 0

        # The administrator gives its name to a terminal with a secret: it is asked to register anew, and has none.
        await it.admin.call("POST", "/terminals", {"alias": "ast1", "name": "Asterisk"})
        await it.registered(0)

        async def is_refused() -> bool:
            return await it.counted("not-proven-absent") > 0 and await it.counted("received-unregistrationConfirm") > 0

        await it.until(is_refused, "refused")


async def test_without_its_secret_nobody_registers(tmp_path: Path) -> None:
    async with zone(tmp_path, "") as it, asterisk_h323.running("drumtower-gatekeeper", FIRST) as asterisk:

        async def is_refused() -> bool:
            return await it.counted("not-proven-absent") > 0

        await it.until(is_refused, "refused")
        assert "Registered" not in await asterisk.console("ooh323 show gk")
        assert await it.others() == []


async def test_two_terminals_call_each_other(tmp_path: Path) -> None:
    async with (
        zone(tmp_path) as it,
        asterisk_h323.running("drumtower-gatekeeper", FIRST) as caller,
        asterisk_h323.running("drumtower-gatekeeper-2", SECOND),
    ):
        await it.registered(2)
        await caller.console("channel originate OOH323/702 application Milliwatt")
        await it.calls(2)
        # Nobody else has this number: the database was asked first.
        assert await it.counted("sent-requestInProgress") == 1
        assert await it.open("calls", "h323") == 0
        await asyncio.sleep(8)  # asked about the call after 1 s, and given up after 6 more
        assert await it.counted("received-infoRequestResponse") >= 2
        assert await it.open("calls") == 2
        await caller.console("channel request hangup all")
        await it.calls(0)
        assert await it.counted("received-disengageRequest") == 2


async def test_a_number_leads_to_the_attendant(tmp_path: Path) -> None:
    async with zone(tmp_path) as it, asterisk_h323.running("drumtower-gatekeeper", FIRST) as caller:
        await it.registered(1)
        for number in ("1001", "4711"):
            await caller.console(f"channel originate OOH323/{number} application Echo")
            await it.calls(1, "h323")
            await it.calls(1)
            await caller.console("channel request hangup all")
            await it.calls(0, "h323")
            await it.calls(0)
        # What is admitted does not tell a room from an unknown number, and costs no look at the database.
        assert await it.counted("sent-admissionConfirm") == 2
        assert await it.counted("sent-requestInProgress") == 0


async def test_a_registered_terminal_is_called_into_a_room_by_its_number(tmp_path: Path) -> None:
    # chan_ooh323 16.28 cannot decode our Setup with the half keys of all groups, and releases the call.
    settings = SETTINGS + 'encryption = "off"\n'
    async with zone(tmp_path, settings) as it, asterisk_h323.running("drumtower-gatekeeper", FIRST):
        await it.registered(1)
        await it.admin.call("POST", "/conferences/1001/calls", {"target": "701", "role": "host"})
        await it.calls(1, "h323")

        async def is_in() -> bool:
            found = await it.admin.call("GET", "/conferences")
            people = [one for conference in found["conferences"] for one in conference["participants"]]
            return [one["protocol"] for one in people] == ["h323"]

        await it.until(is_in, "in the room")
        # It asked whether it may answer.
        assert await it.counted("sent-admissionConfirm") == 1
