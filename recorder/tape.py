"""One recording while it runs: frames of a recorder leg in, bytes of a sealed file out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from crypto.sealing import SealWriter
from mcu.media import Codec
from mcu.worker.channel import Frame
from mcu.worker.messages import StartRecording
from recorder.errors import RecordingError
from recorder.muxer import AUDIO_CLOCK_HZ, VIDEO_CLOCK_HZ, Muxer

_MAX_EARLY_SOUND = 150
"""Sound that may wait for the first keyframe (3 s): more is older than any picture that can come."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a recording has got to: bytes of the sealed file, seconds, last link of its chain (hex)."""

    size_bytes: int
    duration_s: float
    chain_head: str


Emit = Callable[[bytes | bytearray, Mark], object]


class Seal(Protocol):
    """What makes a file of clear bytes; crypto.sealing.SealWriter is one."""

    size: int

    @property
    def chain_head(self) -> str:
        """Last link of the chain, hex."""

    def write_through(self, plain: bytes) -> None:
        """Append, and give it away at once."""

    def finish(self) -> None:
        """Nothing follows."""


NewSeal = Callable[[Callable[[bytes | bytearray], object], bytes, bytes], Seal]
"""Takes where the bytes of the file go, its head, and its key."""


class Tape:
    """Lays sound and picture on one time axis that begins with the first keyframe, muxes and seals them."""

    def __init__(self, order: StartRecording, fragment_s: float, emit: Emit, seal: NewSeal = SealWriter) -> None:
        """`emit` takes the bytes of the file, each with the mark that holds once they are written."""
        self._order = order
        self._fragment_s = fragment_s
        self._emit = emit
        self._muxer: Muxer | None = None
        self._start_us = 0
        self._last_pts = {True: -1, False: -1}  # of video, of audio
        self._waits_for_keyframe = True
        self._early_sound: list[Frame] = []
        self.duration_s = 0.0
        self.counters: Counter[str] = Counter()
        self._sealed: list[bytes | bytearray] = []
        self._seal = seal(self._sealed.append, order.header, order.key)
        self._emit_sealed()

    def accept(self, frame: Frame) -> None:
        """Take a picture or a packet of sound."""
        if frame.codec == Codec.H264:
            self._picture(frame)
        elif frame.codec == Codec.OPUS:
            self._sound(frame)
        else:
            self.counters["other_codec"] += 1

    def finish(self) -> None:
        """End the file."""
        if self._muxer is not None:
            self._muxer.close()
        self._seal.finish()
        self._emit_sealed()

    def _picture(self, frame: Frame) -> None:
        if self._waits_for_keyframe and not frame.is_keyframe:
            self.counters["before_keyframe"] += 1
            return
        if self._muxer is None:
            self._begin(frame)
        self._waits_for_keyframe = self._muxer is None
        if self._muxer is None:
            return
        pts = self._place(frame, VIDEO_CLOCK_HZ)
        if pts is not None:
            self._muxer.picture(frame.payload, pts, frame.is_keyframe)
        for early in self._early_sound:
            self._sound(early)
        self._early_sound = []

    def _begin(self, keyframe: Frame) -> None:
        """Make the file's head from the first keyframe; one that is broken is passed over."""
        try:
            self._muxer = Muxer(self._write, keyframe.payload, self._order.frame_rate, self._fragment_s)
        except RecordingError:
            self.counters["bad_keyframe"] += 1
        self._start_us = keyframe.capture_us

    def _sound(self, frame: Frame) -> None:
        if self._muxer is None:
            self._early_sound = [*self._early_sound[1 - _MAX_EARLY_SOUND :], frame]
            return
        pts = self._place(frame, AUDIO_CLOCK_HZ)
        if pts is not None:
            self._muxer.sound(frame.payload, pts)

    def _place(self, frame: Frame, clock_hz: int) -> int | None:
        """The time stamp of a frame; None for what comes before the first picture or before its predecessor."""
        is_video = frame.codec.is_video
        pts = (frame.capture_us - self._start_us) * clock_hz // 1_000_000
        if pts <= self._last_pts[is_video]:
            self.counters["out_of_order"] += 1
            # A picture is missing now: what refers to it would be broken.
            self._waits_for_keyframe = self._waits_for_keyframe or is_video
            return None
        self._last_pts[is_video] = pts
        self.duration_s = max(self.duration_s, pts / clock_hz)
        return pts

    def _write(self, data: bytes) -> None:
        """Seal the head of the file, or a fragment, as soon as it is there."""
        self._seal.write_through(data)
        self._emit_sealed()

    def _emit_sealed(self) -> None:
        data = self._sealed[0] if len(self._sealed) == 1 else b"".join(self._sealed)
        self._sealed.clear()
        self._emit(data, Mark(self._seal.size, self.duration_s, self._seal.chain_head))
