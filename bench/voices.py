"""Sound for benchmarks: voices told apart by a marker tone each, noise of quiet rooms, and how to find the markers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mcu.audio.opus import OpusEncoder
from mcu.audio.pcm import FRAME_SAMPLES, RATE_HZ, Pcm, level_db

LENGTH_S = 10
"""A voice repeats itself after this without a seam: every frequency in it is a whole number of hertz."""
_FIRST_MARKER_HZ, _MARKER_STEP_HZ = 405, 30
_PITCH_STEP_HZ = 10
"""Pitches and syllables leave the frequencies 10 k + 5 Hz free: there the markers are."""
_SYLLABLE_HZ = 2
"""Syllables put power beside each harmonic, by so much: nearer to the markers it hides them where sixty talk."""
_MARKER_SHARE = 0.2
_ROOM_NOISE = 0.0005
"""-66 dBov, quieter than anything that is mixed."""
_WINDOW = 2 * RATE_HZ
_CONTRAST = 4.0
"""By so much a marker stands out from what is beside it."""


def voice(number: int, rms: float = 0.05) -> Pcm:
    """LENGTH_S of speech-like sound at 48 kHz: harmonics under syllables, breath, and the marker of `number`."""
    random = np.random.default_rng(number)
    time_s = np.arange(RATE_HZ * LENGTH_S) / RATE_HZ
    pitch_hz = 90 + _PITCH_STEP_HZ * (number % 16)
    sound = np.zeros(len(time_s))
    for harmonic in range(1, 3400 // pitch_hz):
        sound += np.sin(2 * np.pi * pitch_hz * harmonic * time_s + random.random() * 6) / harmonic
    sound *= 1.05 + np.cos(2 * np.pi * _SYLLABLE_HZ * time_s + random.random() * 6)
    sound /= np.sqrt(np.mean(sound**2))
    sound += np.sqrt(2) * _MARKER_SHARE * np.sin(2 * np.pi * marker_hz(number) * time_s)
    sound += random.normal(0, 0.02, len(time_s))
    return (sound * rms).astype(np.float32)


def room_noise(number: int) -> Pcm:
    """LENGTH_S of a room where nobody speaks."""
    return np.random.default_rng(number).normal(0, _ROOM_NOISE, RATE_HZ * LENGTH_S).astype(np.float32)


def marker_hz(number: int) -> int:
    """Where the voice of `number` is looked for."""
    return _FIRST_MARKER_HZ + _MARKER_STEP_HZ * number


def missing(sound: Pcm, numbers: Iterable[int]) -> list[int]:
    """Whose marker is in no two seconds of `sound` (48 kHz): a tone that is stretched once is found before or after."""
    windows = [sound[start : start + _WINDOW] for start in range(0, len(sound) - _WINDOW + 1, _WINDOW // 2)]
    return [number for number in numbers if all(contrast(window, number) < _CONTRAST for window in windows)]


def contrast(sound: Pcm, number: int) -> float:
    """How far the marker of `number` stands out from what is beside it, as a ratio of amplitudes."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    distance: NDArray[np.float64] = np.abs(np.fft.rfftfreq(len(sound), 1 / RATE_HZ) - marker_hz(number))
    beside = spectrum[(distance > 1.3) & (distance < 1.8)]
    return float(spectrum[distance < 0.6].max() / (np.median(beside) + 1e-9))


def opus_packets(sound: Pcm, bitrate_bps: int, complexity: int) -> list[bytes]:
    """One packet for each 20 ms."""
    encoder = OpusEncoder(bitrate_bps, complexity)
    return [encoder.encode(frame) for frame in frames(sound)]


def levels(sound: Pcm) -> list[int]:
    """RFC 6464 level of each 20 ms, in -dBov."""
    return [round(-level_db(frame)) for frame in frames(sound)]


def frames(sound: Pcm) -> list[Pcm]:
    """Pieces of 20 ms."""
    return list(sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES))
