"""Sums the talkers of a room: one mix for who listens, one without themselves for who talks, none above full scale.

The mixes of a tick are the rows of one array: where sixty talk there are sixty-one, and a call of numpy for each of
them costs more than its work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcu.audio.pcm import FRAME_SAMPLES, Pcm, peak, ramp

EVERYBODY = 0
"""The key of the mix with all talkers in it. Other keys: the leg that a mix leaves out, or, negative, the one that
hears something of its own in it."""
_CEILING = 0.89
"""-1 dBFS: codecs overshoot what they are given."""
_BLOCKS = 4
_RELEASE = 1.12
"""The gain comes back by 1 dB in 5 ms at most."""
_KNEE = 0.9
_BLOCK_RAMP = ramp(0.0, 1.0, FRAME_SAMPLES // _BLOCKS)
_NOTHING: Mapping[int, Pcm] = {}


class Mixes(NamedTuple):
    """The mixes of one tick: `sound` has shape (len(keys), FRAME_SAMPLES)."""

    keys: tuple[int, ...]
    sound: Pcm


def mix(frames: Mapping[int, Pcm], to_all: Pcm | None = None, to_one: Mapping[int, Pcm] = _NOTHING) -> Mixes:
    """The sum under EVERYBODY, and for each leg in `frames` the sum without it.

    `to_all` is heard by all of them; what is `to_one` leg makes one mix more, under the negative leg. Sums may exceed
    full scale: Limiters follow. The inputs are not touched. Raises ValueError when lengths differ.
    """
    talkers = len(frames)
    sound = np.empty((talkers + 1 + len(to_one), FRAME_SAMPLES), np.float32)
    for row, frame in enumerate(frames.values()):
        sound[row] = frame
    voices, total = sound[:talkers], sound[talkers]
    np.add.reduce(voices, axis=0, out=total)
    if to_all is not None:
        total += to_all
    np.subtract(total, voices, out=voices)
    keys = (*frames, EVERYBODY)
    for row, (leg, own) in enumerate(to_one.items(), talkers + 1):
        np.add(sound[keys.index(leg)] if leg in frames else total, own, out=sound[row])
    return Mixes((*keys, *(-leg for leg in to_one)), sound)


class Limiters:
    """Hold each mix of a room below full scale by a gain that falls before the peak and comes back slowly."""

    def __init__(self) -> None:
        self._gains: dict[int, float] = {}
        """Where the gain of a mix was left, by its key; others are at 1."""

    def process(self, mixes: Mixes) -> dict[int, Pcm]:
        """The same sound by key, held down in place: no sample is at or beyond 1.0."""
        if self._gains or peak(mixes.sound.reshape(-1)) > _CEILING:
            self._hold(*mixes)
        return dict(zip(mixes.keys, mixes.sound, strict=True))

    def _hold(self, keys: tuple[int, ...], sound: Pcm) -> None:
        gains = np.array([self._gains.get(key, 1.0) for key in keys], np.float32)
        peaks = np.abs(sound).reshape(len(keys), _BLOCKS, -1).max(axis=2)
        rows = np.flatnonzero((gains < 1.0) | (peaks.max(axis=1) > _CEILING))
        borders = _borders(gains[rows], peaks[rows])
        lines = borders[:, :-1, None] + np.diff(borders)[:, :, None] * _BLOCK_RAMP
        sound[rows] = _soften(sound[rows] * lines.reshape(len(rows), FRAME_SAMPLES))
        left = borders[:, -1].tolist()
        self._gains = {keys[row]: gain for row, gain in zip(rows.tolist(), left, strict=True) if gain < 1.0}


def _borders(gains: NDArray[np.float32], peaks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The gain of each mix at the borders of its blocks, each low enough for the blocks on both sides.

    `gains` are those of before, of shape (mixes,), `peaks` the largest magnitudes, of shape (mixes, _BLOCKS).
    """
    allowed = np.minimum(1.0, _CEILING / np.maximum(peaks, 1e-9))
    lowest = np.minimum(allowed, np.concatenate((allowed[:, 1:], allowed[:, -1:]), axis=1))
    borders = [gains]
    for block in range(_BLOCKS):
        borders.append(np.minimum(lowest[:, block], borders[-1] * np.float32(_RELEASE)))
    return np.stack(borders, axis=1)


def _soften(sound: Pcm) -> Pcm:
    """Bend what is still above the knee (a peak at the very start of a frame) towards full scale instead of cutting."""
    magnitude = np.abs(sound)
    above = magnitude > _KNEE
    if above.any():
        bent = _KNEE + (1.0 - _KNEE) * np.tanh((magnitude[above] - _KNEE) / (1.0 - _KNEE)) * 0.99
        sound[above] = np.copysign(bent, sound[above])
    return sound
