"""Making sound a little shorter or longer without a click: one pitch period is cut out or repeated, cross-faded."""

from __future__ import annotations

import numpy as np

from mcu.audio.pcm import Pcm, ramp

OVERLAP = 480
"""Samples of each cross-fade (10 ms)."""
_DECIMATION = 4
_SHORTEST_LAG = 240
_LONGEST_LAG = 720
NEEDED_SAMPLES = OVERLAP + _SHORTEST_LAG
"""Shorter sound is left alone."""


def shorten(pcm: Pcm) -> Pcm:
    """`pcm` without one period of 5 to 15 ms near its beginning."""
    lag = _period(pcm)
    if not lag:
        return pcm
    fade = ramp(0.0, 1.0, OVERLAP)
    joint = pcm[:OVERLAP] * (1.0 - fade) + pcm[lag : lag + OVERLAP] * fade
    return np.concatenate((joint, pcm[lag + OVERLAP :]))


def lengthen(pcm: Pcm) -> Pcm:
    """`pcm` with one period of 5 to 15 ms near its beginning played twice."""
    lag = _period(pcm)
    if not lag:
        return pcm
    fade = ramp(0.0, 1.0, OVERLAP)
    joint = pcm[lag : lag + OVERLAP] * (1.0 - fade) + pcm[:OVERLAP] * fade
    return np.concatenate((pcm[:lag], joint, pcm[OVERLAP:]))


def _period(pcm: Pcm) -> int:
    """The lag at which the beginning resembles what follows most; 0 when there is too little sound to tell."""
    longest = min(_LONGEST_LAG, len(pcm) - OVERLAP)
    if longest < _SHORTEST_LAG:
        return 0
    coarse = pcm[: (OVERLAP + longest) // _DECIMATION * _DECIMATION].reshape(-1, _DECIMATION).mean(axis=1)
    window = OVERLAP // _DECIMATION
    past = coarse[_SHORTEST_LAG // _DECIMATION :]
    likeness = np.correlate(past, coarse[:window], "valid")
    power = np.convolve(past * past, np.ones(window, np.float32), "valid")
    return _SHORTEST_LAG + int(np.argmax(likeness / np.sqrt(power + 1e-9))) * _DECIMATION
