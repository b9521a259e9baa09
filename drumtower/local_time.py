"""Times as commands print them: in the time zone of whoever asks."""

from __future__ import annotations

from datetime import UTC, datetime


def local(seconds: float) -> str:
    """UTC seconds as "2026-11-23 08:05 CST"."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z")
