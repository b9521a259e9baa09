"""Opening recordings for watching; the indexes of those that have ended are kept for the next who asks."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from threading import Lock

from crypto.sealing import SealError, SealReader
from recorder.errors import BadFileError
from recorder.mp4 import IndexedFile
from recorder.reader import RecordingReader, read_intact
from recorder.shelf import Shelf
from store.recordings import Recording

_MAX_INDEXES = 4
"""Up to 15 MB each, for a recording of 12 hours."""


class Opening:
    """Gives readers; several threads may ask."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._indexes: OrderedDict[str, IndexedFile] = OrderedDict()
        self._lock = Lock()

    def open(self, recording: Recording) -> RecordingReader:
        """Open for watching. Raises RecordingError or OSError where file or key are missing or broken."""
        try:
            sealed = self._shelf.open(recording.id)
        except SealError as error:
            raise BadFileError(str(error)) from error
        try:
            reader = SealReader(sealed.file.read_at, sealed.file.size, sealed.key)
            return RecordingReader(sealed.file, reader, self._index(recording, reader))
        except SealError as error:
            sealed.file.close()
            raise BadFileError(str(error)) from error
        except BaseException:
            sealed.file.close()
            raise

    def forget(self, recording_id: str) -> None:
        """It is gone."""
        with self._lock:
            self._indexes.pop(recording_id, None)

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
