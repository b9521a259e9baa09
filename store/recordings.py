"""Recordings: what was recorded, when, who took part, and how to prove that the file is whole.

Rows begin and end in durable transactions: the last link of the chain and who took part are known nowhere else, and
two synced commits for each recording cost nothing. Progress is not durable; the file knows better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from store.batch import Batch
from store.connections import Connections
from store.errors import AlreadyExists, Invalid, NotFound
from store.models import RecordingRow

STATES = ("running", "complete", "interrupted", "failed")
_MAX_PAGE = 1000
_MAX_ERROR_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of the recorder."""

    id: str
    room_number: str
    room_name: str
    started_at: datetime
    started_by: str
    state: str = "running"
    """"running", "complete", "interrupted" (the server stopped before it ended) or "failed"."""
    ended_at: datetime | None = None
    size_bytes: int = 0
    duration_s: float = 0.0
    chain_head: str = ""
    """Last link of the hash chain over the chunks, hex."""
    participants: tuple[str, ...] = ()
    error: str = ""


class Recordings:
    """The repository of recordings. Progress is kept in memory and written together every `batch_s` seconds."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._progress = Batch(self._write_progress, connections.settings.batch_s)

    async def close(self) -> None:
        """Write what is still in memory. Call it before the database is closed."""
        await self._progress.close()

    async def add(self, recording: Recording) -> None:
        """A recording begins. Raises AlreadyExists."""
        values = {field.name: getattr(recording, field.name) for field in fields(recording)}
        values["participants"] = list(recording.participants)
        try:
            async with self._connections.write(is_durable=True) as connection:
                await connection.execute(insert(RecordingRow).values(**values))
        except IntegrityError:
            raise AlreadyExists(f"there is a recording {recording.id}") from None

    async def progress(self, recording_id: str, *, size_bytes: int, duration_s: float, chain_head: str) -> None:
        """Where a running file has got to; unknown or ended ones are ignored."""
        self._progress.put(recording_id, _Progress(size_bytes, duration_s, chain_head))

    async def took_part(self, recording_id: str, participants: tuple[str, ...]) -> None:
        """Replace the list of those who took part; unknown ones are ignored."""
        query = update(RecordingRow).where(RecordingRow.id == recording_id).values(participants=list(participants))
        async with self._connections.write(is_durable=True) as connection:
            await connection.execute(query)

    async def end(
        self, recording_id: str, *, ended_at: datetime, size_bytes: int, duration_s: float, chain_head: str,
        state: str = "complete", error: str = "", participants: tuple[str, ...] | None = None,
    ) -> Recording:  # fmt: skip
        """The file is closed; None leaves those who took part as they are noted. Raises NotFound, Invalid."""
        if state not in STATES:
            raise Invalid(f"state: {', '.join(STATES)}")
        self._progress.discard(recording_id)
        query = update(RecordingRow).where(RecordingRow.id == recording_id)
        query = query.values(
            ended_at=ended_at, size_bytes=size_bytes, duration_s=duration_s, chain_head=chain_head, state=state,
            error=error[:_MAX_ERROR_CHARACTERS],
        )  # fmt: skip
        if participants is not None:
            query = query.values(participants=list(participants))
        async with self._connections.write(is_durable=True) as connection:
            row = (await connection.execute(query.returning(*RecordingRow.__table__.c))).mappings().first()
        if row is None:
            raise NotFound(f"there is no recording {recording_id}")
        return _recording(row)

    async def get(self, recording_id: str) -> Recording | None:
        """One recording."""
        found = await self._select(RecordingRow.id == recording_id, limit=1)
        return found[0] if found else None

    async def page(self, *, room: str = "", before: datetime | None = None, limit: int = 100) -> list[Recording]:
        """Newest first; `before` pages on."""
        conditions: list[ColumnElement[bool]] = []
        if room:
            conditions.append(RecordingRow.room_number == room)
        if before is not None:
            conditions.append(RecordingRow.started_at < before)
        return await self._select(*conditions, limit=max(1, min(limit, _MAX_PAGE)))

    async def running(self) -> list[Recording]:
        """Those without an end; after a start of the server these were interrupted."""
        return await self._select(RecordingRow.state == "running", limit=None)

    async def errors(self) -> dict[str, str]:
        """What is wrong with each recording, by id; "" for nothing."""
        async with self._connections.read() as connection:
            rows = await connection.execute(select(RecordingRow.id, RecordingRow.error))
            return {row.id: row.error for row in rows}

    async def note_error(self, recording_id: str, error: str) -> None:
        """What is wrong with one; its end and state stay. Unknown ones are ignored."""
        query = update(RecordingRow).where(RecordingRow.id == recording_id)
        async with self._connections.write() as connection:
            await connection.execute(query.values(error=error[:_MAX_ERROR_CHARACTERS]))

    async def delete(self, recording_id: str) -> bool:
        """Forget one; False when it was not there. The file is the recorder's, and goes first."""
        self._progress.discard(recording_id)
        async with self._connections.write(is_durable=True) as connection:
            return bool(
                (await connection.execute(delete(RecordingRow).where(RecordingRow.id == recording_id))).rowcount
            )

    async def _select(self, *conditions: ColumnElement[bool], limit: int | None) -> list[Recording]:
        query = select(RecordingRow.__table__).where(*conditions).order_by(RecordingRow.started_at.desc()).limit(limit)
        async with self._connections.read() as connection:
            return [_recording(row) for row in (await connection.execute(query)).mappings()]

    async def _write_progress(self, entries: Mapping[str, _Progress]) -> None:
        async with self._connections.write() as connection:
            for recording_id, entry in entries.items():
                query = update(RecordingRow).where(RecordingRow.id == recording_id, RecordingRow.state == "running")
                await connection.execute(query.values(**asdict(entry)))


@dataclass(frozen=True, slots=True)
class _Progress:
    size_bytes: int
    duration_s: float
    chain_head: str


def _recording(row: RowMapping) -> Recording:
    values = dict(row)
    values["participants"] = tuple(values["participants"])
    return Recording(**values)
