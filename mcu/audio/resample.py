"""Streaming polyphase FIR between 48 kHz and 8 or 16 kHz: linear phase, state kept from frame to frame."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mcu.audio.pcm import Pcm, silence

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
        windows = sliding_window_view(joined, _TAPS_PER_PHASE)
        return np.ascontiguousarray((windows @ self._phases).reshape(-1), np.float32)


class Downsampler:
    """From 48 kHz to 48 kHz / `factor`."""

    def __init__(self, factor: int) -> None:
        self._factor = factor
        self._kernel = np.ascontiguousarray(_low_pass(factor)[::-1])
        self._history = silence(len(self._kernel) - factor)

    def process(self, pcm: Pcm) -> Pcm:
        """One sample for each `factor` of `pcm`, whose length is a multiple of it."""
        joined = np.concatenate((self._history, pcm))
        self._history = joined[len(pcm) :]
        windows = sliding_window_view(joined, len(self._kernel))[:: self._factor]
        return np.ascontiguousarray(windows @ self._kernel, np.float32)
