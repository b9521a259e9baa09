"""Finds DTMF digits in sound: frequencies of ITU-T Q.23, tolerances and times of ITU-T Q.24 table A-1.

Windows of 20 ms, one every 5 ms. In each, the strongest tone of either group is measured, its frequency by the advance
of its phase from window to window; a digit is two tones alone, at the right frequencies, long enough. Speech has such
moments, but hardly ever five of them in a row.
"""

from __future__ import annotations

from collections import deque
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mcu.audio.pcm import Pcm, silence

_LOW_HZ = (697.0, 770.0, 852.0, 941.0)
_HIGH_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
_FREQUENCIES = np.array(_LOW_HZ + _HIGH_HZ)
_DIGITS = ("123A", "456B", "789C", "*0#D")
"""By low, then by high frequency (Q.23 figure 1)."""
_WINDOW_S = 0.020
_HOP_S = 0.005

_MAX_DEVIATION = 0.025
"""Q.24: 1.8 % must be taken, 3 % (3.5 % in some networks) must not."""
_MAX_HIGH_OVER_LOW = 2.0
_MAX_LOW_OVER_HIGH = 3.2
"""Twist, as ratios of amplitudes: 6 and 10 dB, past the 4 and 8 dB that Q.24 (AT&T) asks for."""
_LEAST_AMPLITUDE = 0.02
"""-34 dB under full scale: some 6 dB below the faintest tone that Q.24 wants to be taken (-25 dBm)."""
_LEAST_SHARE = 0.72
"""Of the power in a window, how much the two tones are: noise may be 4 dB below them, speech has more beside them."""
_WINDOWS_TO_BEGIN = 5
"""Counted from half the full power on: tones of 34 ms are taken, those below 28 ms are not (40 and 23 must)."""
_WINDOWS_TO_END = 6
"""A pause of 25 ms ends a digit (30 to 40 must), one of 10 ms does not."""
_WINDOWS_TO_BLANK = 2
_LONGEST_GAP_S = 0.050
"""After more than this was lost the same digit counts again."""

_Verdict = tuple[str, float]
_NOTHING: _Verdict = ("", 0.0)


class ToneDetector:
    """Listens to one sender at one rate. Every call takes the sound that follows that of the last one."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._hop = round(rate_hz * _HOP_S)
        self._basis, self._taper = _basis(rate_hz)
        self._rest = silence(len(self._taper) - self._hop)
        self._previous: NDArray[np.complex128] = np.zeros((1, len(_FREQUENCIES)), np.complex128)
        self._candidate = ""
        self._powers: deque[float] = deque(maxlen=4 * _WINDOWS_TO_BEGIN)
        self._held = ""
        self._gap = 0
        self._missing = 0
        self.is_tone = False
        """Whether the last call brought a tone, or the beginning of one: nobody else need hear it."""

    def process(self, pcm: Pcm) -> str:
        """The digits that are certain now, each once however long it is pressed."""
        self._missing = 0
        joined = np.concatenate((self._rest, pcm))
        length = len(self._taper)
        if len(joined) < length:
            self._rest = joined
            return ""
        windows = sliding_window_view(joined, length)[:: self._hop]
        self._rest = joined[len(windows) * self._hop :]
        self.is_tone = False
        if np.abs(joined).max() < _LEAST_AMPLITUDE:
            self._previous[:] = 0
            return "".join(self._take(_NOTHING) for _ in windows)
        return "".join(self._take(verdict) for verdict in self._judge(windows))

    def miss(self, samples: int) -> None:
        """So many samples were lost: a short gap in a tone is no pause in it, nor does it make a tone longer."""
        self._missing += samples
        self._rest = silence(0)
        self._previous[:] = 0
        self._candidate = ""
        if self._missing > self._rate_hz * _LONGEST_GAP_S:
            self._held = ""

    def _take(self, verdict: _Verdict) -> str:
        digit, power = verdict
        self._gap = 0 if digit and digit == self._held else self._gap + 1
        if self._gap >= _WINDOWS_TO_END:
            self._held = ""
        if digit != self._candidate:
            self._candidate = digit
            self._powers.clear()
        if not digit:
            return ""
        self._powers.append(power)
        self.is_tone |= len(self._powers) >= _WINDOWS_TO_BLANK
        strong = sum(each >= max(self._powers) / 2 for each in self._powers)
        if digit == self._held or strong < _WINDOWS_TO_BEGIN:
            return ""
        self._held, self._gap = digit, 0
        return digit

    def _judge(self, windows: Pcm) -> list[_Verdict]:
        spectrum = windows @ self._basis
        power = np.abs(spectrum) ** 2
        rows = np.arange(len(windows))
        tones = np.stack((power[:, :4].argmax(axis=1), power[:, 4:].argmax(axis=1) + 4), axis=1)
        before = np.concatenate((self._previous, spectrum))[:-1]
        self._previous = spectrum[-1:]
        found = spectrum[rows[:, None], tones]
        offset_hz = self._offset_hz(found, before[rows[:, None], tones], _FREQUENCIES[tones])
        amplitude = 2 * np.abs(found) / (self._taper.sum() * _response(offset_hz * len(self._taper) / self._rate_hz))
        energy = (windows * windows) @ (self._taper * self._taper)
        explained = (amplitude**2).sum(axis=1) / 2 * (self._taper**2).sum()
        low, high = amplitude[:, 0], amplitude[:, 1]
        is_digit = (
            (np.abs(offset_hz) <= _MAX_DEVIATION * _FREQUENCIES[tones]).all(axis=1)
            & (amplitude.min(axis=1) >= _LEAST_AMPLITUDE)
            & (high <= low * _MAX_HIGH_OVER_LOW)
            & (low <= high * _MAX_LOW_OVER_HIGH)
            & (explained >= _LEAST_SHARE * energy)
        )
        return [
            (_DIGITS[one][other - 4], float(each)) if is_it else _NOTHING
            for is_it, (one, other), each in zip(is_digit, tones, explained, strict=True)
        ]

    def _offset_hz(
        self, now: NDArray[np.complex128], before: NDArray[np.complex128], nominal_hz: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """How far each tone is from its nominal frequency, by the phase that it gained since the window before."""
        hop_s = self._hop / self._rate_hz
        turned = now * before.conj() * np.exp(-2j * np.pi * nominal_hz * hop_s)
        offset: NDArray[np.float64] = np.angle(turned) / (2 * np.pi * hop_s)
        return offset


@cache
def _basis(rate_hz: int) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """A Hann window, and under it one turning pointer for each frequency."""
    samples = round(rate_hz * _WINDOW_S)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(samples) + 0.5) / samples)
    pointers = np.exp(-2j * np.pi * np.outer(np.arange(samples) / rate_hz, _FREQUENCIES))
    return (taper[:, None] * pointers).astype(np.complex128), taper


def _response(bins: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of a tone `bins` off the middle a Hann window passes; never so little that noise is blown up."""
    response: NDArray[np.float64] = np.sinc(bins) / (1 - np.minimum(bins**2, 0.999))
    return np.maximum(np.abs(response), 0.3)
