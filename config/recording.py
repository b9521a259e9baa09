"""Settings of recordings."""

from __future__ import annotations

from typing import Annotated

import msgspec


class RecordingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where recordings are kept and how they are cut."""

    directory: str = ""
    """"" is recordings/ in the data directory."""
    fragment_s: Annotated[float, msgspec.Meta(ge=0.2, le=1.0)] = 1.0
    """Longest fragment of the MP4 file; a crash loses at most this and what the disk had not got yet."""
    keyframe_interval_s: Annotated[float, msgspec.Meta(ge=1.0, le=4.0)] = 4.0
    """Most time between keyframes while a room is recorded, for seeking."""
    min_free_bytes: Annotated[int, msgspec.Meta(ge=0)] = 1 << 30
    """No recording begins, and running ones end cleanly, when the disk has less than this left."""
    warn_left_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 15 * 60.0
    """All who are in a recorded room are warned when the disk, at the rate at which it fills, ends the recording within
    this time."""
    max_duration_s: Annotated[float, msgspec.Meta(gt=0, le=7 * 86_400)] = 12 * 3600.0
    """A recording ends by itself after this time."""
