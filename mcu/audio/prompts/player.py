"""Plays announcements into a mix, one after the other, 20 ms at a time."""

from __future__ import annotations

from collections import deque

import numpy as np

from mcu.audio.pcm import FRAME_SAMPLES, RATE_HZ, Pcm, from_int16, ramp, silence, to_gain
from mcu.audio.prompts.library import STORED_HZ, Stored
from mcu.audio.resample import Upsampler

_MAX_WAITING = 6
"""Prompts that may wait for one listener; more are not played."""
_FACTOR = RATE_HZ // STORED_HZ
_STEP = FRAME_SAMPLES // _FACTOR
_GAP_FRAMES = 10
"""200 ms between one announcement and the next."""
_FADE_SAMPLES = 480
"""What is cut short fades in 10 ms instead of clicking."""


class Player:
    """A short queue of sounds."""

    def __init__(self, gain_db: float) -> None:
        self._gain = to_gain(gain_db)
        self._waiting: deque[Stored] = deque()
        self._upsampler = Upsampler(_FACTOR)
        self._position = 0
        self._is_cut = False
        self._gap = 0

    def add(self, sound: Stored) -> None:
        """Play `sound` after what already waits; dropped when too much does."""
        if len(self._waiting) < _MAX_WAITING + self._is_cut:
            self._waiting.append(sound)

    def cut(self) -> None:
        """Stop what plays and forget what waits."""
        is_playing = bool(self._waiting) and self._position > 0
        while len(self._waiting) > is_playing:
            self._waiting.pop()
        self._is_cut = is_playing
        self._gap = 0

    def next_frame(self) -> Pcm | None:
        """The next 20 ms, None when everything was played."""
        if not self._waiting:
            return None
        if self._gap:
            self._gap -= 1
            return silence()
        sound = self._waiting[0]
        piece = from_int16(sound[self._position : self._position + _STEP])
        self._position += _STEP
        frame: Pcm = self._upsampler.process(_padded(piece)) * np.float32(self._gain)
        if self._is_cut:
            frame[:_FADE_SAMPLES] *= ramp(1.0, 0.0, _FADE_SAMPLES)
            frame[_FADE_SAMPLES:] = 0.0
        if self._is_cut or self._position >= len(sound):
            self._next()
        return frame

    def _next(self) -> None:
        self._gap = 0 if self._is_cut or len(self._waiting) == 1 else _GAP_FRAMES
        self._waiting.popleft()
        self._position = 0
        self._is_cut = False
        self._upsampler = Upsampler(_FACTOR)


def _padded(piece: Pcm) -> Pcm:
    return piece if len(piece) == _STEP else np.concatenate((piece, silence(_STEP - len(piece))))
