"""Opening recordings for watching, by the index beside them, or by looking through what has none (yet)."""

from __future__ import annotations

import logging
from collections import OrderedDict
from threading import Lock

from crypto.sealing import SealError, SealReader
from recorder.errors import BadFileError, NoSuchFileError
from recorder.index import StoredIndex
from recorder.indexing import index_if_possible
from recorder.mp4 import IndexedFile
from recorder.reader import RecordingReader
from recorder.shelf import SealedFile, Shelf, index_name
from store.recordings import Recording

logger = logging.getLogger(__name__)
_MAX_LOOKED_THROUGH = 4
"""Up to 15 MB each, for a recording of 12 hours; only of those that are damaged, or where the disk is full."""


class Opening:
    """Gives readers; several threads may ask."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._looked_through: OrderedDict[str, IndexedFile] = OrderedDict()
        self._lock = Lock()

    def open(self, recording: Recording) -> RecordingReader:
        """Open for watching. Raises RecordingError or OSError where file or key are missing or broken."""
        try:
            sealed = self._shelf.open(recording.id)
        except SealError as error:
            raise BadFileError(str(error)) from error
        try:
            index = self._index(recording, sealed) if recording.ended_at is not None else None
            if index is None:
                return self._look_through(recording, sealed)
            return self._by(index, recording.id, sealed)
        except SealError as error:
            sealed.file.close()
            raise BadFileError(str(error)) from error
        except BaseException:
            sealed.file.close()
            raise

    def forget(self, recording_id: str) -> None:
        """It is gone."""
        with self._lock:
            self._looked_through.pop(recording_id, None)

    def _by(self, index: StoredIndex, recording_id: str, sealed: SealedFile) -> RecordingReader:
        def close() -> None:
            index.close()
            sealed.file.close()

        def drop_index() -> None:
            logger.error("recording=%s the index was changed, and is made again", recording_id)
            self._shelf.storage.remove(index_name(recording_id))

        reader = SealReader(sealed.file.read_at, sealed.file.size, sealed.key, index.places)
        return RecordingReader(reader, index, close, drop_index)

    def _index(self, recording: Recording, sealed: SealedFile) -> StoredIndex | None:
        """The index beside a recording, made now where there is none that is its own; None where that fails."""
        found = self._stored(recording, sealed)
        is_hopeless = recording.id in self._looked_through
        if found is None and not is_hopeless and index_if_possible(self._shelf.storage, sealed):
            found = self._stored(recording, sealed)
        return found

    def _stored(self, recording: Recording, sealed: SealedFile) -> StoredIndex | None:
        try:
            file = self._shelf.storage.open(index_name(recording.id))
        except NoSuchFileError:
            return None
        try:
            index = StoredIndex(file, sealed.key)
        except SealError as error:
            logger.warning("recording=%s the index cannot be used: %s", recording.id, error)
            file.close()
            return None
        if index.belongs_to(sealed.file.size, recording.chain_head):
            return index
        index.close()
        return None

    def _look_through(self, recording: Recording, sealed: SealedFile) -> RecordingReader:
        """What runs grows; of what has ended, and is damaged, the part before the damage can be watched."""
        reader = SealReader(sealed.file.read_at, sealed.file.size, sealed.key)

        def read_intact(start: int, length: int) -> bytes:
            try:
                return reader.read(start, length)
            except SealError as error:
                logger.warning("recording=%s is broken: %s", recording.id, error)
                return b""

        with self._lock:
            shape = self._looked_through.get(recording.id)
        if shape is None:
            shape = IndexedFile(read_intact, reader.size)
            if recording.ended_at is not None:
                with self._lock:
                    self._looked_through[recording.id] = shape
                    while len(self._looked_through) > _MAX_LOOKED_THROUGH:
                        self._looked_through.popitem(last=False)
        return RecordingReader(reader, shape, sealed.file.close, lambda: None)
