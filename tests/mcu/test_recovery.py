"""Who came with less gets more when there has been room for a minute: an hour of virtual seconds."""

from __future__ import annotations

from itertools import pairwise

from mcu.capacity import Allowance
from mcu.recovery import CALM_S, STEP_S, Recovery, Waiting

SMALL, SOUND, FULL = Allowance.SMALL, Allowance.SOUND, Allowance.FULL


class Machine:
    """Has room for something now, and people who wait for it."""

    def __init__(self, *waiting: Waiting) -> None:
        self.best = FULL
        self.waiting = list(waiting)
        self.recovery = Recovery(lambda room, given: max(given, self.best))
        self.at = 0.0
        self.raised: list[tuple[float, int, Allowance]] = []

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.at += 1
            if (one := self.recovery.pick(self.waiting, self.at)) is not None:
                self.raised.append((self.at, one.participant, one.allowance))
                index = next(n for n, each in enumerate(self.waiting) if each.participant == one.participant)
                self.waiting[index : index + 1] = [one] if one.allowance < FULL else []


def test_after_a_minute_one_after_the_other_the_first_first() -> None:
    machine = Machine(Waiting("1001", 1, SOUND), Waiting("1001", 2, SMALL), Waiting("1002", 3, SOUND))
    machine.pass_time(200)
    assert [(who, what) for _, who, what in machine.raised] == [(1, FULL), (2, FULL), (3, FULL)]
    times = [at for at, _, _ in machine.raised]
    assert times[0] == 1 + CALM_S
    assert [later - earlier for earlier, later in pairwise(times)] == [STEP_S, STEP_S]


def test_a_load_that_comes_and_goes_raises_nobody() -> None:
    machine = Machine(Waiting("1001", 1, SOUND))
    for _ in range(60):
        machine.best = FULL
        machine.pass_time(55)
        machine.best = SOUND
        machine.pass_time(5)
    assert not machine.raised


def test_small_pictures_first_where_there_is_no_room_for_full_ones() -> None:
    machine = Machine(Waiting("1001", 1, SOUND))
    machine.best = SMALL
    machine.pass_time(100)
    assert [what for _, _, what in machine.raised] == [SMALL]
    machine.best = FULL
    machine.pass_time(59)
    assert len(machine.raised) == 1, "the minute begins anew"
    machine.pass_time(10)
    assert [what for _, _, what in machine.raised] == [SMALL, FULL]


def test_nobody_waits_nothing_happens() -> None:
    machine = Machine()
    machine.pass_time(100)
    machine.waiting.append(Waiting("1001", 9, SMALL))
    machine.pass_time(59)
    assert not machine.raised
