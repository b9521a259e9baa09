"""Waiting for what is to happen, instead of sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(
    what: str, holds: Callable[[], Awaitable[object]], timeout_s: float = 20.0, every_s: float = 0.2
) -> float:
    """Wait until `holds()` is true; how long it took. The failure says what was there instead."""
    loop = asyncio.get_running_loop()
    started, last = loop.time(), None
    while loop.time() < started + timeout_s:
        last = await holds()
        if last is True:
            return loop.time() - started
        await asyncio.sleep(every_s)
    raise AssertionError(f"{what}: {last}")


async def until_holds(wanted: Callable[[], object], timeout_s: float = 10.0) -> None:
    """The same for what can be looked up at once."""
    async with asyncio.timeout(timeout_s):
        while not wanted():
            await asyncio.sleep(0.02)
