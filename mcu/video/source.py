"""One source of a scene: its waiting frames, its decoder and the pictures that are ready to be shown."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass

import av

from config.media import VideoSettings
from mcu.media import Codec
from mcu.video.bitstream import is_keyframe
from mcu.video.decoder import DecodeError, Decoder
from mcu.video.pixel_budget import PixelBudget
from mcu.video.waiting import WaitingFrames
from mcu.worker.channel import Frame

_MAX_PICTURES = 2
_serials = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture; no other one of the process has its `serial`."""

    frame: av.VideoFrame
    width: float
    """In square pixels of its height (CIF has pixels of 12:11)."""
    due_us: int
    serial: int


class Source:
    """Frames go in by feed(), are decoded by decode_next() on any one thread, and are shown by show()."""

    def __init__(self, stream: int, settings: VideoSettings, now_us: int, budget: PixelBudget | None = None) -> None:
        """`budget` is shared with the other sources."""
        self.stream = stream
        self._budget = budget
        self._is_closed = False
        self.drops: Counter[str] = Counter()
        self._settings = settings
        self.counters: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._waiting = WaitingFrames(settings, self.drops, now_us)
        self._decoder: Decoder | None = None
        self._pictures: deque[Picture] = deque()
        self._shown: Picture | None = None
        self._shown_us = now_us
        self._cost_us = 0.0
        self._now_us = now_us

    @property
    def cost_us(self) -> float:
        """How long a frame of this source takes to decode, by the last few."""
        return self._cost_us

    @property
    def is_slow(self) -> bool:
        """Whether a frame of this source keeps a thread for long."""
        decoder = self._decoder
        return self._cost_us > self._settings.slow_decode_ms * 1000 or (
            decoder is not None and decoder.has_large_pictures
        )

    def feed(self, frame: Frame, now_us: int) -> None:
        """A frame arrived."""
        with self._lock:
            self._now_us = now_us
            if self._waiting.needs_keyframe and not frame.is_keyframe:
                frame.is_keyframe = is_keyframe(frame.codec, frame.payload)
            self._waiting.push(frame, now_us)

    def is_ready(self, now_us: int) -> bool:
        """Whether decode_next() has something to do."""
        with self._lock:
            return self._waiting.is_ready(now_us)

    def decode_next(self, now_us: int) -> None:
        """Decode the next frame, if it is time; one thread at a time."""
        with self._lock:
            frame = self._waiting.pop(now_us)
        if frame is None:
            return
        started_ns = time.thread_time_ns()
        try:
            picture = self._decode(frame)
        except DecodeError as error:
            self.counters["decode_errors"] += 1
            self.drops[error.reason] += 1
            with self._lock:
                self._waiting.restart(now_us)
            picture = None
        spent_us = (time.thread_time_ns() - started_ns) / 1000
        self._cost_us += (spent_us - self._cost_us) / 4
        with self._lock:
            self._waiting.spend(spent_us)
            if picture is not None:
                self._keep(picture, frame.due_us, now_us)

    def close(self) -> None:
        """Nothing shows it any more: what it has of the budget is free, whatever a thread still decodes of it."""
        with self._lock:
            self._is_closed = True
            if self._budget is not None:
                self._budget.release(self.stream)

    def show(self, now_us: int) -> Picture | None:
        """The newest picture that is due; the one before it until then; None before the first."""
        with self._lock:
            while self._pictures and self._pictures[0].due_us <= now_us:
                if self._shown is not None and self._shown_us == now_us:
                    self.drops["overtaken"] += 1
                self._shown = self._pictures.popleft()
                self._shown_us = now_us
        return self._shown

    def is_stale(self, now_us: int) -> bool:
        """Whether nothing new was shown for so long that the picture may mislead."""
        return self._shown is None or now_us - self._shown_us > self._settings.stale_s * 1_000_000

    def lose_thread(self) -> None:
        """Frames are missing from now on: wait for a keyframe and ask for it."""
        with self._lock:
            self._waiting.restart(self._now_us)

    def take_keyframe_request(self, now_us: int) -> bool:
        """Whether the sender is to be asked for a keyframe; True once for each need."""
        with self._lock:
            return self._waiting.take_request(now_us)

    def _decode(self, frame: Frame) -> av.VideoFrame | None:
        if self._decoder is None or self._decoder.codec is not frame.codec:
            self._decoder = Decoder(Codec(frame.codec), self._settings)
        self._decoder.check(frame.payload)
        if not self._may_have(self._decoder.pixels):
            self._decoder = None  # and with it the memory of its reference pictures
            raise DecodeError("over_budget")
        picture = self._decoder.decode(frame.payload)
        self.counters["frames_decoded"] += picture is not None
        return picture

    def _may_have(self, pixels: int) -> bool:
        if self._budget is None:
            return True
        with self._lock:
            return not self._is_closed and self._budget.take(self.stream, pixels)

    def _keep(self, frame: av.VideoFrame, due_us: int, now_us: int) -> None:
        """At most two pictures wait: where a third comes, what is late goes first, else the newest takes the place."""
        if len(self._pictures) >= _MAX_PICTURES:
            if self._pictures[1].due_us <= now_us:
                self._pictures.popleft()
            else:
                self._pictures.pop()
            self.drops["overtaken"] += 1
        self._pictures.append(Picture(frame, frame.width * self._pixel_ratio(), due_us, next(_serials)))

    def _pixel_ratio(self) -> float:
        return self._decoder.pixel_ratio if self._decoder else 1.0
