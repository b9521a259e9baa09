"""Recordings: what was recorded, when, who took part, and how to prove that the file is whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
    """The repository of recordings."""

    async def add(self, recording: Recording) -> None:
        """A recording begins. Raises AlreadyExists."""
        raise NotImplementedError

    async def progress(self, recording_id: str, *, size_bytes: int, duration_s: float, chain_head: str) -> None:
        """Where a running file has got to; unknown or ended ones are ignored."""
        raise NotImplementedError

    async def took_part(self, recording_id: str, participants: tuple[str, ...]) -> None:
        """Replace the list of those who took part; unknown ones are ignored."""
        raise NotImplementedError

    async def end(
        self, recording_id: str, *, ended_at: datetime, size_bytes: int, duration_s: float, chain_head: str,
        state: str = "complete", error: str = "",
    ) -> Recording:  # fmt: skip
        """The file is closed. Raises NotFound."""
        raise NotImplementedError

    async def get(self, recording_id: str) -> Recording | None:
        """One recording."""
        raise NotImplementedError

    async def page(self, *, room: str = "", before: datetime | None = None, limit: int = 100) -> list[Recording]:
        """Newest first; `before` pages on."""
        raise NotImplementedError

    async def running(self) -> list[Recording]:
        """Those without an end; after a start of the server these were interrupted."""
        raise NotImplementedError

    async def delete(self, recording_id: str) -> bool:
        """Forget one; False when it was not there. The file is the recorder's."""
        raise NotImplementedError
