"""Two terminals that are not ours call each other through the gatekeeper, and talk directly (`call_model`)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop import asterisk_h323, oracles
from tests.interop.asterisk_h323 import HEARD_RATE_HZ, RECORD, Asterisk
from tests.interop.media import Person
from tests.interop.namespace import SERVER
from tests.interop.server import Server
from tests.interop.sniffer import Sniffer
from tests.interop.test_gatekeeper import FIRST, SECOND, SETTINGS, Zone
from tests.interop.waiting import until
from tests.signaling.h323.dissection import tshark

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLER, CALLED = Person("caller", (0, 0, 0), 1004), Person("called", (0, 0, 0), 1360)
EXTENSIONS = f"""[default]
exten => _X.,1,Answer()
 same => n,{RECORD}
 same => n,Playtones({CALLED.tone_hz})
 same => n,Wait(600)

[calls]
exten => s,1,Answer()
 same => n,{RECORD}
 same => n,Milliwatt()
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def zone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Zone]:
    server = await Server(tmp_path_factory.mktemp("routed"), SETTINGS + 'call_model = "routed"\n').start({"1001": {}})
    admin = await server.administrator()
    yield Zone(server, admin)
    await admin.close()
    await server.stop()
    assert "Traceback" not in server.log(), server.log()[-4000:]


async def hears(asterisk: Asterisk, person: Person) -> None:
    async def listen() -> object:
        found = oracles.heard(asterisk.heard(1.5), HEARD_RATE_HZ, (CALLER, CALLED))
        return found == {person.name} or found

    await until(f"{person.name} is heard", listen)


@contextlib.asynccontextmanager
async def sniffing() -> AsyncIterator[Sniffer]:
    with Sniffer() as wire:
        yield wire


async def is_well_formed(pcap: Path) -> None:
    """What we sent on both legs, and of RAS, as tshark reads it."""
    ours = f"h225 && ip.src == {SERVER}"
    read = await asyncio.to_thread(tshark, pcap, "-Y", ours)
    assert "connect" in read.lower(), read
    wrong = await asyncio.to_thread(tshark, pcap, "-Y", f"{ours} && (_ws.malformed || _ws.expert.severity == error)")
    assert wrong == ""


async def seen(zone: Zone) -> dict[str, str]:
    """When each terminal was heard of last."""
    return {" ".join(other["aliases"]): other["seen_at"] for other in await zone.others()}


async def both_are_registered(zone: Zone, before: dict[str, str]) -> None:
    """The gatekeeper may still know those of the test before."""

    async def is_so() -> bool:
        now = await seen(zone)
        return len(now) == 2 and not now.items() & before.items()

    await zone.until(is_so, "both are registered")


async def nothing_is_open(zone: Zone) -> None:
    async def is_over() -> bool:
        return await zone.open("routed-calls", "h323") == await zone.open("connections", "h323") == 0

    await zone.until(is_over, "both legs are over")
    await zone.calls(0)


@pytest.mark.parametrize(
    ("is_fast", "tunnels"), [("yes", "yes"), ("no", "yes"), ("no", "no")], ids=["fast", "tunnelled", "separate"]
)
async def test_two_terminals_talk_through_the_gatekeeper(
    zone: Zone, tmp_path: Path, is_fast: str, tunnels: str
) -> None:
    ways = {"faststart": is_fast, "h245tunneling": tunnels}
    before, released = await seen(zone), await zone.counted("received-disengageRequest")
    async with (
        sniffing() as wire,
        asterisk_h323.running("ast1", FIRST | ways, EXTENSIONS) as caller,
        asterisk_h323.running("ast2", SECOND | ways, EXTENSIONS) as called,
    ):
        await both_are_registered(zone, before)
        await caller.console("channel originate OOH323/702 extension s@calls")
        await hears(called, CALLER)
        await hears(caller, CALLED)
        assert await zone.open("routed-calls", "h323") == 1
        assert await zone.open("connections", "h323") == 2
        # No call of ours: what they hear goes from one to the other.
        assert await zone.open("calls", "h323") == 0
        assert await zone.open("calls") == 2
        await (caller if is_fast == "yes" else called).console("channel request hangup all")
        await nothing_is_open(zone)
        assert await caller.channels() == await called.channels() == 0
        assert await zone.counted("received-disengageRequest") == released + 2
    await is_well_formed(wire.write(tmp_path / "routed.pcap"))
    log = zone.server.log()
    assert log.count("answered after=") == log.count("ended by=") > 0


async def test_a_call_to_a_terminal_that_died_ends(zone: Zone) -> None:
    before = await seen(zone)
    async with asterisk_h323.running("ast1", FIRST, EXTENSIONS) as caller:
        async with asterisk_h323.running("ast2", SECOND, EXTENSIONS) as called:
            await both_are_registered(zone, before)
            called.kill()
            await caller.console("channel originate OOH323/702 extension s@calls")

            async def is_noticed() -> bool:
                return 'event="routed-unreachable"} 1' in await zone.server.metrics()

            await zone.until(is_noticed, "not connected")
        await nothing_is_open(zone)
        assert await caller.channels() == 0
