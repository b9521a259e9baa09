"""Messages between the control process and the recorder process."""

from __future__ import annotations

from mcu.worker.message import Message


class StartRecording(Message, frozen=True):
    """Write frames of `leg` (OpenRecorderLeg) into the file; the first chunk starts at a keyframe."""

    leg: int
    recording: str
    path: str
    key: bytes
    """The data key of this recording, 32 bytes; it is never written."""
    header: bytes
    """Opaque bytes for the head of the file: the wrapped key and identity, made by crypto.sealing."""
    width: int
    height: int
    frame_rate: int

    def __repr__(self) -> str:
        return f"StartRecording(leg={self.leg}, recording={self.recording!r})"  # the key stays out of logs


class StopRecording(Message, frozen=True):
    """Finish a file. RecordingEnded answers. From net, behind the last frame of `leg`: nothing follows."""

    leg: int


class RecordingProgress(Message, frozen=True):
    """Every second while recording."""

    recording: str
    size_bytes: int
    duration_s: float
    chain_head: str
    left_s: float | None = None
    """How long the disk lasts; None while that is long enough."""


class RecordingEnded(Message, frozen=True):
    """The file is complete and synced, or `error` says why it ended early."""

    recording: str
    size_bytes: int
    duration_s: float
    chain_head: str
    error: str = ""
