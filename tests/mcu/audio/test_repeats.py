"""Repeats of lost packets: playout waits for them where they come in time, and only as long as packets get lost."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from tests.mcu.audio.simulation import Simulation, Terminal, speech

MS = 1_000
ONE_WAY_US = 25 * MS


@dataclass
class Path:
    """Loses a share of the packets; nine of ten come again after a round trip and the wait for the next packet."""

    loss: float
    round_trip_us: int = 50 * MS
    chance: random.Random = field(default_factory=lambda: random.Random(3))
    is_lost: bool = False

    def loses(self) -> bool:
        self.is_lost = self.chance.random() < self.loss
        return self.is_lost and self.chance.random() < 0.1

    def delay_us(self) -> int:
        """Of a packet that is not lost for good."""
        repeat_us = 20 * MS + self.chance.randrange(5 * MS, 15 * MS) + self.round_trip_us if self.is_lost else 0
        return ONE_WAY_US + self.chance.randrange(4 * MS) + repeat_us


def made_up(room: Simulation, seconds: float) -> float:
    """The share of the sound that was, in so many seconds from now on."""
    before = room.plane.totals()
    room.run(seconds)
    counts = room.plane.totals()
    counts.subtract(before)
    return (counts["concealed"] + counts["underruns"] + counts["recovered"]) / (seconds * 50)


def talking_over(path: Path) -> Simulation:
    return Simulation(Terminal(1, speech, delay_us=path.delay_us, is_lost=path.loses), Terminal(2))


@pytest.mark.exhaustive
def test_what_comes_again_within_a_round_trip_is_heard_and_costs_no_more_than_that() -> None:
    path = Path(loss=0.05)
    room = talking_over(path)
    room.run(6)
    assert made_up(room, 24) < 0.01
    assert room.plane.totals()["repeated"] > 40
    assert 75 <= room.plane.gauges["audio_delay_max_ms"] <= 95
    path.loss = 0.0
    room.run(30)
    assert room.plane.gauges["audio_delay_max_ms"] == 0


@pytest.mark.exhaustive
def test_for_a_loss_of_one_in_two_hundred_nobody_hears_later() -> None:
    room = talking_over(Path(loss=0.005))
    room.run(6)
    assert made_up(room, 24) < 0.01
    assert room.plane.gauges["audio_delay_max_ms"] <= 45


def test_what_comes_too_late_to_be_waited_for_is_not_waited_for() -> None:
    room = talking_over(Path(loss=0.05, round_trip_us=300 * MS))
    room.run(10)
    assert room.plane.gauges["audio_delay_max_ms"] <= 60
