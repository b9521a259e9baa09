"""Commands of the control process to the video process: scenes, encoders, sources."""

from __future__ import annotations

import msgspec

from mcu.media import Codec
from mcu.worker.message import Message


class Tile(msgspec.Struct, frozen=True):
    """One seat of a scene. Position and size are fractions of the picture, from the upper left corner."""

    x: float
    y: float
    width: float
    height: float
    stream: int = 0
    """The source shown; 0, or a source without a picture yet, shows a card with the label."""
    label: str = ""
    is_speaking: bool = False
    is_muted: bool = False
    is_content: bool = False


class Panel(msgspec.Struct, frozen=True):
    """Words in a picture for one caller: a question, what was entered, what went wrong, a menu."""

    title: str
    lines: tuple[str, ...] = ()
    entry: str = ""
    """What was entered so far, as it may be shown (dots for a passcode)."""
    note: str = ""
    """What went wrong."""


class SetScene(Message, frozen=True):
    """What a scene shows from the next tick on; the first one creates it."""

    room: str
    scene: str
    tiles: tuple[Tile, ...]
    is_recording: bool = False
    caption: str = ""
    """One line in the picture, for messages to all."""
    panel: Panel | None = None
    """Fills a scene without tiles; lies over the pictures of one with tiles."""
    delay_ms: int = 0
    """Sources are shown so much later than they arrive (the test room). A source is in such a scene alone."""


class CloseScene(Message, frozen=True):
    """Forget a scene; its renditions were closed before."""

    room: str
    scene: str


class OpenRendition(Message, frozen=True):
    """Encode a scene. Frames come out under stream number `rendition`."""

    rendition: int
    room: str
    scene: str
    codec: Codec
    width: int
    height: int
    frame_rate: int
    bitrate_bps: int
    profile_level_id: str = "42e01f"
    max_slice_bytes: int = 0
    """H.264 packetization-mode 0: no NAL unit larger than this; 0 is unlimited."""
    keyframe_interval_s: float = 0.0
    """0: only when asked for."""


class UpdateRendition(Message, frozen=True):
    """Change the keyframe interval of a running encoder (a recording starts or stops)."""

    rendition: int
    keyframe_interval_s: float


class CloseRendition(Message, frozen=True):
    """Stop an encoder."""

    rendition: int


class CloseRoom(Message, frozen=True):
    """Forget a room: scenes, encoders, decoders, mixes. Sent to video and audio."""

    room: str


class BanSource(Message, frozen=True):
    """Decode this source no more (it was in flight at two crashes), or again."""

    stream: int
    is_banned: bool


class RemoveSource(Message, frozen=True):
    """A source left: free its decoder and its jitter buffer. Sent to video and audio."""

    stream: int
