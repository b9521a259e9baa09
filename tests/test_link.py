"""The tests' own bad path: what it loses is exact in every few seconds, and the same at each run."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.link import CYCLE, Link, Path


def arrivals(link: Link, packets: int) -> list[bool]:
    return [link.offer(200, number * 10_000) is not None for number in range(packets)]


def lost_in_a_row(arrived: list[bool]) -> list[int]:
    return [len(list(run)) for has_come, run in groupby(arrived) if not has_come]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_loss_takes_its_share_of_every_cycle_and_two_in_a_row_as_often_as_chance_does(seed: int) -> None:
    arrived = arrivals(Link(Path(loss=0.05), seed), 50 * CYCLE)
    assert {arrived[at : at + CYCLE].count(False) for at in range(0, len(arrived), CYCLE)} == {10}
    pairs = sum(run - 1 for run in lost_in_a_row(arrived))
    assert 10 < pairs < 45  # 0.05 * 0.05 of 10,000 packets are 25


def test_a_burst_in_every_cycle_of_which_it_is_the_share() -> None:
    arrived = arrivals(Link(Path(loss=0.02, burst=4)), 30 * 200)
    assert arrived.count(False) == 0.02 * len(arrived)
    assert set(lost_in_a_row(arrived)) >= {2, 4, 6}
    assert all(not all(arrived[at : at + 400]) for at in range(len(arrived) - 400))


def test_a_seed_is_a_path_and_another_path_begins_anew() -> None:
    first, again, other = (arrivals(Link(Path(loss=0.1), seed), 400) for seed in (5, 5, 6))
    assert first == again != other
    link = Link(Path(loss=0.5))
    arrivals(link, 10)
    link.path = Path()
    assert all(arrivals(link, 500))


def test_the_narrow_part_delays_and_drops_what_does_not_fit() -> None:
    link = Link(Path(rate_bps=80_000, delay_ms=10, queue_bytes=2_000))
    assert [link.offer(1_000, 0) for _ in range(3)] == [110_000, 210_000, None]
    assert link.queued_ms(50_000) == 150
    assert (link.passed, link.overflowed, link.lost) == (2, 1, 0)
