"""All streams of H.323 that are open, and what each source may send on them."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final, TypeVar

from config.h323 import H323Settings
from signaling.h323.ras.address import Address
from signaling.h323.transport.stream import Stream
from signaling.rates import SourceRates

T = TypeVar("T")

_SWEEP_S = 1.0
_GOODBYE_S: Final = 1.0
"""So long stop() waits for peers to close."""
_UNIT_BYTES: Final = 512
"""A longer message counts as several: reading takes as long as it is."""


class Streams:
    """Shared by the call signalling and H.245 of a server."""

    def __init__(self, settings: H323Settings, counters: Counter[str]) -> None:
        self.settings = settings
        self.counters = counters
        self.rates = SourceRates(
            settings.messages_per_s_per_source, settings.message_burst_per_source, settings.messages_per_s_per_source,
            max_sources=settings.max_sources, unlimited=settings.unlimited_networks,
        )  # fmt: skip
        self.calls = SourceRates(
            settings.new_calls_per_s_per_source, settings.new_call_burst_per_source,
            settings.new_calls_per_s_per_source, max_sources=settings.max_sources,
            unlimited=settings.unlimited_networks,
        )  # fmt: skip
        """What is left to each source of new calls."""
        self._open: set[Stream] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._is_stopped = True
        self._is_empty = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def start(self) -> None:
        """Begin to look for streams that are of no use."""
        self._is_stopped = False
        self._sweep = asyncio.get_running_loop().call_later(_SWEEP_S, self._cut_useless)

    async def stop(self) -> None:
        """Close everything; afterwards no task and no socket is left."""
        self._is_stopped = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for stream in list(self._open):
            stream.close()
        if self._open:
            self._is_empty.clear()
            try:
                async with asyncio.timeout(_GOODBYE_S):
                    await self._is_empty.wait()
            except TimeoutError:
                for stream in list(self._open):
                    stream.abort()
        await asyncio.sleep(0)  # connection_lost is called from the loop

    def accept(self, accepted: socket.socket, stream: Stream) -> None:
        """Make an accepted socket, which is ours from now on, the connection of `stream`."""
        loop = asyncio.get_running_loop()
        task = self.run(loop.connect_accepted_socket(lambda: stream, accepted))
        task.add_done_callback(partial(self._taken, accepted, stream))

    async def connect(self, stream: Stream, address: Address, local_host: str) -> None:
        """Connect from a local address. Raises OSError, TimeoutError."""
        self._must_run()
        loop = asyncio.get_running_loop()
        making = self.run(loop.create_connection(lambda: stream, *address, local_addr=(local_host, 0)))
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await asyncio.wait([making])
            self._must_run()
            making.result()
        except BaseException:
            making.cancel()
            stream.abort()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that ends with us at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def now(self) -> float:
        """The loop's clock."""
        return asyncio.get_running_loop().time()

    # ---- what streams tell and ask

    def opened(self, stream: Stream) -> bool:
        """It can be used; False where nobody wants it any more."""
        if self._is_stopped:
            return False
        self._open.add(stream)
        return True

    def closed(self, stream: Stream, error: Exception | None) -> None:
        """It ended."""
        self._open.discard(stream)
        if error is not None:
            self.counters["stream-reset"] += 1
        if not self._open:
            self._is_empty.set()

    def wait_s(self, stream: Stream, now: float) -> float:
        """How long its source has to wait until its next unit is taken."""
        return self.rates.wait_s(stream.remote[0], now)

    def took(self, stream: Stream, unit: bytes, now: float) -> None:
        """A unit was read that may have been a long one."""
        for _ in range(len(unit) // _UNIT_BYTES):
            self.rates.wait_s(stream.remote[0], now)

    def _taken(self, accepted: socket.socket, stream: Stream, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or task.exception() is not None:
            accepted.close()
            stream.failed()

    def _must_run(self) -> None:
        if self._is_stopped:
            raise OSError(errno.ESHUTDOWN, "H.323 is stopped")

    def _cut_useless(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for stream in list(self._open):
            is_stuck = stream.part_since is not None and now - stream.part_since > self.settings.message_s
            if is_stuck or (stream.useful_by is not None and now > stream.useful_by):
                self.counters["stream-stuck" if is_stuck else "stream-mute"] += 1
                stream.abort()
        self._sweep = loop.call_later(_SWEEP_S, self._cut_useless)
