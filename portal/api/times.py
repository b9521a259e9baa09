"""Times in answers of the API."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """UTC seconds as ISO 8601, to the millisecond; pages show it in the reader's time zone."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
