"""How much of some speech can be understood, as Taal and others measure it (STOI, IEEE Trans. ASLP 19(7), 2011).

The envelopes of fifteen third-octave bands are compared over 0.4 s at a time. What is lost, hidden by noise or cut to
pieces has other envelopes; loudness, phase and small shifts of time, as jitter buffers make them, do not matter here.
1 is the same; above 0.75 listeners understand nearly every word.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
_FRAME, _HOP, _FFT = 1_228, 614, 2_048
"""25.6 ms, half of it, and a power of two."""
_BANDS, _LOWEST_HZ = 15, 150.0
_SEGMENT = 30
"""Frames that are compared at a time: 0.38 s."""
_STRAY = 8
"""Frames by which a segment may be elsewhere than the whole: 0.1 s, half a syllable."""
_CLIP = 10 ** (15 / 20)
"""A frame counts as no worse than 15 dB of distortion."""
_SAID = 0.03
"""Bands with less than this share of the loudest hold nothing of what is said."""
_AUDIBLE = 0.05
"""Segments that are spoken more quietly than this share of the loudest are pauses."""

Envelopes = NDArray[np.float64]


def intelligibility(heard: NDArray[np.generic], spoken: NDArray[np.generic]) -> float:
    """Of `heard`, some seconds anywhere in `spoken`, which is looped; both mono at 48 kHz. 0 where nobody speaks."""
    loop, sound = envelopes(np.concatenate((spoken, spoken[: len(heard)]))), envelopes(heard)
    at = _place(sound, loop)
    power = np.array([np.linalg.norm(_piece(loop, at + start)) for start in range(0, sound.shape[1] - _SEGMENT, 10)])
    scores = [
        max(_likeness(_piece(loop, at + start + stray), _piece(sound, start)) for stray in range(-_STRAY, _STRAY + 1))
        for start, loudness in zip(range(0, sound.shape[1] - _SEGMENT, 10), power, strict=True)
        if loudness > _AUDIBLE * power.max()
    ]
    return float(np.mean(scores)) if scores else 0.0


def envelopes(pcm: NDArray[np.generic]) -> Envelopes:
    """Of each band, one value for each half frame: shape (bands, frames)."""
    samples = pcm.astype(np.float64)
    samples /= samples.std() or 1.0
    starts = range(0, len(samples) - _FRAME, _HOP)
    frames = np.stack([samples[start : start + _FRAME] for start in starts]) * np.hanning(_FRAME)
    power = np.abs(np.fft.rfft(frames, _FFT)) ** 2
    centres = _LOWEST_HZ * 2 ** (np.arange(_BANDS) / 3)
    edges = np.round(np.append(centres * 2 ** (-1 / 6), centres[-1] * 2 ** (1 / 6)) * _FFT / RATE_HZ).astype(int)
    bands = [power[:, low : max(low + 1, high)].sum(axis=1) for low, high in pairwise(edges)]
    return np.sqrt(np.stack(bands))


def _place(sound: Envelopes, loop: Envelopes) -> int:
    """The frame of `loop` with which `sound` begins."""
    wanted, past = (np.log10(each + 1.0) for each in (sound, loop))
    wanted -= wanted.mean(axis=1, keepdims=True)
    past -= past.mean(axis=1, keepdims=True)
    windows = np.lib.stride_tricks.sliding_window_view(past, sound.shape[1], axis=1)
    alike = np.einsum("bwf,bf->w", windows, wanted)
    return int(np.argmax(alike / np.sqrt(np.einsum("bwf,bwf->w", windows, windows) + 1e-9)))


def _piece(all_: Envelopes, start: int) -> Envelopes:
    first = min(max(0, start), all_.shape[1] - _SEGMENT)
    return all_[:, first : first + _SEGMENT]


def _likeness(clean: Envelopes, heard: Envelopes) -> float:
    """The mean correlation of the bands, after `heard` was made as loud as `clean`."""
    gain = np.linalg.norm(clean, axis=1, keepdims=True) / (np.linalg.norm(heard, axis=1, keepdims=True) + 1e-9)
    clipped = np.minimum(heard * gain, clean * (1 + _CLIP))
    one, other = (each - each.mean(axis=1, keepdims=True) for each in (clean, clipped))
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    loudness = np.linalg.norm(clean, axis=1)
    said = loudness >= _SAID * loudness.max()
    return float(((one * other).sum(axis=1) / (norms + 1e-9))[said].mean())
