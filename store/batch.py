"""Writing together what changes every second: the newest value of each key waits in memory, then one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from store.errors import StoreError

logger = logging.getLogger(__name__)

Value = TypeVar("Value")
_MAX_KEYS = 10_000


class Batch(Generic[Value]):
    """A bounded table of newest values; a task writes it `every_s` seconds while there is something to write."""

    def __init__(self, write: Callable[[Mapping[str, Value]], Awaitable[None]], every_s: float) -> None:
        self._write = write
        self._every_s = every_s
        self._values: dict[str, Value] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        self._writing = asyncio.Lock()
        self.dropped = 0
        """Values that were lost: too many keys, or the database failed."""

    def put(self, key: str, value: Value) -> None:
        """Replace the value of `key`; it is written within `every_s`."""
        if key not in self._values and len(self._values) >= _MAX_KEYS:
            self.dropped += 1
            return
        self._values[key] = value
        if self._task is None and not self._is_closed:
            self._task = asyncio.create_task(self._run())

    def discard(self, key: str) -> None:
        """Forget a value that was not written yet."""
        self._values.pop(key, None)

    async def flush(self) -> None:
        """Write now what waits; what is on its way already is written when this returns, too."""
        await self._flush()

    async def close(self) -> None:
        """Write the rest and end the task."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._flush()

    async def _run(self) -> None:
        try:
            while self._values:
                await asyncio.sleep(self._every_s)
                await self._flush()
        finally:
            self._task = None

    async def _flush(self) -> None:
        async with self._writing:
            await self._write_all()

    async def _write_all(self) -> None:
        values, self._values = self._values, {}
        if not values:
            return
        try:
            await self._write(values)
        except StoreError as error:
            self.dropped += len(values)
            logger.warning("%d values could not be written: %s", len(values), type(error).__name__)
        except asyncio.CancelledError:
            # Closed in the middle: newer values win over those that were on their way.
            self._values = {**values, **self._values}
            raise
