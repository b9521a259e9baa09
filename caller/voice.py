"""Speech-like sound: syllables of changing pitch and vowel with pauses, a different person for each number; tones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
Pcm = NDArray[np.float32]

_LOUDNESS = 0.16
_SYLLABLE_S = 0.22
_PHRASE = 9
"""Syllables before a pause of three."""
# First three formants of five vowels in Hz (Peterson and Barney 1952, men).
_VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
_WIDTHS = (90.0, 110.0, 170.0)


def sound(tone: str, seconds: float) -> Pcm:
    """Mono float32 at 48 kHz in -1..1, made to be looped. `tone` as in CallOptions."""
    samples = int(seconds * RATE_HZ)
    if tone == "silence":
        return np.zeros(samples, np.float32)
    if tone.startswith("voice"):
        return voice(int(tone.partition(":")[2] or 1), samples)
    # A whole number of periods, so that the loop has no click.
    periods = round(int(tone) * samples / RATE_HZ)
    return (0.25 * np.sin(2 * np.pi * periods * np.arange(samples) / samples)).astype(np.float32)


def voice(person: int, samples: int) -> Pcm:
    """What `person` (1 and up) says; each has an own pitch, size of the throat, and order of syllables."""
    rng = np.random.default_rng(person)
    base_hz = (112.0, 205.0, 138.0, 238.0, 96.0, 176.0)[(person - 1) % 6] * (1 + 0.01 * ((person - 1) // 6))
    scale = (1.0, 1.17, 1.05, 1.22, 0.95, 1.12)[(person - 1) % 6]
    length = int(_SYLLABLE_S * RATE_HZ)
    out = np.zeros(samples, np.float32)
    phase = 0.0
    for index, start in enumerate(range(0, samples - length, length)):
        if index % (_PHRASE + 3) >= _PHRASE:
            continue
        fall = 1.12 - 0.22 * (index % (_PHRASE + 3)) / _PHRASE
        bend = rng.uniform(-0.08, 0.08)
        pitch = base_hz * fall * (1 + bend * np.linspace(0, 1, length))
        turns = phase + np.cumsum(pitch) / RATE_HZ
        phase = float(turns[-1] % 1)
        out[start : start + length] = _syllable(turns, float(pitch.mean()), _VOWELS[rng.integers(5)], scale)
    peak = float(np.abs(out).max()) or 1.0
    return (out * (3.2 * _LOUDNESS / peak)).astype(np.float32)


def flash_beeps(seconds: int) -> Pcm:
    """A 1 kHz beep of 100 ms at the start of each second."""
    time = np.arange(RATE_HZ) / RATE_HZ
    second = np.where(time < 0.1, 0.4 * np.sin(2 * np.pi * 1000 * time), 0.0).astype(np.float32)
    return np.tile(second, seconds)


def _syllable(
    turns: NDArray[np.float64], pitch_hz: float, vowel: tuple[int, int, int], scale: float
) -> NDArray[np.float32]:  # fmt: skip
    """Harmonics of a pitch weighted by the vowel's formants, swelling and fading."""
    sum_ = np.zeros(len(turns))
    for harmonic in range(1, int(3600 / pitch_hz)):
        frequency = harmonic * pitch_hz
        gain = sum(
            strength / (1 + ((frequency - formant * scale) / width) ** 2)
            for strength, formant, width in zip((1.0, 0.6, 0.3), vowel, _WIDTHS, strict=True)
        )
        sum_ += (gain / harmonic**0.3) * np.sin(2 * np.pi * harmonic * turns)
    envelope = np.sin(np.pi * np.linspace(0, 1, len(turns))) ** 0.7
    return (sum_ * envelope).astype(np.float32)
