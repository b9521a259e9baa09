"""Plays announcements into a mix, one after the other, 20 ms at a time."""

from __future__ import annotations

from collections import deque

from mcu.audio.pcm import FRAME_SAMPLES, Pcm, silence, to_gain

_MAX_WAITING = 4
"""Prompts that may wait for one listener; more are not played."""


class Player:
    """A short queue of sounds."""

    def __init__(self, gain_db: float) -> None:
        self._gain = to_gain(gain_db)
        self._waiting: deque[Pcm] = deque()
        self._position = 0

    def add(self, sound: Pcm) -> None:
        """Play `sound` after what already waits; dropped when too much does."""
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append(sound)

    def next_frame(self) -> Pcm | None:
        """The next 20 ms, None when everything was played."""
        if not self._waiting:
            return None
        sound = self._waiting[0]
        piece = sound[self._position : self._position + FRAME_SAMPLES] * self._gain
        self._position += FRAME_SAMPLES
        if self._position >= len(sound):
            self._waiting.popleft()
            self._position = 0
        if len(piece) == FRAME_SAMPLES:
            return piece
        padded = silence()
        padded[: len(piece)] = piece
        return padded
