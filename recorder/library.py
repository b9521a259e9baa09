"""Where recordings are kept: the front of intake, recovery, opening and inspection for the rest of the server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from config.recording import RecordingSettings
from crypto.keys import MasterKey
from mcu.policy import RoomPolicy
from mcu.worker.messages import RecordingEnded, RecordingProgress, StartRecording
from recorder.disk_storage import DiskStorage
from recorder.inspection import Verdict, inspect
from recorder.intake import Intake
from recorder.opening import Opening
from recorder.reader import RecordingReader
from recorder.recovery import Recovery
from recorder.rows import RecordingRows
from recorder.shelf import Shelf, file_name, index_name
from store.recordings import Recording

__all__ = ["Library", "RecordingReader", "Verdict"]


class Library:
    """The recordings of this server. Methods that are not coroutines block and belong off the loop."""

    def __init__(self, rows: RecordingRows, directory: Path, master: MasterKey, settings: RecordingSettings) -> None:
        storage = DiskStorage(directory)
        self._shelf = Shelf(storage, master)
        self._recovery = Recovery(rows, self._shelf)
        self._intake = Intake(rows, self._shelf, str(storage.folder), self._recovery, settings)
        self._opening = Opening(self._shelf)

    async def begin(self, policy: RoomPolicy, leg: int, by: str, picture: tuple[int, int, int]) -> StartRecording:
        """See Intake; raises RecordingError."""
        return await self._intake.begin(policy, leg, by, picture)

    async def progress(self, message: RecordingProgress) -> None:
        """It grew."""
        await self._intake.progress(message)

    async def took_part(self, recording_id: str, participants: Sequence[str]) -> None:
        """Who is in it so far."""
        await self._intake.took_part(recording_id, participants)

    async def finish(self, message: RecordingEnded, participants: Sequence[str]) -> None:
        """It ended, in good order or not."""
        await self._intake.finish(message, participants)

    async def recover(self) -> list[str]:
        """See Recovery; at the start of the server."""
        return await self._recovery.recover()

    def open(self, recording: Recording) -> RecordingReader:
        """See Opening; raises RecordingError or OSError."""
        return self._opening.open(recording)

    def verify(self, recording: Recording) -> Verdict:
        """Check every chunk, the whole chain, and its end against the row. Raises OSError without a file."""
        return inspect(self._shelf, recording)

    def delete(self, recording_id: str) -> None:
        """Remove file and index; nothing happens when there is none."""
        self._opening.forget(recording_id)
        for name in (file_name(recording_id), index_name(recording_id)):
            self._shelf.storage.remove(name)
