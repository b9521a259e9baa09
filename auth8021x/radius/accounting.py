"""The accounting client (RFC 2866): what is told about sessions reaches a server, though this machine starts again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final, Protocol

from auth8021x.errors import NoAnswerError, QueueFullError
from auth8021x.radius.accounting_queue import AccountingQueue
from auth8021x.radius.journal import Journal
from auth8021x.radius.record import Record
from auth8021x.radius.request import Answered, Request
from auth8021x.wire import attribute
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, Code, Type

logger = logging.getLogger(__name__)

_DISK_RETRY_S: Final = 5.0
_MAX_DELAY_S: Final = 0xFFFF_FFFF


class Asker(Protocol):
    """What sends requests: RadiusClient."""

    async def ask(self, request: Request) -> Answered:
        """The answer. Raises NoAnswerError."""


class AccountingClient:
    """Keeps records and delivers them while run() runs."""

    def __init__(
        self, queue: AccountingQueue, journal: Journal, asker: Asker, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self.queue = queue
        self._journal = journal
        self._asker = asker
        self._wall_clock = wall_clock
        self._added: dict[int, Record] = {}
        self._removed: list[int] = []
        self._writing: asyncio.Task[bool] | None = None
        self._last_number = 0
        self._changed = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    async def load(self) -> None:
        """Take up what was kept; call it once, before anything else. Raises OSError."""
        kept = await asyncio.to_thread(self._journal.load)
        for record in kept:
            self._last_number = record.number
            with contextlib.suppress(QueueFullError):
                self.queue.put(record)
        if len(self.queue):
            self._drained.clear()
        if self._journal.damaged:
            logger.warning("accounting: %d lines could not be read", self._journal.damaged)
        if kept:
            logger.info("accounting: %d records are still to be delivered", len(self.queue))

    def put(self, session: str, status: AcctStatusType, attributes: tuple[Attribute, ...]) -> None:
        """Tell something about a session. Raises QueueFullError."""
        self._last_number += 1
        now = self._wall_clock()
        stamp = attribute.number(Type.EVENT_TIMESTAMP, int(now))
        made = (attribute.number(Type.ACCT_STATUS_TYPE, status), *attributes, stamp)
        record = Record(self._last_number, session, status, made, now)
        removed = self.queue.put(record)
        self._added[record.number] = record
        self._drained.clear()
        self._forget(removed)
        self._changed.set()

    async def drained(self) -> None:
        """Wait until nothing waits to be delivered any more."""
        await self._drained.wait()

    async def run(self) -> None:
        """Deliver until cancelled; what is kept then is delivered after the next start."""
        try:
            async with asyncio.TaskGroup() as deliveries:
                while True:
                    self._changed.clear()
                    self._forget(self.queue.expire(self._wall_clock()))
                    if not await self._keep():
                        await asyncio.sleep(_DISK_RETRY_S)
                    for record in self.queue.ready(self._now()):
                        deliveries.create_task(self._deliver(record))
                    await self._wait()
        finally:
            await self._keep()

    async def _wait(self) -> None:
        due = self.queue.next_timeout()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if due is None else max(0.0, due - self._now())):
                await self._changed.wait()

    async def _keep(self) -> bool:
        """Write what is new; False where the disk is full or gone, so that records live in memory alone.

        One after the other, also where nobody waits for one any more: a thread that writes cannot be called back.
        """
        self._writing = asyncio.get_running_loop().create_task(self._write(self._writing))
        return await asyncio.shield(self._writing)

    async def _write(self, before: asyncio.Task[bool] | None) -> bool:
        if before is not None:
            await asyncio.wait([before])
        if not self._added and not self._removed:
            return True
        added, removed = self._added, self._removed
        self._added, self._removed = {}, []
        try:
            size = await asyncio.to_thread(self._journal.write, list(added.values()), removed)
            if self._journal.is_wasteful(size, len(self.queue)):
                await asyncio.to_thread(self._journal.compact, self._on_disk())
        except OSError as error:
            logger.error("accounting: the journal cannot be written: %s", error.strerror)
            self._added = added | self._added
            self._removed = removed + self._removed
            return False
        return True

    def _on_disk(self) -> list[Record]:
        """What the file has to hold: all but what is not written yet."""
        return [record for record in self.queue.records() if record.number not in self._added]

    async def _deliver(self, record: Record) -> None:
        delay_s = min(max(0, int(self._wall_clock() - record.made_at)), _MAX_DELAY_S)
        attributes = (*record.attributes, attribute.number(Type.ACCT_DELAY_TIME, delay_s))
        try:
            await self._asker.ask(Request(Code.ACCOUNTING_REQUEST, attributes))
        except NoAnswerError:
            self.queue.failed(record, self._now())
        except Exception:
            # Whatever it is: all other records would stay here with this one.
            logger.exception("accounting: session=%s", record.session)
            self.queue.failed(record, self._now())
        else:
            self.queue.delivered(record)
            self._forget([record])
        self._changed.set()

    def _forget(self, records: list[Record]) -> None:
        """They need not be kept any more."""
        for record in records:
            if self._added.pop(record.number, None) is None:
                self._removed.append(record.number)
        if not len(self.queue):
            self._drained.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
