"""Which picture size is of use to the mix: what is larger than its tile is decoded and scaled for nothing."""

from __future__ import annotations

from collections.abc import Mapping

from mcu.policy import LayoutMode
from signaling.webrtc.protocol import Wanted

_FRAME_RATE = 25

# Largest picture for a room of up to so many people whose seats are all alike, in a canvas of 1280x720.
_GRID = (
    (1, Wanted(1280, 720, _FRAME_RATE, 1_500_000)),
    (4, Wanted(640, 360, _FRAME_RATE, 700_000)),
    (9, Wanted(480, 270, _FRAME_RATE, 450_000)),
    (36, Wanted(320, 180, _FRAME_RATE, 250_000)),
)
_LARGE = Wanted(960, 540, _FRAME_RATE, 1_200_000)
_ONE_IS_LARGE = (LayoutMode.SPEAKER, LayoutMode.LECTURE)
_IS_SHARED = Wanted(320, 180, _FRAME_RATE, 250_000)


def wanted_picture(participant: int, snapshot: Mapping[str, object]) -> Wanted:
    """What `participant` should send, by a snapshot of the conference."""
    people = snapshot.get("participants")
    rows = [row for row in people if isinstance(row, dict)] if isinstance(people, list) else []
    # Who sees the screen apart sees the people as large as ever.
    if any(row.get("is_sharing") for row in rows) and not any(row.get("takes_content") for row in rows):
        return _IS_SHARED
    if snapshot.get("layout") in _ONE_IS_LARGE and snapshot.get("speaker") in (participant, 0):
        return _LARGE
    return next((wanted for most, wanted in _GRID if len(rows) <= most), _GRID[-1][1])
