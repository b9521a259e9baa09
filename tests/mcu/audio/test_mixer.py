"""Sums that are known, and limits that hold without a click."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.audio.mixer import EVERYBODY, Limiters, Mixes, mix
from mcu.audio.pcm import FRAME_SAMPLES, Pcm

_BLOCK = 240
"""5 ms at 48 kHz."""


def level(value: float) -> Pcm:
    return np.full(FRAME_SAMPLES, value, np.float32)


def test_everybody_hears_the_others() -> None:
    frames = {1: level(0.1), 2: level(0.2), 7: level(0.4)}
    mixes = mix(frames, level(0.01), {2: level(0.03), 9: level(0.05)})
    heard = {key: round(float(row[5]), 4) for key, row in zip(mixes.keys, mixes.sound, strict=True)}
    assert heard == {1: 0.61, 2: 0.51, 7: 0.31, EVERYBODY: 0.71, -2: 0.54, -9: 0.76}
    assert [float(frame[0]) for frame in frames.values()] == pytest.approx([0.1, 0.2, 0.4])


def test_nobody_talks() -> None:
    assert not mix({}).sound.any()
    assert mix({}).keys == (EVERYBODY,)
    assert np.array_equal(mix({}, level(0.5)).sound, level(0.5)[None, :])


def test_lengths_have_to_be_those_of_a_tick() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        mix({1: level(0.1)[:-1]})


def test_what_is_not_loud_stays_as_it_is_whatever_the_others_are() -> None:
    quiet = np.random.default_rng(1).normal(0, 0.1, (3, FRAME_SAMPLES)).astype(np.float32)
    limiters = Limiters()
    for frame in quiet:
        held = limiters.process(Mixes((1, 2), np.stack((level(1.7), frame))))
        assert np.array_equal(held[2], frame)
        assert np.abs(held[1]).max() < 1.0


def test_mixes_are_held_together_as_they_would_be_alone() -> None:
    random = np.random.default_rng(2)
    sizes = np.array([0.1, 0.5, 2.0, 0.9])[:, None]
    together, alone = Limiters(), [Limiters() for _ in sizes]
    for number in range(12):
        loudness = sizes * (1.5 if number < 4 else 0.3)
        sound = (loudness * random.normal(0, 0.5, (len(sizes), FRAME_SAMPLES))).astype(np.float32)
        singly = [
            each.process(Mixes((key,), row[None, :].copy()))[key]
            for key, (each, row) in enumerate(zip(alone, sound, strict=True))
        ]
        held = together.process(Mixes(tuple(range(len(sizes))), sound))
        assert all(np.array_equal(held[key], row) for key, row in enumerate(singly))
        assert np.abs(sound).max() < 1.0


def test_the_gain_falls_before_the_peak_and_comes_back_by_one_decibel_in_five_milliseconds() -> None:
    limiters, gains = Limiters(), []
    for number in range(4):
        sound = level(0.25)
        if number == 1:
            sound[700] = 2.0
        before = sound.copy()
        gains.append(limiters.process(Mixes((EVERYBODY,), sound[None, :]))[EVERYBODY] / before)
    gain = np.concatenate(gains)
    assert gain[:FRAME_SAMPLES] == pytest.approx(1.0)
    peak = FRAME_SAMPLES + 700
    assert 2.0 * gain[peak] == pytest.approx(0.89, abs=0.001)
    # From the end of the loud block on, 1.12 a block.
    ends = gain[FRAME_SAMPLES + 3 * _BLOCK - 1 :: _BLOCK]
    assert ends[:9] == pytest.approx(np.minimum(1.0, 0.445 * 1.12 ** np.arange(9)), rel=0.001)
    assert np.abs(np.diff(np.delete(gain, peak))).max() < 0.005
