"""Holds back encoded frames of a source, so that its sender sees itself later; bounded in time, frames and bytes.

Pure but for a lock: frames come on one thread and are taken on another.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.media import VideoSettings
from mcu.video.bitstream import is_keyframe
from mcu.worker.channel import Frame

MAX_DELAY_US = 10_000_000
_MAX_FRAMES = 640
"""10 s at 60 pictures a second, and some."""
_WITHOUT_KEYFRAME_US = 3_000_000
"""After so long frames are taken as they are: some terminals never send an IDR picture."""


@dataclass(slots=True)
class _Line:
    delay_us: int
    frames: deque[tuple[int, Frame]] = field(default_factory=deque)
    bytes: int = 0
    needs_keyframe: bool = True
    since_us: int = 0


class DelayLines:
    """A line for each source that is delayed. `drops` is counted into by reason."""

    def __init__(self, settings: VideoSettings, drops: Counter[str]) -> None:
        self._settings = settings
        self._drops = drops
        self._lines: dict[int, _Line] = {}
        self._lock = threading.Lock()

    def follow(self, delays_ms: Mapping[int, int]) -> None:
        """Delay exactly these sources; of too many, those that came last are not shown at all."""
        with self._lock:
            for stream in self._lines.keys() - delays_ms.keys():
                del self._lines[stream]
            for stream, delay_ms in delays_ms.items():
                delay_us = min(delay_ms * 1000, MAX_DELAY_US)
                if stream in self._lines:
                    self._lines[stream].delay_us = delay_us
                elif len(self._lines) < self._settings.max_echoes:
                    self._lines[stream] = _Line(delay_us)
                else:
                    self._lines[stream] = _Line(0)

    def push(self, frame: Frame, now_us: int) -> bool:
        """Whether this source is delayed; then the frame is kept, or dropped up to the next keyframe."""
        with self._lock:
            line = self._lines.get(frame.stream)
            if line is None:
                return False
            if not line.delay_us:
                self._drops["too_many_echoes"] += 1
            elif self._may_start(line, frame, now_us):
                self._keep(line, frame, now_us)
            else:
                self._drops["waiting_for_keyframe"] += 1
            return True

    def take(self, now_us: int) -> dict[int, list[Frame]]:
        """What was held long enough, by source."""
        with self._lock:
            return {stream: _due(line, now_us) for stream, line in self._lines.items() if line.frames}

    def _may_start(self, line: _Line, frame: Frame, now_us: int) -> bool:
        if line.needs_keyframe:
            line.since_us = line.since_us or now_us
            is_late = now_us - line.since_us > _WITHOUT_KEYFRAME_US
            line.needs_keyframe = not (is_late or frame.is_keyframe or is_keyframe(frame.codec, frame.payload))
        return not line.needs_keyframe

    def _keep(self, line: _Line, frame: Frame, now_us: int) -> None:
        if frame.due_us:
            frame.due_us += line.delay_us
        line.frames.append((now_us + line.delay_us, frame))
        line.bytes += len(frame.payload)
        if len(line.frames) > _MAX_FRAMES or line.bytes > self._settings.max_waiting_bytes:
            self._drops["echo_overflow"] += len(line.frames)
            line.frames.clear()
            line.bytes, line.since_us, line.needs_keyframe = 0, 0, True


def _due(line: _Line, now_us: int) -> list[Frame]:
    found = []
    while line.frames and line.frames[0][0] <= now_us:
        frame = line.frames.popleft()[1]
        line.bytes -= len(frame.payload)
        found.append(frame)
    return found
