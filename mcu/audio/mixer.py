"""Sums the talkers of a room: one mix for who listens, one without themselves for who talks, none above full scale."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mcu.audio.pcm import FRAME_SAMPLES, Pcm, peak, silence

EVERYBODY = 0
"""The key of the mix with all talkers in it; other keys are the leg that a mix leaves out."""
_CEILING = 0.89
"""-1 dBFS: codecs overshoot what they are given."""
_BLOCKS = 4
_RELEASE = 1.12
"""The gain comes back by 1 dB in 5 ms at most."""
_KNEE = 0.9


class Limiter:
    """Holds one mix below full scale by a gain that falls before the peak and comes back slowly."""

    def __init__(self) -> None:
        self._gain = 1.0

    def process(self, pcm: Pcm) -> Pcm:
        """The same sound with no sample at or beyond 1.0."""
        if self._gain == 1.0 and peak(pcm) <= _CEILING:
            return pcm
        return _soften(pcm * self._gains(np.abs(pcm.reshape(_BLOCKS, -1)).max(axis=1)))

    def _gains(self, peaks: Pcm) -> Pcm:
        """Gain of each sample: straight lines between the block borders, each low enough for both its blocks."""
        allowed = [min(1.0, _CEILING / max(float(peak), 1e-9)) for peak in peaks]
        borders = [self._gain]
        for block in range(_BLOCKS):
            following = allowed[min(block + 1, _BLOCKS - 1)]
            borders.append(min(allowed[block], following, borders[-1] * _RELEASE))
        self._gain = borders[-1]
        positions = np.arange(1, FRAME_SAMPLES + 1, dtype=np.float32) * (_BLOCKS / FRAME_SAMPLES)
        gains: Pcm = np.interp(positions, np.arange(_BLOCKS + 1), borders).astype(np.float32)
        return gains


def _soften(pcm: Pcm) -> Pcm:
    """Bend what is still above the knee (a peak at the very start of a frame) towards full scale instead of cutting."""
    magnitude = np.abs(pcm)
    if magnitude.max() <= _KNEE:
        return pcm
    bent = _KNEE + (1.0 - _KNEE) * np.tanh((magnitude - _KNEE) / (1.0 - _KNEE)) * 0.99
    softened: Pcm = np.where(magnitude > _KNEE, np.sign(pcm) * bent, pcm).astype(np.float32)
    return softened


def mix(frames: Mapping[int, Pcm], extra: Pcm | None = None) -> dict[int, Pcm]:
    """The sum under EVERYBODY, and for each leg in `frames` the sum without it; `extra` is heard by all of them.

    Sums may exceed full scale: a Limiter follows. Raises ValueError when lengths differ.
    """
    total = silence() if extra is None else extra.copy()
    for frame in frames.values():
        total += frame
    mixes = {leg: total - frame for leg, frame in frames.items()}
    mixes[EVERYBODY] = total
    return mixes
