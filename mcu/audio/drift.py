"""Following a sender whose clock runs faster or slower than ours: now and then 961 or 959 samples become 960.

Such a frame is resampled by a windowed sinc, so that nothing is cut out or repeated; for its 20 ms it plays 0.1 %
faster or slower, which nobody hears. One in five of them follows a clock that is off by 200 ppm.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from mcu.audio.pcm import FRAME_SAMPLES, TICK_US, Pcm, windows

_SMOOTHING = 0.02
_LAG_US = 2_500
"""The smallest transit is known from the last 10 s: against a slow clock, playout is nearer to it than it seems."""
_FIRST_LOW_US = 6_000 + _LAG_US
_DRIFTED_US = 1_000
"""Playout nearer to the arrivals than this will be too early soon, when it came nearer by so much before."""
_LOW_US = TICK_US + 500 + _LAG_US
"""A clock that was slow before will be so again: arrivals walk through a whole tick, which has to be kept."""
_AIM_US = _LOW_US + 1_000
_HIGH_US = _AIM_US + 2_000
_TAPS = 16
_KAISER_BETA = 6.0


class ClockFollower:
    """Decides from the delay of playout how many samples the next frame is made of."""

    def __init__(self) -> None:
        self._excess_us: float | None = None
        self._low_us: float | None = None
        self._step = 0

    def restart(self) -> None:
        """Playout starts anew or has jumped."""
        self._excess_us = None
        self._step = 0
        if self._low_us != _LOW_US:
            self._low_us = None

    def samples(self, excess_us: int) -> int:
        """How many samples make 20 ms now, when playout is so much later than it must be: 959, 960 or 961."""
        known = self._excess_us
        excess = self._excess_us = excess_us if known is None else known + _SMOOTHING * (excess_us - known)
        if self._low_us is None:
            self._low_us = min(_FIRST_LOW_US, excess - _DRIFTED_US)
        if self._step * (excess - _AIM_US) < 0:
            self._step = 0
        if excess > _HIGH_US:
            self._step = 1
        elif excess < self._low_us:
            self._step, self._low_us = -1, _LOW_US
        return FRAME_SAMPLES + self._step


def fit(pcm: Pcm) -> Pcm:
    """959 or 961 samples as 960; the first and the last of them stay what they are, so that frames join."""
    edge = _TAPS // 2
    padded = np.empty(len(pcm) + 2 * edge, np.float32)
    padded[:edge], padded[edge:-edge], padded[-edge:] = pcm[0], pcm, pcm[-1]
    first, kernel = _kernel(len(pcm))
    fitted: Pcm = np.einsum("ij,ij->i", windows(padded[first:], _TAPS)[:FRAME_SAMPLES], kernel)
    return fitted


@cache
def _kernel(samples: int) -> tuple[int, Pcm]:
    """Which window of the padded samples belongs to the first sample of a frame, and the weights of each window."""
    first = int(samples > FRAME_SAMPLES)
    index = np.arange(FRAME_SAMPLES)
    position = index * ((samples - 1) / (FRAME_SAMPLES - 1))
    offsets = np.arange(_TAPS) - _TAPS // 2 + first
    distance = (position - index)[:, None] - offsets[None, :]
    taper = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (distance / (_TAPS / 2)) ** 2, 0, 1))) / np.i0(_KAISER_BETA)
    weights = np.sinc(distance) * taper
    weights /= weights.sum(axis=1, keepdims=True)
    return first, weights.astype(np.float32)
