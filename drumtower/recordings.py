"""Recordings of the server: the library, and whether there is room for more."""

from __future__ import annotations

import asyncio
import shutil

from config.settings import Settings
from crypto.keys import MasterKey
from recorder.library import Library
from store.database import Database


class RecordingOffice:
    """Everything that is kept of conferences."""

    def __init__(self, settings: Settings, database: Database, master: MasterKey) -> None:
        self._settings = settings
        self.library = Library(database.recordings, settings.recordings, master, settings.recording)

    async def start(self) -> None:
        """Finish what an end in the middle has left."""
        await self.library.recover()

    async def has_room(self) -> bool:
        """Whether the disk has as much left as the settings demand."""
        folder = self._settings.recordings if self._settings.recordings.exists() else self._settings.data
        free = await asyncio.to_thread(shutil.disk_usage, folder)
        return free.free >= self._settings.recording.min_free_bytes
