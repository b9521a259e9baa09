"""What the server begins by itself in calls of H.323: new keys, fast start; and H.264 above Baseline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from caller.h323.options import Encryption
from mcu.media import Kind
from tests.interop import oracles, ward3
from tests.interop.h323_presence import RATE_HZ, Presence, calling, options_of
from tests.interop.media import BLUE, GREEN, Person
from tests.interop.namespace import OTHER_TERMINAL, SERVER
from tests.interop.process import said_by
from tests.interop.server import Administrator, Server
from tests.interop.sniffer import Sniffer
from tests.interop.waiting import until
from tests.peers import needs_programs

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = """
[h323]
key_lifetime_s = 1.5

[dialing]
networks = ["10.77.0.0/24"]
"""
MILLIWATT = Person("milliwatt", (0, 0, 0), ward3.TONE_HZ)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def administrator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Administrator]:
    rooms = {"1001": {}, "1002": {}, "1003": {"encryption": "off"}}
    server = await Server(tmp_path_factory.mktemp("server"), SETTINGS).start(rooms)
    found = await server.administrator()
    yield found
    await found.close()
    await server.stop()
    assert "Traceback" not in server.log(), server.log()[-4000:]


async def meet(blue: Presence, green: Presence) -> None:
    """They see and hear each other."""
    for one, other in ((blue, GREEN), (green, BLUE)):
        await until("both are seen", one.sees(BLUE, GREEN))
        await until("the other is heard", one.hears(other))


@pytest.mark.parametrize("is_master", [False, pytest.param(True, marks=pytest.mark.thorough)])
async def test_the_server_renews_keys_by_itself(administrator: Administrator, is_master: bool):
    """As master it makes them, as slave it asks for them; nothing is lost while they change."""
    assert administrator
    async with AsyncExitStack() as leaving:
        options = options_of(BLUE, "1001", encryption=Encryption.REQUIRED, is_master=is_master)
        blue = await leaving.enter_async_context(calling(options))
        green = await leaving.enter_async_context(calling(options_of(GREEN, "1001", encryption=Encryption.OFF)))
        await meet(blue, green)

        async def has_new_keys() -> object:
            found = blue.session.fewest_keys()
            return found >= 3 or found

        await until("keys of both ends are new", has_new_keys)
        await meet(blue, green)
    for kind in ("audio", "video"):
        stream = blue.report.streams[kind]
        assert min(stream.own_keys, stream.peer_keys) >= 3, blue.report
        assert (stream.lost_packets, stream.dropped) == (0, {}), blue.report


async def test_a_picture_of_high_profile_is_seen(administrator: Administrator):
    assert administrator
    async with AsyncExitStack() as leaving:
        high = replace(options_of(BLUE, "1002", encryption=Encryption.OFF), profile="high")
        blue = await leaving.enter_async_context(calling(high))
        green = await leaving.enter_async_context(calling(options_of(GREEN, "1002", encryption=Encryption.OFF)))
        await meet(blue, green)
        sent = blue.session.agreed[-1].stream(Kind.VIDEO)
        assert sent is not None
        assert sent.send is not None
        assert sent.send.profile_level_id.startswith("64")


@pytest.mark.parametrize("is_fast", [True, False], ids=["taken", "refused"])
async def test_a_call_in_clear_proposes_its_sound(administrator: Administrator, is_fast: bool, tmp_path: Path):
    """Asterisk takes it, or opens channels by H.245 as ever."""
    needs_programs("tshark")
    async with AsyncExitStack() as leaving:
        blue = await leaving.enter_async_context(calling(options_of(BLUE, "1003", encryption=Encryption.OFF)))
        await leaving.enter_async_context(ward3.running(is_fast=is_fast, name="ward7", address=OTHER_TERMINAL))
        with Sniffer() as wire:
            body = {"target": f"h323:777@{OTHER_TERMINAL}", "role": "guest"}
            await administrator.call("POST", "/conferences/1003/calls", body, expect=201)

            async def hears_it() -> object:
                found = oracles.heard(await blue.session.sound(1.0), RATE_HZ, (MILLIWATT, BLUE))
                return found == {MILLIWATT.name} or found

            await until("its tone is heard", hears_it)
        proposed = await _have_fast_start(wire.write(tmp_path / "call.pcap"))
        assert proposed == ({SERVER, OTHER_TERMINAL} if is_fast else {SERVER})


async def _have_fast_start(pcap: Path) -> set[str]:
    """Whose messages have fastStart, as tshark reads them."""
    process = await asyncio.create_subprocess_exec(
        "tshark", "-r", str(pcap), "-Y", "h225.fastStart", "-T", "fields", "-e", "ip.src",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await said_by(process)
    assert process.returncode == 0, errors.decode(errors="replace")
    return set(output.decode().split())
