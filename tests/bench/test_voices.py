"""Who is heard in a mix is found, who is not is missed, whatever a mixer does to follow clocks."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bench import voices
from mcu.audio.pcm import RATE_HZ, Pcm

TALKERS = (0, 3, 9, 17, 26, 41, 59)
SECONDS = 6


@cache
def voice(number: int) -> Pcm:
    return voices.voice(number)[: RATE_HZ * SECONDS]


def faster(sound: Pcm, samples_a_frame: int) -> Pcm:
    """Played so that so many samples take 20 ms."""
    at = np.arange(len(sound)) * (samples_a_frame / 960)
    return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)


def mixed(talkers: tuple[int, ...], samples: tuple[int, ...] = (960,)) -> Pcm:
    """Talkers of whom each is played by another clock."""
    frames = [faster(voice(number), samples[index % len(samples)]) for index, number in enumerate(talkers)]
    return np.sum(frames, axis=0).astype(np.float32)


@pytest.mark.parametrize("samples", [(960,), (961,), (959, 960, 961)], ids=str)
@pytest.mark.parametrize("gain", [1.0, 0.01])
def test_all_are_heard(samples: tuple[int, ...], gain: float) -> None:
    assert voices.missing(gain * mixed(TALKERS, samples), TALKERS) == []


@pytest.mark.parametrize("absent", TALKERS)
def test_who_is_not_there_is_missed(absent: int) -> None:
    present = tuple(number for number in TALKERS if number != absent)
    assert voices.missing(mixed(present, (960, 961, 959)), TALKERS) == [absent]


def test_who_is_much_too_quiet_is_missed() -> None:
    assert voices.missing(mixed(TALKERS[1:]) + 0.4 * voice(TALKERS[0]), TALKERS) == [TALKERS[0]]


def test_nobody_is_heard_in_silence_and_in_too_little_sound() -> None:
    assert voices.missing(np.zeros(RATE_HZ * SECONDS, np.float32), TALKERS) == list(TALKERS)
    assert voices.missing(mixed(TALKERS)[:RATE_HZ], TALKERS) == list(TALKERS)
