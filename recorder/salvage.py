"""What is whole of a recording that was cut off, and mending its torn end."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from crypto.sealing import SealError, SealReader, Verified, verify
from recorder.errors import RecordingError
from recorder.indexing import index_if_possible
from recorder.label import Label, read_label
from recorder.mp4 import IndexedFile
from recorder.shelf import WRITER_PATIENCE_S, Shelf, file_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What can be played of a file."""

    size_bytes: int
    duration_s: float
    chain_head: str
    is_complete: bool
    """Whether the recorder finished it."""
    label: Label | None


def salvage(shelf: Shelf, recording_id: str, known_bytes: int = 0) -> Salvaged | None:
    """Take away the torn end of a file and measure the rest; None where nothing can be read. Waits for its writer.

    Damage before `known_bytes`, which were known to be on the disk, is no torn end: it stays, as evidence.
    """
    try:
        sealed = shelf.open(recording_id, WRITER_PATIENCE_S)
        try:
            read_at, key = sealed.file.read_at, sealed.key
            found = verify(read_at, sealed.file.size, key)
            if found.first_bad is not None and found.size >= known_bytes:
                _cut(shelf, recording_id, found.size)
            reader = SealReader(read_at, found.size, key)
            duration_s = IndexedFile(reader.read, reader.size).duration_s
            _index(shelf, recording_id, found)
            return Salvaged(found.size, duration_s, found.chain_head, found.is_complete, read_label(sealed.head, key))
        finally:
            sealed.file.close()
    except (RecordingError, SealError, OSError) as error:
        logger.warning("recording=%s cannot be read: %s", recording_id, error)
        return None


def _index(shelf: Shelf, recording_id: str, found: Verified) -> None:
    """Opened anew, because the file has lost its torn end."""
    if found.is_complete or found.first_bad is None or found.first_bad[0] == found.size:
        sealed = shelf.open(recording_id)
        try:
            index_if_possible(shelf.storage, sealed)
        finally:
            sealed.file.close()


def _cut(shelf: Shelf, recording_id: str, size: int) -> None:
    """A disk that refuses even this does not cost the recording: readers pass over a torn end."""
    try:
        shelf.storage.cut(file_name(recording_id), size)
    except OSError as error:
        logger.warning("recording=%s keeps its torn end: %s", recording_id, error)
