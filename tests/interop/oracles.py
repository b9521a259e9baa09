"""What was heard and seen: frequencies in sound, colours in pictures."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.interop.media import BLUE, GREEN, RED, YELLOW, Person

EVERYBODY = (RED, GREEN, BLUE, YELLOW)
_FLOOR_DB = 26.0
_COLOUR_DISTANCE = 60.0


def heard(samples: NDArray[np.generic], rate_hz: int, people: tuple[Person, ...] = EVERYBODY) -> set[str]:
    """Whose tones are in the sound, within 26 dB of the loudest one."""
    if len(samples) < rate_hz // 2:
        return set()
    signal = samples.astype(np.float64)
    if np.abs(signal).max() < 50:
        return set()
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
    width = max(2, round(6 * len(signal) / rate_hz))

    def level(tone_hz: float) -> float:
        centre = round(tone_hz * len(signal) / rate_hz)
        return float(20 * np.log10(spectrum[centre - width : centre + width + 1].max() + 1e-9))

    levels = {person.name: level(person.tone_hz) for person in people}
    noise = 20 * np.log10(np.median(spectrum) + 1e-9)
    loudest = max(levels.values())
    return {name for name, found in levels.items() if found > loudest - _FLOOR_DB and found > noise + 30}


def heard_in_wav(path: Path, before_end_s: float = 6.0, length_s: float = 2.0) -> set[str]:
    """Whose tones are in a stretch of a WAV file that begins some seconds before its end."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())[:, 0]
    start = max(0, len(data) - int(before_end_s * rate))
    return heard(data[start : start + int(length_s * rate)], rate)


def longest_gap_s(samples: NDArray[np.generic], rate_hz: int, threshold: float = 100.0) -> float:
    """The longest time for which the sound stayed below a threshold, in windows of 10 ms."""
    window = rate_hz // 100
    loud = np.abs(samples[: len(samples) // window * window].astype(np.float64)).reshape(-1, window).max(axis=1)
    longest = run = 0
    for is_quiet in loud < threshold:
        run = run + 1 if is_quiet else 0
        longest = max(longest, run)
    return longest / 100


def seen(rgb: NDArray[np.uint8]) -> dict[str, tuple[float, float]]:
    """Whose colour fills a tile of the picture: name -> centre of what has that colour, in fractions."""
    height, width = rgb.shape[:2]
    found: dict[str, tuple[float, float]] = {}
    for person in EVERYBODY:
        distance = np.linalg.norm(rgb.astype(np.float32) - np.array(person.colour, np.float32), axis=2)
        rows, columns = np.nonzero(distance < _COLOUR_DISTANCE)
        if len(rows) > 0.015 * width * height:
            found[person.name] = (float(np.median(columns)) / width, float(np.median(rows)) / height)
    return found


def deepest_dip(samples: NDArray[np.generic], rate_hz: int, person: Person) -> float:
    """How weak the person's tone gets for 50 ms; 1 is as strong as in the 0.8 s around (gain control is slow).

    A jump of its phase is none: who plays a late packet after all lets the tone begin again somewhere else. 20 ms
    of silence are one, of 0.76.
    """
    window = rate_hz // 100
    blocks = samples[: len(samples) // window * window].astype(np.float64).reshape(-1, window)
    tone = np.exp(-2j * np.pi * person.tone_hz * np.arange(window) / rate_hz) * np.hanning(window)
    levels = np.sqrt(np.convolve(np.abs(blocks @ tone) ** 2, np.full(5, 0.2), "valid"))
    around = [np.median(levels[max(0, at - 40) : at + 41]) for at in range(len(levels))]
    return float((levels / around)[5:-5].min())


def rgba(values: list[int], width: int, height: int) -> NDArray[np.uint8]:
    """The RGB picture of a canvas' pixels."""
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]
