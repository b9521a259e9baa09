"""Making the index of a recording from its sealed file; reads the chunks with the heads of its fragments alone."""

from __future__ import annotations

import logging
import secrets
from array import array

from crypto.sealing import ScannedPlaces, SealError, SealReader, SealWriter, companion_head, companion_key, link_after
from recorder.errors import BadFileError, RecordingError
from recorder.index import IN_INDEX, PAGE_BYTES, Footer, chunk_table
from recorder.mp4 import ServedFile
from recorder.shelf import SealedFile, index_name
from recorder.storage import DRAFT_SUFFIX, GrowingFile, Storage
from recorder.table import serialize

logger = logging.getLogger(__name__)
_WRITTEN_AT_ONCE = 256 << 10


def index_if_possible(storage: Storage, sealed: SealedFile) -> bool:
    """Make the index of a recording that has ended; where that fails the log says why, and who opens it makes do."""
    try:
        write_index(storage, sealed)
    except (OSError, SealError, RecordingError) as error:
        logger.warning("recording=%s has no index: %s", sealed.head.id, error)
        return False
    return True


def write_index(storage: Storage, sealed: SealedFile) -> None:
    """Put an index beside a recording, in the place of one that is there; a few MB of memory for 12 hours.

    Raises SealError and BadFileError where the recording is damaged, OSError where the disk fails; then there is none.
    """
    name = index_name(sealed.head.id)
    draft = f"{sealed.head.id}-{secrets.token_hex(4)}{DRAFT_SUFFIX}"
    file = storage.create(draft)
    try:
        _Writer(file, sealed).write()
        file.close()
        storage.rename(draft, name)
    except BaseException:
        file.close()
        storage.remove(draft)
        raise


class _Writer:
    """One index in the making."""

    def __init__(self, file: GrowingFile, sealed: SealedFile) -> None:
        head = companion_head(sealed.head.id)
        self._file = file
        self._sealed = sealed
        self._sealed_bytes = bytearray()
        self._pages = SealWriter(self._emit, head.serialize(), companion_key(sealed.key, head), PAGE_BYTES)
        self._size = 0
        """Bytes in the pages so far."""
        self._starts = array("Q", [0])
        """Where in the served file each source begins; until the front is known without its length."""
        self._sources = array("Q", [0])
        self._served = 0

    def write(self) -> None:
        """All of it, synced."""
        sealed = self._sealed.file
        reader = SealReader(sealed.read_at, sealed.size, self._sealed.key)
        places = reader.places
        if not isinstance(places, ScannedPlaces) or places.sealed_size != sealed.size:
            raise BadFileError("torn-end")
        served = ServedFile(reader.read, reader.size)
        self._add_segments(served)
        front = served.front
        self._sources[0] = self._size | IN_INDEX
        self._append(front)
        sources_at, sources = self._size, len(self._starts)
        # The first is the front; all others lie behind it.
        starts = array("Q", [0, *(start + len(front) for start in self._starts[1:])])
        self._append_table(starts, self._sources)
        chunks_at = self._size
        keys, values = chunk_table(places)
        self._append_table(keys, values)
        self._append(bytes(-self._size % PAGE_BYTES))
        self._pages.flush()
        footer = Footer(
            self._last_link(places), sealed.size, reader.size, self._served + len(front), served.duration_s,
            places.is_complete, sources_at, sources, chunks_at, len(keys),
        )  # fmt: skip
        self._pages.write(footer.serialize())
        self._pages.finish()
        self._file.append(bytes(self._sealed_bytes))
        self._file.sync()

    def _emit(self, data: bytes | bytearray) -> None:
        self._sealed_bytes += data
        if len(self._sealed_bytes) > _WRITTEN_AT_ONCE:
            self._file.append(bytes(self._sealed_bytes))
            self._sealed_bytes.clear()

    def _add_segments(self, served: ServedFile) -> None:
        for segment in served.segments():
            self._source(self._size | IN_INDEX, len(segment.front))
            self._append(segment.front)
            for start, end in segment.pieces:
                self._source(start, end - start)

    def _source(self, source: int, length: int) -> None:
        if length:
            self._starts.append(self._served)
            self._sources.append(source)
            self._served += length

    def _append(self, data: bytes) -> None:
        self._pages.write(data)
        self._size += len(data)

    def _append_table(self, keys: array[int], values: array[int]) -> None:
        for data in serialize(keys, values):
            self._append(data)

    def _last_link(self, places: ScannedPlaces) -> bytes:
        last = places[len(places) - 1]
        return link_after(self._sealed.file.read_at(last.offset, last.end - last.offset))
