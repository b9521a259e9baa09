"""Asterisk's chan_ooh323 and calls of which sockets and tasks are counted; test_h323_terminals.py has it in rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio

from signaling.h323.call import events
from tests.interop import h323_stand, ward3
from tests.interop.asterisk_h323 import Asterisk
from tests.interop.namespace import OTHER_TERMINAL, SERVER, TERMINAL
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
TUNNELS = pytest.mark.parametrize("tunnels", [True, False], ids=["tunnelled", "separate"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ward() -> AsyncIterator[Asterisk]:
    """One for all calls that it survives."""
    async with ward3.running() as asterisk:
        yield asterisk


def another(*, tunnels: bool = True) -> AbstractAsyncContextManager[Asterisk]:
    """One that may be set up otherwise, or die."""
    return ward3.running(name="ward4", address=OTHER_TERMINAL, tunnels=tunnels)


async def nothing_is_left(asterisk: Asterisk) -> None:
    async def is_free() -> object:
        return (await asterisk.channels()) == 0

    await until("Asterisk has no call", is_free)


@TUNNELS
async def test_asterisk_takes_our_fast_start(tunnels: bool):
    async with h323_stand.running(SERVER) as stand, another(tunnels=tunnels) as asterisk:
        found = await stand.dial((OTHER_TERMINAL, ward3.PORT), "777", is_fast=True)
        await found.until("connected", lambda: found.find(events.Connected))
        await found.is_up()
        assert found.find(events.FastStartAnswered) is not None
        assert found.call.is_tunnelling == tunnels
        await found.hears()
        found.call.release()
        assert not (await found.is_over()).is_by_peer
        await nothing_is_left(asterisk)
        assert set(stand.signalling.counters) <= {"stream-reset"}  # Asterisk closes what it has not read


@TUNNELS
async def test_a_hundred_calls_leave_nothing(ward: Asterisk, tunnels: bool):
    """Twenty-five at a time, half of them with fast start."""
    async with h323_stand.running(SERVER, tunnels=tunnels) as stand:
        for _ in range(2):
            found = [await stand.dial((TERMINAL, ward3.PORT), "777", is_fast=bool(number % 2)) for number in range(25)]
            for each in found:
                await each.is_up()
            for each in found:
                each.call.release()
            for each in found:
                await each.is_over()

        async def is_closed() -> object:
            return not any(stand.signalling.gauges.values()) or stand.signalling.gauges

        await until("all connections are closed", is_closed)
        await nothing_is_left(ward)
        assert len(stand.calls) == 50


async def test_a_busy_terminal_says_so(ward: Asterisk):
    async with h323_stand.running(SERVER) as stand:
        found = await stand.dial((TERMINAL, ward3.PORT), "778", is_fast=False)
        released = await found.is_over()
        assert (released.cause, released.is_by_peer) == (17, True)


@TUNNELS
async def test_a_terminal_that_dies_is_noticed(tunnels: bool):
    async with h323_stand.running(SERVER, tunnels=tunnels) as stand, another() as asterisk:
        ours = await stand.dial((OTHER_TERMINAL, ward3.PORT), "777", is_fast=False)
        await ours.is_up()
        await asterisk.console("channel originate OOH323/1001@drumtower application Milliwatt")
        await ours.until("called, too", lambda: len(stand.calls) == 2)
        theirs = stand.calls[1]
        await theirs.is_up()
        asterisk.kill()
        for each in (ours, theirs):
            async with asyncio.timeout(3):
                assert (await each.is_over()).cause == 41
        assert stand.signalling.gauges["calls"] == 0
