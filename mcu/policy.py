"""What a conference needs to know of its room, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mcu.media import Grade


class LayoutMode(StrEnum):
    """How the seats of a picture are arranged."""

    AUTO = "auto"
    GRID = "grid"
    SPEAKER = "speaker"
    LECTURE = "lecture"


class RecordPolicy(StrEnum):
    """When a room is recorded."""

    OFF = "off"
    ON_REQUEST = "on-request"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class RoomPolicy:
    """Made from the stored room at the moment its conference opens."""

    number: str
    name: str
    max_participants: int = 36
    layout: LayoutMode = LayoutMode.AUTO
    record: RecordPolicy = RecordPolicy.ON_REQUEST
    required_grade: Grade = Grade.CLEAR
    waits_for_host: bool = False
    is_locked: bool = False
    keeps_presenter: bool = False
    """Who shares a screen keeps doing so until it ends it; else who asks next takes over."""
    has_full_hd: bool = False
    """Who can take it is sent 1920x1080, where the machine carries that."""
    changed_at: float = 0.0
    """When the stored room was changed last, in seconds since the epoch."""
