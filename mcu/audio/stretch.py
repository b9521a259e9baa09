"""Making sound a little shorter or longer without a click: one pitch period is cut out or repeated, cross-faded."""

from __future__ import annotations

import numpy as np

from mcu.audio.pcm import Pcm, ramp

OVERLAP = 480
"""Samples of each cross-fade (10 ms)."""
_DECIMATION = 4
SHORTEST_LAG, LONGEST_LAG = 240, 720
_LONGER_IS_BETTER = 0.03
"""Among lags that fit equally well: in silence and over many periods of a tone."""
_SILENT_POWER = 1e-4
"""Of a window at -60 dB: below, all lags fit."""
NEEDED_SAMPLES = OVERLAP + SHORTEST_LAG
"""Shorter sound is left alone."""


def shorten(pcm: Pcm, longest: int = LONGEST_LAG) -> Pcm:
    """`pcm` without one period of 5 to 15 ms near its beginning, of at most `longest` samples."""
    lag = _period(pcm, longest)
    if not lag:
        return pcm
    fade = ramp(0.0, 1.0, OVERLAP)
    joint = pcm[:OVERLAP] * (1.0 - fade) + pcm[lag : lag + OVERLAP] * fade
    return np.concatenate((joint, pcm[lag + OVERLAP :]))


def lengthen(pcm: Pcm) -> Pcm:
    """`pcm` with one period of 5 to 15 ms near its beginning played twice."""
    lag = _period(pcm, LONGEST_LAG)
    if not lag:
        return pcm
    fade = ramp(0.0, 1.0, OVERLAP)
    joint = pcm[lag : lag + OVERLAP] * (1.0 - fade) + pcm[:OVERLAP] * fade
    return np.concatenate((pcm[:lag], joint, pcm[OVERLAP:]))


def _period(pcm: Pcm, longest: int) -> int:
    """The lag at which the beginning resembles what follows most; 0 when there is too little sound to tell."""
    longest = min(longest, len(pcm) - OVERLAP)
    if longest < SHORTEST_LAG:
        return 0
    coarse = pcm[: (OVERLAP + longest) // _DECIMATION * _DECIMATION].reshape(-1, _DECIMATION).mean(axis=1)
    window = OVERLAP // _DECIMATION
    first, past = coarse[:window], coarse[SHORTEST_LAG // _DECIMATION :]
    power = np.convolve(past * past, np.ones(window, np.float32), "valid")
    alike = np.correlate(past, first, "valid") / np.sqrt(power * np.dot(first, first) + _SILENT_POWER**2)
    alike += np.linspace(0.0, _LONGER_IS_BETTER, len(alike), dtype=np.float32)
    return SHORTEST_LAG + int(np.argmax(alike)) * _DECIMATION
