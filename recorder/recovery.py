"""After a stop of any kind: rows get their ends, files their rows, and what is missing is said.

A row is durable before its file is begun, and its end before anybody is told of it. So a power cut leaves a row that
still runs, whose file is cut off at most 3 s before. A database that was lost or taken back to an older copy leaves
files without rows; their labels say what they are.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from crypto.sealing import MAX_HEAD_BYTES, Head, SealError
from mcu.worker.messages import RecordingEnded
from recorder.errors import RecordingError
from recorder.rows import RecordingRows
from recorder.salvage import Salvaged, salvage
from recorder.shelf import Shelf, file_name, recording_ids
from recorder.storage import DRAFT_SUFFIX
from store.recordings import Recording

logger = logging.getLogger(__name__)
FILE_MISSING = "file-missing"
_UNREADABLE = "unreadable"
_STARTED = "%Y%m%dT%H%M%SZ"
"""How ids begin."""


class Recovery:
    """Mends files and rows, so that they agree."""

    def __init__(self, rows: RecordingRows, shelf: Shelf) -> None:
        self._rows = rows
        self._shelf = shelf

    async def recover(self) -> list[str]:
        """Close rows that were running when the server stopped, and list files that have no row; the ids of both."""
        interrupted = await self._rows.running()
        for row in interrupted:
            await self._end_interrupted(row)
        return [row.id for row in interrupted] + await self._compare()

    async def _compare(self) -> list[str]:
        """Files with rows; the ids of what is taken in. A disk that fails keeps nobody from starting the server."""
        try:
            names = await asyncio.to_thread(self._shelf.storage.names)
            await asyncio.to_thread(self._remove_drafts, names)
        except OSError as error:
            logger.error("the folder of recordings cannot be read: %s", error)
            return []
        found, errors = recording_ids(names), await self._rows.errors()
        taken_in = [name for name in sorted(found - errors.keys()) if await self._take_in(name)]
        await self._say_what_is_missing(found, errors)
        return taken_in

    async def end_failed(self, message: RecordingEnded, now: datetime, participants: tuple[str, ...]) -> None:
        """One that ended by itself: what the disk holds is what counts, where that is not what was told."""
        if message.chain_head and await asyncio.to_thread(self._size, message.recording) == message.size_bytes:
            whole = Salvaged(message.size_bytes, message.duration_s, message.chain_head, is_complete=True, label=None)
            await self._end(message.recording, whole, now, "failed", message.error, participants)
            return
        found = await asyncio.to_thread(salvage, self._shelf, message.recording, message.size_bytes)
        await self._end(message.recording, found, now, "failed", message.error, participants)

    async def _end_interrupted(self, row: Recording) -> None:
        found = await asyncio.to_thread(salvage, self._shelf, row.id, row.size_bytes)
        ended_at = row.started_at + timedelta(seconds=found.duration_s if found else 0.0)
        is_there = found is not None or await asyncio.to_thread(self._is_there, row.id)
        await self._end(row.id, found, ended_at, _state(found), "" if is_there else FILE_MISSING)

    async def _end(
        self,
        name: str,
        found: Salvaged | None,
        ended_at: datetime,
        state: str,
        error: str,
        participants: tuple[str, ...] | None = None,
    ) -> None:
        logger.info("recording=%s %s, %.1f s are whole", name, state, found.duration_s if found else 0.0)
        await self._rows.end(
            name,
            ended_at=ended_at,
            size_bytes=found.size_bytes if found else 0,
            duration_s=found.duration_s if found else 0.0,
            chain_head=found.chain_head if found else "",
            state=state,
            error=error if found else error or _UNREADABLE,
            participants=participants,
        )

    async def _take_in(self, name: str) -> bool:
        """List a file that has no row; one that was cut off before its head was written holds nothing, and goes."""
        found = await asyncio.to_thread(salvage, self._shelf, name)
        if found is None and await asyncio.to_thread(self._is_empty, name):
            logger.warning("recording=%s has neither row nor content, and is removed", name)
            await asyncio.to_thread(self._remove, name)
            return False
        label = found.label if found else None
        started_at = label.started_at if label else _started_at(name)
        row = Recording(
            name,
            label.room_number if label else "",
            label.room_name if label else "",
            started_at,
            label.started_by if label else "recovery",
        )
        await self._rows.add(row)
        ended_at = started_at + timedelta(seconds=found.duration_s if found else 0.0)
        await self._end(name, found, ended_at, _state(found), "")
        return True

    async def _say_what_is_missing(self, found: set[str], errors: dict[str, str]) -> None:
        for name in sorted(errors.keys() - found):
            if not errors[name]:
                logger.error("recording=%s is lost: its file is missing", name)
                await self._rows.note_error(name, FILE_MISSING)
        for name in sorted(errors.keys() & found):
            if errors[name] == FILE_MISSING:
                logger.info("recording=%s is back", name)
                await self._rows.note_error(name, "")

    def _remove_drafts(self, names: list[str]) -> None:
        for name in names:
            if name.endswith(DRAFT_SUFFIX):
                self._shelf.storage.remove(name)

    def _remove(self, name: str) -> None:
        try:
            self._shelf.storage.remove(file_name(name))
        except OSError as error:
            logger.error("recording=%s cannot be removed: %s", name, error)

    def _is_there(self, name: str) -> bool:
        return self._size(name) is not None

    def _size(self, name: str) -> int | None:
        """How long the file is; None where there is none that can be opened."""
        try:
            file = self._shelf.storage.open(file_name(name))
        except (OSError, RecordingError):
            return None
        file.close()
        return file.size

    def _is_empty(self, name: str) -> bool:
        try:
            file = self._shelf.storage.open(file_name(name))
        except (OSError, RecordingError):
            return False
        try:
            Head.parse(file.read_at(0, MAX_HEAD_BYTES))
        except SealError:
            return file.size <= MAX_HEAD_BYTES
        finally:
            file.close()
        return False


def _state(found: Salvaged | None) -> str:
    if found is None:
        return "failed"
    return "complete" if found.is_complete else "interrupted"


def _started_at(name: str) -> datetime:
    try:
        return datetime.strptime(name.partition("-")[0], _STARTED).replace(tzinfo=UTC)
    except ValueError:
        return datetime.now(UTC)
