"""Floods on the SIP ports: memory stays bounded, and a legitimate call comes through while they last."""

from __future__ import annotations

import asyncio
import itertools
import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop import floods, sipp
from tests.interop.baresip import Baresip
from tests.interop.hostile import Forger
from tests.interop.media import RED
from tests.interop.namespace import OTHER_TERMINAL, TERMINAL
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.server import GUEST_PASSCODE, SIP_PORT, Server
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRANGERS = [f"10.77.0.{number}" for number in range(50, 70)]
LEAST_FLOOD = 500
"""Fewer messages are none."""
MOST_MEMORY_BYTES = 60 << 20
"""More than the bounds on sources, transactions and connections allow."""


@dataclass
class Ward:
    server: Server
    terminal: Baresip

    def memory_bytes(self) -> int:
        """Of the control process, which takes all signalling."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    async def sip(self) -> dict[str, float]:
        """What is counted, and what is open, by name."""
        found = re.findall(
            r'^drumtower_sip_(?:total|open)\{\w+="([^"]+)"\} (\S+)$', await self.server.metrics(), re.MULTILINE
        )
        return {name: float(value) for name, value in found}

    async def calls(self, transport: str = "udp") -> None:
        """A legitimate call, from dialling to hanging up."""
        self.terminal.events.clear()
        event = await self.terminal.dial(f"sip:1001**{GUEST_PASSCODE}@{ADDRESS};transport={transport}", 25.0)
        assert event["type"] == "CALL_ESTABLISHED", (event, await self.sip())
        await self.terminal.command("hangup")
        await self.terminal.wait_for(lambda event: event["type"] == "CALL_CLOSED")

    async def calls_during(self, flood: floods.Flood) -> None:
        """A legitimate call, and more until the flood deserves its name."""
        await self.calls()
        while flood.is_going_on and flood.sent <= LEAST_FLOOD:
            await self.calls()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ward(tmp_path_factory) -> AsyncIterator[Ward]:
    folder = tmp_path_factory.mktemp("floods")
    addresses("add")
    server = await Server(folder / "server").start({"1001": {}})
    terminal = await Baresip(RED, folder / "red", OTHER_TERMINAL, 15_460, 14_861, 28_000, video="").start()
    ward = Ward(server, terminal)
    await ward.calls()
    yield ward
    await terminal.stop()
    await server.stop()
    addresses("del")
    assert "Traceback" not in server.log(), server.log()[-4000:]


def addresses(change: str) -> None:
    lines = "".join(f"addr {change} {address}/24 dev veth0\n" for address in STRANGERS)
    # Answers to those who do not exist leave by a gateway, and are seen no more.
    lines += f"route {change} {floods.INVENTED} dev lo\n"
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("baresip", "sipp")


async def test_a_flood_from_one_address(ward: Ward):
    before = ward.memory_bytes()
    with floods.from_one_address(6000, 1500) as flood:
        await until("the flood is felt", lambda: is_counted(ward, "too-many-new-calls", 50))
        await ward.calls_during(flood)
        assert flood.sent > LEAST_FLOOD
    assert ward.memory_bytes() - before < MOST_MEMORY_BYTES
    found = await ward.sip()
    assert found["transactions"] <= 4000


async def test_a_flood_under_invented_addresses(ward: Ward):
    before = ward.memory_bytes()
    with Forger() as forger, floods.under_invented_addresses(forger, 8000, 2000) as flood:
        await until("the flood is felt", lambda: is_counted(ward, "too-many-new-calls", 50))
        await ward.calls_during(flood)
        assert flood.sent > LEAST_FLOOD
    assert ward.memory_bytes() - before < MOST_MEMORY_BYTES
    found = await ward.sip()
    assert (found["transactions"] <= 4000, found["calls"] <= 400, found["sources"] <= 20_000) == (True, True, True)


async def test_a_flood_of_invites_by_sipp(ward: Ward, tmp_path: Path):
    before = ward.memory_bytes()
    scenario = sipp.a_refused_call("nobody", 404)
    options = ("-r", "400", "-l", "2000", "-recv_timeout", "2000")
    remote = f"{ADDRESS}:{SIP_PORT}"
    flooding = asyncio.create_task(sipp.run(scenario, tmp_path, TERMINAL, remote, *options, calls=1200, timeout_s=5))
    refused = (await ward.sip()).get("too-many-new-calls", 0)
    await until("the flood is felt", lambda: is_counted(ward, "too-many-new-calls", refused + 20))
    await ward.calls()
    await flooding
    assert ward.memory_bytes() - before < MOST_MEMORY_BYTES


async def test_connections_that_only_hold_on(ward: Ward):
    before = ward.memory_bytes()
    with floods.HeldConnections(itertools.cycle(STRANGERS)) as held:
        for count, target, data in (
            (150, floods.SIP, b""),
            (150, floods.TLS, b""),
            (100, floods.TLS, floods.half_a_hello()),
            (100, floods.SIP, b"INVITE sip:1001@x SIP/2.0\r\nVia: "),
        ):
            await asyncio.to_thread(held.hold, count, target, data)
            await ward.calls("tls")
            await ward.calls("tcp")
        found = await ward.sip()
        assert found["half-open-connections"] <= 100
        assert found["stream-made-way"] >= 300

        async def are_closed() -> object:
            return await asyncio.to_thread(lambda: held.alive) <= 100 or held.alive

        await until("all but some are closed", are_closed)
    assert ward.memory_bytes() - before < MOST_MEMORY_BYTES


async def is_counted(ward: Ward, event: str, least: float) -> object:
    """Whether the server has counted something so often."""
    found = (await ward.sip()).get(event, 0)
    return found >= least or found
