"""Notices what changed at our own ports and RADIUS servers, for pages that show them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from portal.services import OwnPorts

LOOK_EVERY_S: Final = 1.0


async def watch_ports(ports: OwnPorts, is_watched: Callable[[], bool], changed: Callable[[], None]) -> None:
    """Compare what is shown, while anybody looks, until cancelled; ports that tell nobody need no list of observers."""
    before: object = None
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if not is_watched():
            continue
        now = (ports.statuses(), ports.servers())
        if now != before:
            before = now
            changed()
