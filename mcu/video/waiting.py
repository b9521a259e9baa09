"""Encoded frames of one source that wait for a decoder: bounded, in step with their sound, fair to other sources.

Pure: time comes in with each call, in microseconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

from collections import Counter, deque

from config.media import VideoSettings
from mcu.worker.channel import Frame

_LEAD_US = 40_000
"""Frames are decoded this long before they are due, so that few decoded pictures wait."""
_ASK_AGAIN_US = 1_000_000
_ASK_GAP_US = 300_000
_WITHOUT_KEYFRAME_US = 3_000_000
"""After so long frames are tried as they are: some terminals refresh gradually and never send an IDR picture."""
_ALLOWANCE_US = 1_000_000


class WaitingFrames:
    """The queue before one decoder. Not safe for several threads; its source holds a lock."""

    def __init__(self, settings: VideoSettings, drops: Counter[str], now_us: int) -> None:
        """`drops` is counted into by reason."""
        self._settings = settings
        self._drops = drops
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self.needs_keyframe = True
        """Frames are dropped until one comes that decoding can start with."""
        self._since_us = now_us
        self._asks = True
        self._asked_us = now_us
        self._told_us: int | None = None
        self._allowance_us = float(_ALLOWANCE_US)
        self._allowance_at_us = now_us

    def __len__(self) -> int:
        return len(self._frames)

    def push(self, frame: Frame, now_us: int) -> None:
        """Keep a frame, or drop what cannot be decoded in time, up to the next keyframe."""
        if self.needs_keyframe and not self._may_start(frame, now_us):
            self._drops["waiting_for_keyframe"] += 1
            if now_us - self._asked_us >= _ASK_AGAIN_US:
                self._ask(now_us)
            return
        self.needs_keyframe = False
        if frame.due_us:
            frame.due_us = min(frame.due_us, now_us + self._settings.max_hold_ms * 1000)
        self._frames.append(frame)
        self._bytes += len(frame.payload)
        if len(self._frames) > self._settings.max_waiting_frames or self._bytes > self._settings.max_waiting_bytes:
            self._shorten(now_us)

    def pop(self, now_us: int) -> Frame | None:
        """The next frame to decode now, None when there is none, it is early, or the source used up its share."""
        if not self.is_ready(now_us):
            return None
        frame = self._frames.popleft()
        self._bytes -= len(frame.payload)
        return frame

    def is_ready(self, now_us: int) -> bool:
        """Whether pop() would give a frame."""
        if not self._frames:
            return False
        self._refill(now_us)
        return self._allowance_us > 0 and self._frames[0].due_us - _LEAD_US <= now_us

    def spend(self, decoding_us: float) -> None:
        """The last frame took so long to decode."""
        self._allowance_us -= decoding_us

    def restart(self, now_us: int) -> None:
        """The decoder lost its thread: forget what waits, ask for a keyframe."""
        self._drop_waiting("after_error")
        self._wait_for_keyframe(now_us)

    def take_request(self, now_us: int) -> bool:
        """Whether a keyframe is to be asked for; True once for each need, and a few times a second at most."""
        if not self._asks or (self._told_us is not None and now_us - self._told_us < _ASK_GAP_US):
            return False
        self._asks = False
        self._told_us = now_us
        return True

    def _may_start(self, frame: Frame, now_us: int) -> bool:
        return frame.is_keyframe or now_us - self._since_us > _WITHOUT_KEYFRAME_US

    def _shorten(self, now_us: int) -> None:
        """Drop up to the last keyframe that waits; without one, all of it."""
        last = next((i for i in range(len(self._frames) - 1, 0, -1) if self._frames[i].is_keyframe), None)
        if last is not None and self._bytes_from(last) <= self._settings.max_waiting_bytes:
            for _ in range(last):
                self._bytes -= len(self._frames.popleft().payload)
            self._drops["late"] += last
            return
        self._drop_waiting("late")
        self._wait_for_keyframe(now_us)

    def _bytes_from(self, index: int) -> int:
        return sum(len(self._frames[i].payload) for i in range(index, len(self._frames)))

    def _drop_waiting(self, reason: str) -> None:
        self._drops[reason] += len(self._frames)
        self._frames.clear()
        self._bytes = 0

    def _wait_for_keyframe(self, now_us: int) -> None:
        self.needs_keyframe = True
        self._since_us = now_us
        self._ask(now_us)

    def _ask(self, now_us: int) -> None:
        self._asks = True
        self._asked_us = now_us

    def _refill(self, now_us: int) -> None:
        elapsed_us = max(0, now_us - self._allowance_at_us)
        self._allowance_at_us = now_us
        self._allowance_us = min(_ALLOWANCE_US, self._allowance_us + elapsed_us * self._settings.decode_share)
