"""Asterisk's chan_ooh323 registers with the gatekeeper of `drumtower serve`, asks for admission, and is asked."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.interop import asterisk_h323
from tests.interop.asterisk_h323 import Asterisk
from tests.interop.namespace import OTHER_TERMINAL, SERVER, TERMINAL
from tests.interop.server import Administrator, Server

pytestmark = pytest.mark.asyncio(loop_scope="module")

# It has no passwords of H.235.1, and cannot decode our Setup with the half keys of all groups. Times are short, so that
# nobody waits for them.
SETTINGS = """
[h323]
authentication = "known"
encryption = "off"
min_time_to_live_s = 3
default_time_to_live_s = 3
max_time_to_live_s = 3
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def zone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Zone]:
    server = await Server(tmp_path_factory.mktemp("zone"), SETTINGS).start({"1001": {}})
    admin = await server.administrator()
    yield Zone(server, admin)
    await admin.close()
    await server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asterisk(zone: Zone) -> AsyncIterator[Asterisk]:
    """Registered with our gatekeeper all the time."""
    async with asterisk_h323.running("ast1", FIRST) as made:
        await zone.registered(1)
        yield made


async def test_asterisk_is_a_terminal_of_our_gatekeeper(zone: Zone, asterisk: Asterisk) -> None:
    (found,) = await zone.others()
    assert found["aliases"] == ["ast1", "701"]
    assert found["address"] == f"{TERMINAL}:1720"
    assert found["user_agent"].startswith("ooh323")
    assert "Registered" in await asterisk.console("ooh323 show gk")

    # It goes on saying that it lives, longer than its time.
    async def is_refreshed() -> bool:
        return all(now["seen_at"] > found["expires_at"] for now in await zone.others())

    await zone.until(is_refreshed, "kept alive")
    assert [now["registered_at"] for now in await zone.others()] == [found["registered_at"]]
    assert await zone.counted("dropped-malformed") == 0


async def test_a_restart_costs_no_registration(zone: Zone, asterisk: Asterisk) -> None:
    """Even where its time runs out while nobody listens."""
    (before,) = await zone.others()
    await zone.server.stop()
    await asyncio.sleep(max(0.0, datetime.fromisoformat(before["expires_at"]).timestamp() - time.time()))
    await zone.server.serve()
    (kept,) = await zone.others()
    assert (kept["aliases"], kept["registered_at"]) == (before["aliases"], before["registered_at"])

    async def is_refreshed() -> bool:
        return all(now["seen_at"] > kept["seen_at"] for now in await zone.others())

    await zone.until(is_refreshed, "kept alive")
    assert [now["registered_at"] for now in await zone.others()] == [before["registered_at"]]
    assert await zone.counted("dropped-malformed") == 0


async def test_a_number_leads_to_the_attendant(zone: Zone, asterisk: Asterisk) -> None:
    names = ("sent-admissionConfirm", "sent-requestInProgress")
    before = [await zone.counted(name) for name in names]
    for number in ("1001", "4711"):
        await asterisk.console(f"channel originate OOH323/{number} application Echo")
        await zone.calls(1, "h323")
        await zone.calls(1)
        await asterisk.console("channel request hangup all")
        await zone.calls(0, "h323")
        await zone.calls(0)
    # What is admitted does not tell a room from an unknown number, and costs no look at the database.
    after = [await zone.counted(name) for name in names]
    assert after == [before[0] + 2, before[1]]


async def test_a_registered_terminal_is_called_into_a_room_by_its_number(zone: Zone, asterisk: Asterisk) -> None:
    before = await zone.counted("sent-admissionConfirm")
    await zone.admin.call("POST", "/conferences/1001/calls", {"target": "701", "role": "host"})
    await zone.calls(1, "h323")

    async def is_in() -> bool:
        found = await zone.admin.call("GET", "/conferences")
        people = [one for conference in found["conferences"] for one in conference["participants"]]
        return [one["protocol"] for one in people] == ["h323"]

    await zone.until(is_in, "in the room")
    # It asked whether it may answer.
    assert await zone.counted("sent-admissionConfirm") == before + 1
    await asterisk.console("channel request hangup all")
    await zone.calls(0, "h323")
    await zone.calls(0)


async def test_two_terminals_call_each_other(zone: Zone, asterisk: Asterisk) -> None:
    names = ("sent-requestInProgress", "received-infoRequestResponse", "received-disengageRequest")
    before = [await zone.counted(name) for name in names]
    async with asterisk_h323.running("ast2", SECOND):
        await zone.registered(2)
        await asterisk.console("channel originate OOH323/702 application Milliwatt")
        await zone.calls(2)
        # Nobody else has this number: the database was asked first.
        assert await zone.counted(names[0]) == before[0] + 1
        assert await zone.open("calls", "h323") == 0
        await asyncio.sleep(8)  # asked about the call after 1 s, and given up after 6 more
        assert await zone.counted(names[1]) >= before[1] + 2
        assert await zone.open("calls") == 2
        await asterisk.console("channel request hangup all")
        await zone.calls(0)
        assert await zone.counted(names[2]) == before[2] + 2


async def test_who_is_given_a_secret_has_to_show_it(zone: Zone, asterisk: Asterisk) -> None:
    """The administrator gives its name to a terminal with a secret: it is asked to register anew, and has none."""
    assert asterisk is not None
    await zone.admin.call("POST", "/terminals", {"alias": "ast1", "name": "Asterisk"})

    async def is_gone() -> bool:
        return all("ast1" not in other["aliases"] for other in await zone.others())

    await zone.until(is_gone, "unregistered")

    async def is_refused() -> bool:
        return await zone.counted("not-proven-absent") > 0 and await zone.counted("received-unregistrationConfirm") > 0

    await zone.until(is_refused, "refused")
