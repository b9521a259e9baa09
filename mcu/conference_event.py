"""What a conference tells those who watch it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ConferenceEvent:
    """Something that portals and metrics want to know."""

    kind: str
    """opened, closed, changed, levels, joined, left, promoted, recording-started, recording-ended,
    recording-disk-low, recording-disk-enough"""
    room: str
    data: dict[str, object] = field(default_factory=dict)
