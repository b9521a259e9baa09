"""The loop waits for packets to gather under load only, and never past a timer."""

import pytest

from mcu.net.gathering import GATHER_S, Gathering


def loaded(rounds_per_s: int, seconds: float = 0.3) -> tuple[Gathering, float]:
    gathering = Gathering()
    now = 10.0
    for _ in range(int(rounds_per_s * seconds)):
        now += 1 / rounds_per_s
        gathering.looked(now)
    return gathering, now


def test_a_calm_loop_never_waits():
    gathering, now = loaded(300)
    assert gathering.wait_s(None, now) == 0


def test_a_busy_loop_waits_for_the_rest_of_the_interval():
    gathering, now = loaded(1000)
    assert gathering.wait_s(None, now + 0.001) == pytest.approx(GATHER_S - 0.001)
    assert gathering.wait_s(None, now + 1) <= 0


def test_timers_are_not_late():
    gathering, now = loaded(1000)
    assert gathering.wait_s(0.0004, now) == 0.0004


def test_gathering_goes_on_while_it_pays_and_ends_after_the_load():
    gathering, now = loaded(1000)
    for _ in range(200):  # gathered: as many rounds as there may be
        now += GATHER_S
        gathering.looked(now)
    assert gathering.wait_s(None, now) > 0
    for _ in range(10):
        now += 0.02
        gathering.looked(now)
    assert gathering.wait_s(None, now) == 0
