"""The measure of what can be understood tells speech from less of it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from caller import voice
from tests.speech import RATE_HZ, intelligibility

SPOKEN = voice.sound("voice", 10)
CHANCE = np.random.default_rng(1)


def heard(start_s: float, seconds: float = 3.0) -> NDArray[np.float32]:
    looped = np.concatenate((SPOKEN, SPOKEN))
    return looped[int(start_s * RATE_HZ) : int((start_s + seconds) * RATE_HZ)].copy()


def without(sound: NDArray[np.float32], lost_ms: int, every_ms: int) -> NDArray[np.float32]:
    """Silence instead of a part of each so many milliseconds."""
    for start in range(0, len(sound), every_ms * 48):
        sound[start : start + lost_ms * 48] = 0
    return sound


@pytest.mark.parametrize("start_s", [0.0, 1.37, 8.5])
def test_the_same_is_understood_wherever_it_begins_and_however_loud(start_s: float) -> None:
    assert intelligibility(heard(start_s) * np.float32(0.1), SPOKEN) > 0.95


def test_a_little_noise_and_a_few_gaps_take_little() -> None:
    sound = heard(2.0)
    noise = CHANCE.normal(0, 0.01, len(sound)).astype(np.float32)
    assert intelligibility(without(sound + noise, 20, 500), SPOKEN) > 0.8


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(voice.sound("voice:2", 3), id="somebody else"),
        pytest.param(CHANCE.normal(0, 0.1, 3 * RATE_HZ).astype(np.float32), id="noise"),
        pytest.param(voice.sound("880", 3), id="a tone"),
        pytest.param(without(heard(1.0), 120, 200), id="more gaps than speech"),
        pytest.param(np.zeros(3 * RATE_HZ, np.float32), id="nothing"),
    ],
)
def test_what_nobody_understands(sound: NDArray[np.float32]) -> None:
    assert intelligibility(sound, SPOKEN) < 0.7
