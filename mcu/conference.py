"""A running room: who is in it, what they see and hear, and who may change that."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a participant may do; decided by the passcode or the sign-in that opened the gate."""

    GUEST = "guest"
    HOST = "host"


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
    """What a conference needs to know of its room; made from the stored room at the moment it opens."""

    number: str
    name: str
    max_participants: int = 36
    layout: LayoutMode = LayoutMode.AUTO
    record: RecordPolicy = RecordPolicy.ON_REQUEST
    required_grade: int = 0
    waits_for_host: bool = False
    is_locked: bool = False


@dataclass(slots=True)
class Participant:
    """One person or terminal in a conference; `id` is the id of its leg."""

    id: int
    name: str
    role: Role
    protocol: str
    is_muted: bool = False
    is_speaking: bool = False
    level: int = 127
    has_video: bool = False
    is_sharing: bool = False
    stats: dict[str, object] = field(default_factory=dict)
