"""A running conference as rows for the portal and the roster."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Protocol

from mcu.media import Kind, stream_id
from mcu.participant import Participant
from mcu.policy import LayoutMode, RoomPolicy
from mcu.recording_notice import RecordingNotice


class Shown(Protocol):
    """What is told of a conference (mcu.conference)."""

    policy: RoomPolicy
    layout: LayoutMode
    is_locked: bool
    started_at: datetime
    speaker: int
    spotlight: int

    @property
    def is_recording(self) -> bool:
        """Whether it is being recorded now."""

    @property
    def message(self) -> str:
        """What everybody reads in the picture now."""

    @property
    def recording_notice(self) -> RecordingNotice | None:
        """What all are told of a disk that fills."""

    @property
    def presenter(self) -> int:
        """Who has the floor."""

    @property
    def participants(self) -> Mapping[int, Participant]:
        """By number, in the order in which they came."""


def snapshot_of(conference: Shown, banned: Container[int]) -> dict[str, object]:
    """JSON-ready; `banned` are sources that are not decoded."""
    notice = conference.recording_notice
    return {
        "number": conference.policy.number,
        "name": conference.policy.name,
        "layout": str(conference.layout),
        "is_locked": conference.is_locked,
        "is_recording": conference.is_recording,
        "is_disk_full": notice is not None and notice.ends_in_min is None,
        "recording_ends_in_min": notice.ends_in_min if notice is not None else None,
        "record_policy": str(conference.policy.record),
        "started_at": conference.started_at.isoformat(timespec="seconds"),
        "speaker": conference.speaker,
        "spotlight": conference.spotlight,
        "message": conference.message,
        "presenter": conference.presenter,
        "participants": [
            person.snapshot() | {"is_video_banned": stream_id(person.id, Kind.VIDEO) in banned}
            for person in conference.participants.values()
        ],
    }
