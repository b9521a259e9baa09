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


class MediaEncryption(StrEnum):
    """What a room asks of the media of terminals (H.235.6, SDES); browsers cannot but encrypt (RFC 8827 6.5)."""

    OFF = "off"
    """Not asked for: for old terminals that fail on it. Who insists on it has it all the same."""
    AUTOMATIC = "automatic"
    """With all that can."""
    REQUIRED = "required"
    """Others do not come in; the grade says how good it has to be."""


@dataclass(frozen=True, slots=True)
class RoomPolicy:
    """Made from the stored room at the moment its conference opens."""

    number: str
    name: str
    max_participants: int = 36
    layout: LayoutMode = LayoutMode.AUTO
    record: RecordPolicy = RecordPolicy.ON_REQUEST
    encryption: MediaEncryption = MediaEncryption.AUTOMATIC
    required_grade: Grade = Grade.CLEAR
    waits_for_host: bool = False
    is_locked: bool = False
    keeps_presenter: bool = False
    """Who shares a screen keeps doing so until it ends it; else who asks next takes over."""
    has_full_hd: bool = False
    """Who can take it is sent 1920x1080, where the machine carries that."""
    changed_at: float = 0.0
    """When the stored room was changed last, in seconds since the epoch."""

    @property
    def must_encrypt(self) -> bool:
        """Whether nobody comes in without encryption."""
        return self.required_grade > Grade.CLEAR

    @property
    def asks_for_encryption(self) -> bool:
        """Whether keys are offered to terminals, and taken of those that only offer theirs."""
        return self.must_encrypt or self.encryption is not MediaEncryption.OFF


def may_turn_cameras(*, is_host: bool, people: int) -> bool:
    """Whether a remote control may turn the camera of somebody else: that of a host, as the pages of hosts may.

    In a room of two anybody's, as in a call from terminal to terminal.
    """
    return is_host or people == 2
