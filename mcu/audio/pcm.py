"""The sound inside the mixer (mono float32 in -1..1 at 48 kHz, 20 ms a frame) and its levels."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.float32]

RATE_HZ = 48_000
TICK_US = 20_000
FRAME_SAMPLES = 960
SILENT_DB = -127.0
"""The quietest level there is (RFC 6464 3: 127 is digital silence)."""


def silence(samples: int = FRAME_SAMPLES) -> Pcm:
    """A fresh buffer of zeros."""
    return np.zeros(samples, np.float32)


def windows(pcm: Pcm, length: int) -> Pcm:
    """Each run of `length` samples as a row, without a copy; `pcm` must be contiguous and stay unchanged meanwhile."""
    return np.ndarray((len(pcm) - length + 1, length), np.float32, pcm.data, 0, (pcm.itemsize, pcm.itemsize))


def level_db(pcm: Pcm) -> float:
    """Root mean square over the overload point in dB (dBov, RFC 6465 3), SILENT_DB..0."""
    power = float(np.dot(pcm, pcm)) / (len(pcm) or 1)
    if not power > 0.0:
        return SILENT_DB
    return min(0.0, max(SILENT_DB, 10.0 * math.log10(power)))


def mean(pcm: Pcm) -> float:
    """What direct current there is."""
    return float(np.dot(pcm, _ones(len(pcm)))) / (len(pcm) or 1)


def peak(pcm: Pcm) -> float:
    """The largest magnitude."""
    return max(float(np.maximum.reduce(pcm)), -float(np.minimum.reduce(pcm)))


def to_gain(decibel: float) -> float:
    """The factor of a gain in dB."""
    return float(10.0 ** (decibel / 20.0))


def to_int16(pcm: Pcm) -> NDArray[np.int16]:
    """Rounded and saturated 16-bit samples."""
    scaled = np.rint(pcm * np.float32(32768.0))
    np.minimum(scaled, 32767.0, out=scaled)  # np.clip takes longer than both
    np.maximum(scaled, -32768.0, out=scaled)
    samples: NDArray[np.int16] = scaled.astype(np.int16)
    return samples


def from_int16(samples: NDArray[np.int16]) -> Pcm:
    """The same sound in -1..1."""
    return samples.astype(np.float32) * np.float32(1.0 / 32768.0)


def ramp(start: float, stop: float, samples: int = FRAME_SAMPLES) -> Pcm:
    """A straight line of gains over `samples`; the last one is `stop`, so that the next frame follows on."""
    line: Pcm = _unit_ramp(samples) * np.float32(stop - start)
    line += np.float32(start)
    return line


@lru_cache(maxsize=64)
def _ones(samples: int) -> Pcm:
    return np.ones(samples, np.float32)


@lru_cache(maxsize=64)
def _unit_ramp(samples: int) -> Pcm:
    return np.linspace(0.0, 1.0, samples + 1, dtype=np.float32)[1:]
