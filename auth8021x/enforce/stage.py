"""One driver at its own pace: a kernel that is slow with bridges must not keep nftables from closing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from auth8021x.enforce.drivers import Driver
from auth8021x.enforce.plan import Plan
from auth8021x.errors import EnforcementError
from config.dot1x_enforcement import EnforcementSettings

logger = logging.getLogger(__name__)

_TIMES_PER_TIMEOUT: Final = 3
"""How often a driver is told within the time in which its entries run out."""


class Stage:
    """Tells a driver what changed, says it again in time, and tries again after trouble.

    Stages stand in a row: each is told a plan when the one before it has had it, so that their order holds.
    """

    def __init__(
        self, driver: Driver, settings: EnforcementSettings, plan: Callable[[], Plan], counters: Counter[str]
    ) -> None:
        """`plan`: how all ports are to be, asked when the driver is told."""
        self.next: Stage | None = None
        self.on_kept_out: Callable[[Mapping[tuple[str, bytes], str]], None] = _nobody_is_told
        """Told of who is not in, as EnforcementError has it."""
        self._told: Plan = ()
        self._driver = driver
        self._settings = settings
        self._plan = plan
        self._counters = counters
        self._changed = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._trouble = ""

    def told(self) -> Plan:
        """What the driver was told last, whatever became of it."""
        return self._told

    async def close(self) -> None:
        """Tell the plan of the start, which lets nobody in. Raises EnforcementError."""
        self._told = self._plan()
        await self._driver.apply(self._told)

    def start(self) -> None:
        """Begin to follow changes."""
        self._work = asyncio.get_running_loop().create_task(self._keep())

    def tell(self) -> None:
        """There is another plan."""
        self._changed.set()

    async def stop(self) -> None:
        """Leave no task behind; the driver is told no more."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
            self._work = None

    async def apply(self) -> bool:
        """Tell the driver, and then the next one, whatever became of it; whether it did all."""
        plan, trouble = self._plan(), ""
        kept_out: Mapping[tuple[str, bytes], str] = {}
        try:
            await self._driver.apply(plan)
        except EnforcementError as error:
            trouble, kept_out = str(error), error.kept_out
        except Exception as error:
            # Whatever it is: were this to end, whoever is in would stay in.
            logger.exception("driver=%s", self._driver.name)
            trouble = type(error).__name__
        self._report(trouble)
        self._told = plan
        if self.next is not None:
            self.next.tell()
        if kept_out:
            self.on_kept_out(kept_out)
        return not trouble

    async def _keep(self) -> None:
        is_done = True
        while True:
            await self._wait(self._settings.timeout_s / _TIMES_PER_TIMEOUT if is_done else self._settings.retry_s)
            self._changed.clear()
            is_done = await self.apply()

    async def _wait(self, at_most_s: float) -> None:
        """For a change, or until it is time to say everything again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._changed.wait()

    def _report(self, trouble: str) -> None:
        """Once, not at every try."""
        name = self._driver.name
        if trouble:
            self._counters[f"{name}-error"] += 1
        if trouble and trouble != self._trouble:
            logger.error("driver=%s %s", name, trouble)
        elif self._trouble and not trouble:
            logger.info("driver=%s works again", name)
        self._trouble = trouble


def _nobody_is_told(_kept_out: Mapping[tuple[str, bytes], str]) -> None:
    """Nobody wants to know."""
