"""Where recordings are kept: makes identity, key and file, serves them for watching, mends what was cut off."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import shutil
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Protocol

from config.recording import RecordingSettings
from crypto.keys import KeyFault, MasterKey
from crypto.sealing import KEY_BYTES, MAX_HEAD_BYTES, Head, SealError, SealReader, Verified, verify
from mcu.policy import RoomPolicy
from mcu.worker.messages import RecordingEnded, RecordingProgress, StartRecording
from recorder.disk import sync_folder
from recorder.errors import BadFileError, DiskFullError, NoSuchFileError, RecordingError
from recorder.mp4 import IndexedFile
from recorder.reader import RecordingReader, SealedFile, read_intact, wait_until_closed
from store.errors import StoreError
from store.recordings import Recording

__all__ = ["Library", "RecordingReader", "RecordingStore", "Verdict"]

logger = logging.getLogger(__name__)
_SUFFIX = ".dtr"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_MAX_INDEXES = 4
"""Up to 15 MB each, for a recording of 12 hours."""


class RecordingStore(Protocol):
    """The rows of the library; store.recordings.Recordings is one."""

    def add(self, recording: Recording) -> Awaitable[None]:
        """A recording begins."""

    def progress(self, recording_id: str, *, size_bytes: int, duration_s: float, chain_head: str) -> Awaitable[None]:
        """It grew."""

    def took_part(self, recording_id: str, participants: tuple[str, ...]) -> Awaitable[None]:
        """Who is in it."""

    def end(
        self,
        recording_id: str,
        *,
        ended_at: datetime,
        size_bytes: int,
        duration_s: float,
        chain_head: str,
        state: str = "complete",
        error: str = "",
    ) -> Awaitable[Recording]:
        """It is closed."""

    def running(self) -> Awaitable[list[Recording]]:
        """Those without an end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the seal of a recording found."""

    is_intact: bool
    first_bad_byte: int | None = None
    """Offset in the sealed file where the first broken chunk begins, or where it was cut off."""
    reason: str = ""


class Library:
    """The recordings of this server. Methods that are not coroutines block and belong off the loop."""

    def __init__(self, store: RecordingStore, directory: Path, master: MasterKey, settings: RecordingSettings) -> None:
        self._store = store
        self._directory = directory
        self._master = master
        self._settings = settings
        self._indexes: OrderedDict[str, IndexedFile] = OrderedDict()
        self._lock = Lock()

    # ---- while it runs ------------------------------------------------------------------------------------------

    async def begin(self, policy: RoomPolicy, leg: int, by: str, picture: tuple[int, int, int]) -> StartRecording:
        """Make identity, key and file name; `picture` is width, height, frames a second. Raises RecordingError."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(6)}"
        await asyncio.to_thread(self._prepare)
        key = secrets.token_bytes(KEY_BYTES)
        head = Head(name, self._master.wrap(key, _context(name))).serialize()
        try:
            await self._store.add(Recording(name, policy.number, policy.name, now, by))
        except StoreError as error:
            logger.error("recording=%s is not listed: %s", name, error)
            raise RecordingError("cannot-register") from error
        path = str(self._path(name).resolve())
        return StartRecording(leg, name, path, key, head, *picture)

    async def progress(self, message: RecordingProgress) -> None:
        """It grew."""
        await self._store.progress(
            message.recording,
            size_bytes=message.size_bytes,
            duration_s=message.duration_s,
            chain_head=message.chain_head,
        )

    async def finish(self, message: RecordingEnded, participants: Sequence[str]) -> None:
        """It ended; where the recorder itself was lost, what the disk holds is what counts."""
        await self._store.took_part(message.recording, tuple(participants))
        if message.error and not message.chain_head:
            await self._end_from_file(message.recording, datetime.now(UTC), "failed", message.error)
            return
        await self._store.end(
            message.recording,
            ended_at=datetime.now(UTC),
            size_bytes=message.size_bytes,
            duration_s=message.duration_s,
            chain_head=message.chain_head,
            state="failed" if message.error else "complete",
            error=message.error,
        )

    async def recover(self) -> list[str]:
        """Close the rows of recordings that were running when the server stopped; their ids."""
        interrupted = await self._store.running()
        for recording in interrupted:
            await self._end_from_file(recording.id, None, "interrupted", "", recording)
        return [recording.id for recording in interrupted]

    async def _end_from_file(
        self, name: str, ended_at: datetime | None, state: str, error: str, row: Recording | None = None
    ) -> None:
        found, duration_s = await asyncio.to_thread(self._salvage, name, row.size_bytes if row else 0)
        logger.info("recording=%s %s, %.1f s are whole", name, state, duration_s)
        started_at = row.started_at if row else datetime.now(UTC)
        await self._store.end(
            name,
            ended_at=ended_at or started_at + timedelta(seconds=duration_s),
            size_bytes=found.size if found else 0,
            duration_s=duration_s,
            chain_head=found.chain_head if found else "",
            state=state if found else "failed",
            error=error if found else error or "unreadable",
        )

    # ---- afterwards ---------------------------------------------------------------------------------------------

    def open(self, recording: Recording) -> RecordingReader:
        """Open for watching. Raises RecordingError or OSError where file or key are missing or broken."""
        file = SealedFile(self._path(recording.id))
        try:
            reader = SealReader(file.read_at, file.size, self._key(file, recording.id))
            return RecordingReader(file, reader, self._index(recording, reader))
        except (SealError, KeyFault) as error:
            file.close()
            raise BadFileError(str(error)) from error
        except BaseException:
            file.close()
            raise

    def verify(self, recording: Recording) -> Verdict:
        """Check every chunk, the whole chain, and its end against the row. Raises OSError without a file."""
        try:
            found = self._verify(recording.id)
        except SealError as error:
            return Verdict(is_intact=False, first_bad_byte=error.offset, reason=error.reason)
        except KeyFault as error:
            return Verdict(is_intact=False, reason=str(error))
        if found.first_bad is not None:
            return Verdict(is_intact=False, first_bad_byte=found.first_bad[0], reason="a chunk was changed or is torn")
        if recording.chain_head and found.chain_head != recording.chain_head:
            return Verdict(is_intact=False, first_bad_byte=found.size, reason="the file ends elsewhere than it did")
        if recording.state == "complete" and not found.is_complete:
            return Verdict(is_intact=False, first_bad_byte=found.size, reason="the end is missing")
        return Verdict(is_intact=True)

    def delete(self, recording_id: str) -> None:
        """Remove the file; nothing happens when there is none."""
        with self._lock:
            self._indexes.pop(recording_id, None)
        self._path(recording_id).unlink(missing_ok=True)

    # ---- helpers ------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        try:
            if not self._directory.is_dir():
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_folder(self._directory.parent)
            free = shutil.disk_usage(self._directory).free
        except OSError as error:
            raise RecordingError("cannot-write") from error
        if free < self._settings.min_free_bytes:
            raise DiskFullError

    def _path(self, name: str) -> Path:
        if not _ID.match(name):
            raise NoSuchFileError
        return self._directory / f"{name}{_SUFFIX}"

    def _key(self, file: SealedFile, name: str) -> bytes:
        head, _ = Head.parse(file.read_at(0, MAX_HEAD_BYTES))
        if head.id != name:
            raise SealError("the file belongs to another recording")
        return self._master.unwrap(head.wrapped_key, _context(name))

    def _verify(self, name: str) -> Verified:
        file = SealedFile(self._path(name))
        try:
            return verify(file.read_at, file.size, self._key(file, name))
        finally:
            file.close()

    def _salvage(self, name: str, known_bytes: int) -> tuple[Verified | None, float]:
        """What is whole of a file that was cut off, and how long it plays; its torn end is removed.

        Damage before `known_bytes`, which were known to be on the disk, is no torn end: it stays for verify() to tell.
        """
        try:
            wait_until_closed(self._path(name))
            found = self._verify(name)
            if found.first_bad is not None and found.size >= known_bytes:
                os.truncate(self._path(name), found.size)
            reader = self.open(Recording(name, "", "", datetime.now(UTC), ""))
        except (RecordingError, SealError, KeyFault, OSError) as error:
            logger.warning("recording=%s cannot be read: %s", name, error)
            return None, 0.0
        try:
            return found, reader.duration_s
        finally:
            reader.close()

    def _index(self, recording: Recording, reader: SealReader) -> IndexedFile:
        """The index of a recording that has ended is kept; making it reads a piece of every fragment."""
        with self._lock:
            known = self._indexes.get(recording.id)
        if known is not None:
            return known
        made = IndexedFile(partial(read_intact, reader, recording.id), reader.size)
        if recording.ended_at is not None:
            with self._lock:
                self._indexes[recording.id] = made
                while len(self._indexes) > _MAX_INDEXES:
                    self._indexes.popitem(last=False)
        return made


def _context(name: str) -> str:
    """What the wrapped key of a recording is bound to."""
    return f"recording/{name}"
