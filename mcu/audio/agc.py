"""Telling speech from noise, and the gain that brings the speech of each site to the same loudness."""

from __future__ import annotations

import numpy as np

from mcu.audio.pcm import Pcm, ramp, to_gain

TARGET_DB = -23.0
MAX_GAIN_DB = 18.0
MIN_GAIN_DB = -6.0
_FRAMES_A_SECOND = 50
_RISE_DB = 4.0 / _FRAMES_A_SECOND
_FALL_DB = 12.0 / _FRAMES_A_SECOND
_LEVEL_SMOOTHING = 0.04

_FLOOR_RISE_DB = 0.5 / _FRAMES_A_SECOND
_LOWEST_FLOOR_DB = -75.0
_HIGHEST_FLOOR_DB = -47.0
"""What is steady but louder (a tone, music on hold) counts as speech, or nobody would hear it."""
_SPEECH_OVER_FLOOR_DB = 9.0
_HANGOVER_FRAMES = 10


class VoiceDetector:
    """Follows the noise floor of a source and says whether a frame stands out from it."""

    def __init__(self) -> None:
        self._floor_db = _LOWEST_FLOOR_DB
        self._hangover = 0

    def is_speech(self, level_db: float) -> bool:
        """Whether the frame with this level is speech, or follows speech by at most 200 ms."""
        follow = min(level_db, self._floor_db + _FLOOR_RISE_DB)
        self._floor_db = min(_HIGHEST_FLOOR_DB, max(_LOWEST_FLOOR_DB, follow))
        if level_db > self._floor_db + _SPEECH_OVER_FLOOR_DB:
            self._hangover = _HANGOVER_FRAMES
            return True
        self._hangover = max(0, self._hangover - 1)
        return self._hangover > 0


class GainControl:
    """A slow gain that learns from speech alone, so that pauses and noise are not pumped up."""

    def __init__(self) -> None:
        self._speech_db: float | None = None
        self.gain_db = 0.0

    def apply(self, pcm: Pcm, level_db: float, is_loud_speech: bool) -> Pcm:
        """`pcm` with the gain of now; `is_loud_speech` only for frames that are speech beyond doubt."""
        before = self.gain_db
        if is_loud_speech:
            self._learn(level_db)
        if before == self.gain_db:
            return pcm if before == 0.0 else pcm * np.float32(to_gain(before))
        return pcm * ramp(to_gain(before), to_gain(self.gain_db), len(pcm))

    def _learn(self, level_db: float) -> None:
        if self._speech_db is None:
            self._speech_db = level_db
        self._speech_db += _LEVEL_SMOOTHING * (level_db - self._speech_db)
        wanted = min(MAX_GAIN_DB, max(MIN_GAIN_DB, TARGET_DB - self._speech_db))
        self.gain_db += min(_RISE_DB, max(-_FALL_DB, wanted - self.gain_db))
