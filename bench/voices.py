"""Sound for benchmarks: voices told apart by a marker tone each, noise of quiet rooms, and how to find the markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

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
_WIDTH_HZ = 0.6
_SPEEDS = (1 - 1 / FRAME_SAMPLES, 1.0, 1 + 1 / FRAME_SAMPLES)
"""A mixer that follows a sender's clock plays 959 or 961 samples in 20 ms (mcu/audio/drift.py): as long as it does, a
marker lies 0.1 % beside its place."""
_LEAST_SHARE = 0.7
"""Of the amplitude that a marker has where all voices are equally loud. Measured with 59 voices of which 20 were left
out, with ticks that were skipped and packets that were late: 0.76 and more of who is heard, 0.63 and less of who is not
(intermodulation of limiters, noise of codecs)."""
_LEAST_WINDOWS = 2


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
    """Who of `numbers`, all of whom talk equally loudly, is not in `sound` (48 kHz).

    Two windows of two seconds have to hold the marker as loud as it must be: a tone that is cut or stretched once is
    found before and after that.
    """
    talkers = list(numbers)
    starts = range(0, len(sound) - _WINDOW + 1, _WINDOW // 2)
    shares = np.array([_shares(sound[start : start + _WINDOW], talkers) for start in starts]).reshape(-1, len(talkers))
    windows = (shares >= _LEAST_SHARE).sum(axis=0)
    return [number for number, count in zip(talkers, windows, strict=True) if count < _LEAST_WINDOWS]


def _shares(window: Pcm, talkers: Sequence[int]) -> list[float]:
    """The amplitude of each marker over that which it has if the window is the sum of these voices."""
    spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window)))) * 4 / len(window)
    frequencies = np.fft.rfftfreq(len(window), 1 / RATE_HZ)
    one_voice = np.sqrt(np.mean(np.square(window, dtype=np.float64)) / max(1, len(talkers)))
    expected = np.sqrt(2) * _MARKER_SHARE * one_voice + 1e-9

    def amplitude(hertz: float) -> float:
        return float(spectrum[np.abs(frequencies - hertz) < _WIDTH_HZ].max())

    return [max(amplitude(marker_hz(number) * speed) for speed in _SPEEDS) / expected for number in talkers]


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
