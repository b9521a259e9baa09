"""What the library asks of the database."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Protocol

from store.recordings import Recording


class RecordingRows(Protocol):
    """The rows of recordings; store.recordings.Recordings is one. All may raise StoreError."""

    def add(self, recording: Recording) -> Awaitable[None]:
        """A recording begins; its row outlives a power cut."""

    def progress(self, recording_id: str, *, size_bytes: int, duration_s: float, chain_head: str) -> Awaitable[None]:
        """It grew."""

    def took_part(self, recording_id: str, participants: tuple[str, ...]) -> Awaitable[None]:
        """Who is in it."""

    def end(
        self,
        recording_id: str,
        *,
        ended_at: datetime,
        size_bytes: int,
        duration_s: float,
        chain_head: str,
        state: str = "complete",
        error: str = "",
        participants: tuple[str, ...] | None = None,
    ) -> Awaitable[Recording]:
        """It is closed, over a power cut; None leaves those who took part."""

    def running(self) -> Awaitable[list[Recording]]:
        """Those without an end."""

    def errors(self) -> Awaitable[dict[str, str]]:
        """What is wrong with each, by id; "" for nothing."""

    def note_error(self, recording_id: str, error: str) -> Awaitable[None]:
        """What is wrong with one that has ended."""
