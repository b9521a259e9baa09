"""Recordings that begin, grow and end: their identity, key and row."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from config.recording import RecordingSettings
from mcu.policy import RoomPolicy
from mcu.worker.messages import RecordingEnded, RecordingProgress, StartRecording
from recorder.errors import DiskFullError, RecordingError
from recorder.label import Label
from recorder.recovery import Recovery
from recorder.rows import RecordingRows
from recorder.shelf import Shelf, file_name
from store.errors import StoreError
from store.recordings import Recording

logger = logging.getLogger(__name__)


class Intake:
    """The register of mcu.taping for recordings whose files the recorder process writes into `folder`."""

    def __init__(
        self, rows: RecordingRows, shelf: Shelf, folder: str, recovery: Recovery, settings: RecordingSettings
    ) -> None:
        self._rows = rows
        self._shelf = shelf
        self._folder = folder
        self._recovery = recovery
        self._settings = settings

    async def begin(self, policy: RoomPolicy, leg: int, by: str, picture: tuple[int, int, int]) -> StartRecording:
        """Make identity, key and file name; `picture` is width, height, frames a second. Raises RecordingError."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(6)}"
        await asyncio.to_thread(self._ask_for_room)
        key, head = self._shelf.new_head(name, Label(policy.number, policy.name, now, by))
        try:
            await self._rows.add(Recording(name, policy.number, policy.name, now, by))
        except StoreError as error:
            logger.error("recording=%s is not listed: %s", name, error)
            raise RecordingError("cannot-register") from error
        return StartRecording(leg, name, f"{self._folder}/{file_name(name)}", key, head, *picture)

    async def progress(self, message: RecordingProgress) -> None:
        """It grew."""
        await self._rows.progress(
            message.recording,
            size_bytes=message.size_bytes,
            duration_s=message.duration_s,
            chain_head=message.chain_head,
        )

    async def took_part(self, recording_id: str, participants: Sequence[str]) -> None:
        """Who is in it so far."""
        await self._rows.took_part(recording_id, tuple(participants))

    async def finish(self, message: RecordingEnded, participants: Sequence[str]) -> None:
        """It ended; where something went wrong, what the disk holds is what counts."""
        now, names = datetime.now(UTC), tuple(participants)
        if message.error:
            await self._recovery.end_failed(message, now, names)
            return
        await self._rows.end(
            message.recording,
            ended_at=now,
            size_bytes=message.size_bytes,
            duration_s=message.duration_s,
            chain_head=message.chain_head,
            participants=names,
        )

    def _ask_for_room(self) -> None:
        try:
            free_bytes = self._shelf.storage.free_bytes()
        except OSError as error:
            raise RecordingError("cannot-write") from error
        if free_bytes < self._settings.min_free_bytes:
            raise DiskFullError
