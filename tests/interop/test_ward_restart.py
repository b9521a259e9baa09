"""The whole server is killed and started again, with a terminal at a port of its own: what passes meanwhile."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.interop.echo import Echo
from tests.interop.guarded_ward import Ward, ward
from tests.interop.media import RED
from tests.interop.supplicant import Supplicant
from tests.interop.waiting import until
from tests.interop.ward_network import SUCCESS

TRIES = 5
TIMEOUT_S = 5
"""Of nftables."""


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("bridge", "ip", "nft", "nsenter", "unshare", "wpa_supplicant")


@asynccontextmanager
async def let_in(house: Ward, echo: Echo) -> AsyncIterator[Supplicant]:
    """Red's device, which says its address when it is in."""
    terminal = house.supplicant(RED)
    try:
        await until("red is in", lambda: has_succeeded(terminal))
        house.places["red"].announce()
        await echo.until_passes(True)
        yield terminal
    finally:
        terminal.stop()


async def has_succeeded(terminal: Supplicant) -> object:
    return SUCCESS in terminal.log() or terminal.log()[-1500:]


async def stays_out(house: Ward, echo: Echo) -> None:
    for _ in range(TRIES):
        assert not await echo.passes()
        house.places["red"].announce()


async def killed(house: Ward) -> None:
    assert await house.hall.server.stop(signal.SIGKILL) == -signal.SIGKILL


async def test_a_server_that_is_killed_leaves_nothing_open(tmp_path: Path):
    async with ward(tmp_path, timeout_s=TIMEOUT_S) as house:
        with house.echo(RED) as echo:
            await stays_out(house, echo)
            async with let_in(house, echo) as terminal:
                await asyncio.sleep(1.5 * TIMEOUT_S)
                assert await echo.passes(), "it has been said again"
                await killed(house)
                await echo.until_passes(False, within_s=TIMEOUT_S)
                await stays_out(house, echo)
                terminal.fall_silent()
            await house.hall.server.serve()
            await stays_out(house, echo)
            async with let_in(house, echo):
                assert await echo.passes()


async def test_with_the_bridge_alone_the_next_start_closes_what_stayed_open(tmp_path: Path):
    async with ward(tmp_path, drivers=["bridge"]) as house:
        with house.echo(RED) as echo:
            await stays_out(house, echo)
            async with let_in(house, echo) as terminal:
                await killed(house)
                ends_at = time.monotonic() + 1.5 * TIMEOUT_S
                while time.monotonic() < ends_at:
                    assert await echo.passes(), "entries of the kernel stay"
                terminal.fall_silent()
            assert await echo.passes()
            await house.hall.server.serve()
            await stays_out(house, echo)
            async with let_in(house, echo):
                assert await echo.passes()


async def test_who_is_still_there_logs_in_anew_by_itself(tmp_path: Path):
    """It was never told that it is out: whoever comes up asks."""
    async with ward(tmp_path, timeout_s=TIMEOUT_S) as house:
        with house.echo(RED) as echo:
            async with let_in(house, echo) as terminal:
                await killed(house)
                await echo.until_passes(False, within_s=TIMEOUT_S)
                before = terminal.log().count(SUCCESS)
                await house.hall.server.serve()
                await until("red is in again", lambda: has_more(terminal, before))
                house.places["red"].announce()
                await echo.until_passes(True)


async def has_more(terminal: Supplicant, before: int) -> object:
    return terminal.log().count(SUCCESS) > before or terminal.log()[-1500:]
