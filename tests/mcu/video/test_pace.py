"""Fewer pictures while ticks are late, all of them again with patience, and an end to going up and down."""

from __future__ import annotations

from itertools import pairwise

from mcu.video.pace import Pace
from mcu.video.ticker import Ticker


class Machine:
    """Ticks whose work takes `busy_us`, on a virtual clock."""

    def __init__(self) -> None:
        self.now_us = 1_000_000
        self.ticker = Ticker(25, self.now_us)
        self.pace = Pace(self.ticker.interval_us)
        self.changes: list[tuple[float, int]] = []

    def run(self, seconds: float, busy_us: int) -> None:
        """Let ticks pass."""
        end_us = self.now_us + round(seconds * 1_000_000)
        while self.now_us < end_us:
            if self.ticker.start(self.now_us) is None:
                self.now_us = self.ticker.next_us
                continue
            self.now_us += busy_us
            before = self.pace.step
            self.pace.note(self.now_us, self.ticker.lateness_us, busy_us)
            self.ticker.take_every(self.pace.step)
            if self.pace.step != before:
                self.changes.append((self.now_us / 1_000_000, self.pace.step))


def test_a_tick_that_is_late_now_and_then_changes_nothing() -> None:
    machine = Machine()
    for _ in range(30):
        machine.run(1.0, 15_000)
        machine.run(0.1, 90_000)
    assert machine.changes == []


def test_ticks_that_are_late_for_a_second_or_two_halve_the_rate_and_time_to_spare_brings_it_back() -> None:
    machine = Machine()
    machine.run(3, 15_000)
    machine.run(10, 60_000)
    assert [step for _, step in machine.changes] == [2]
    assert 0.5 < machine.changes[0][0] - 4 < 2.5
    machine.run(4, 15_000)
    assert len(machine.changes) == 1, "not yet"
    machine.run(3, 15_000)
    assert [step for _, step in machine.changes] == [2, 1]


def test_what_fits_into_half_the_pictures_alone_stays_there() -> None:
    machine = Machine()
    machine.run(5, 60_000)
    machine.run(120, 30_000)
    assert [step for _, step in machine.changes] == [2]


def test_a_machine_that_is_short_again_and_again_is_tried_less_and_less_often() -> None:
    machine = Machine()
    for _ in range(2000):
        machine.run(0.5, 15_000 if machine.pace.step == 2 else 70_000)
    at = [at for at, step in machine.changes if step == 1]
    waits = [later - earlier for earlier, later in pairwise(at)]
    assert waits[0] < 14
    assert 55 < waits[-1] < 70
