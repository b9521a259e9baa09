"""Streaming polyphase FIR between 48 kHz and 8 or 16 kHz: linear phase, state kept from frame to frame."""

from __future__ import annotations

from functools import cache

import numpy as np

from mcu.audio.pcm import Pcm, silence, windows

_TAPS_PER_PHASE = 24
_PASSBAND = 0.92
"""Cut-off over the Nyquist frequency of the lower rate."""
_KAISER_BETA = 6.0


@cache
def _low_pass(factor: int) -> Pcm:
    """A windowed sinc with unit gain, `factor` * _TAPS_PER_PHASE taps."""
    taps = factor * _TAPS_PER_PHASE
    time = np.arange(taps) - (taps - 1) / 2
    kernel = np.sinc(time * _PASSBAND / factor) * np.kaiser(taps, _KAISER_BETA)
    scaled: Pcm = (kernel / kernel.sum()).astype(np.float32)
    return scaled


class Upsampler:
    """From 48 kHz / `factor` to 48 kHz."""

    def __init__(self, factor: int) -> None:
        # Row p holds the taps that make output sample p of each input sample, newest input last.
        self._phases = np.ascontiguousarray(_low_pass(factor).reshape(_TAPS_PER_PHASE, factor)[::-1] * factor)
        self._history = silence(_TAPS_PER_PHASE - 1)

    def process(self, pcm: Pcm) -> Pcm:
        """`factor` samples for each one of `pcm`."""
        joined = np.concatenate((self._history, pcm))
        self._history = joined[len(pcm) :]
        # Whole rows make a product of matrices; overlapping ones would be multiplied one by one.
        rows = np.ascontiguousarray(windows(joined, _TAPS_PER_PHASE))
        upsampled: Pcm = (rows @ self._phases).reshape(-1)
        return upsampled


class Downsampler:
    """From 48 kHz to 48 kHz / `factor`."""

    def __init__(self, factor: int) -> None:
        self._factor = factor
        # Column j holds the taps that meet the j-th group of `factor` samples of a window, oldest first.
        self._groups = np.ascontiguousarray(_low_pass(factor)[::-1].reshape(_TAPS_PER_PHASE, factor).T)
        self._history = silence((_TAPS_PER_PHASE - 1) * factor)

    def process(self, pcm: Pcm) -> Pcm:
        """One sample for each `factor` of `pcm`, whose length is a multiple of it."""
        joined = np.concatenate((self._history, pcm))
        self._history = joined[len(pcm) :]
        parts = joined.reshape(-1, self._factor) @ self._groups
        down, across = parts.strides
        shape = (len(pcm) // self._factor, _TAPS_PER_PHASE)
        # The parts of one sample lie on a diagonal: one group further, one column further.
        diagonals: Pcm = np.ndarray(shape, np.float32, parts.data, 0, (down, down + across))
        downsampled: Pcm = np.add.reduce(diagonals, axis=1)
        return downsampled
