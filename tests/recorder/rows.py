"""The rows of a library in memory, which know what of them would outlive a power cut."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from store.recordings import Recording

Snapshot = dict[str, Recording]


class Rows:
    """See recorder.rows.RecordingRows. tests/store/test_durability.py shows that durable ones are."""

    def __init__(self, rows: Snapshot | None = None) -> None:
        self.rows: Snapshot = dict(rows or {})
        self.on_change: Callable[[Snapshot, bool], object] = lambda _rows, _is_durable: None

    def _put(self, row: Recording, *, is_durable: bool) -> None:
        self.on_change({**self.rows, row.id: row}, is_durable)
        self.rows[row.id] = row

    async def add(self, recording: Recording) -> None:
        assert recording.id not in self.rows
        self._put(recording, is_durable=True)

    async def progress(self, recording_id: str, **values: object) -> None:
        self._put(dataclasses.replace(self.rows[recording_id], **values), is_durable=False)  # type: ignore[arg-type]

    async def took_part(self, recording_id: str, participants: tuple[str, ...]) -> None:
        self._put(dataclasses.replace(self.rows[recording_id], participants=participants), is_durable=True)

    async def end(self, recording_id: str, *, state: str = "complete", **values: object) -> Recording:
        if values.get("participants") is None:
            values.pop("participants", None)
        row = dataclasses.replace(self.rows[recording_id], state=state, **values)  # type: ignore[arg-type]
        self._put(row, is_durable=True)
        return row

    async def errors(self) -> dict[str, str]:
        return {row.id: row.error for row in self.rows.values()}

    async def note_error(self, recording_id: str, error: str) -> None:
        self._put(dataclasses.replace(self.rows[recording_id], error=error), is_durable=False)

    async def running(self) -> list[Recording]:
        return [row for row in self.rows.values() if row.ended_at is None]
