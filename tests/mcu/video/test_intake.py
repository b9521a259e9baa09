"""Readings before a tick: few, the first early enough to decode what waits, the last close to the tick."""

from __future__ import annotations

import pytest

from mcu.video.intake import Intake

INTERVAL_US = 40_000


def readings(decoding_us: float, start_us: int = 1_000, ticks: int = 3) -> list[list[int]]:
    """When frames are read, as times before the tick that they are read for."""
    intake = Intake()
    intake.decoding_us = decoding_us
    now_us, found = start_us, []
    for tick in range(1, ticks + 1):
        before: list[int] = []
        while (now_us := intake.next_us(now_us, INTERVAL_US, INTERVAL_US)) < tick * INTERVAL_US:
            before.append(tick * INTERVAL_US - now_us)
            assert len(before) < 10
        found.append(before)
        now_us = tick * INTERVAL_US + 1
    return found


def test_a_quiet_plane_reads_twice_and_late() -> None:
    first, *rest = readings(0)
    assert first == rest[0]
    assert first[0] == 5_000
    assert 1_000 <= first[-1] <= 2_500
    assert len(first) == 2


@pytest.mark.parametrize("decoding_us", [4_000, 12_000, 60_000])
def test_what_takes_long_to_decode_is_read_earlier(decoding_us: int) -> None:
    for before in readings(decoding_us)[1:]:
        assert before[0] >= min(2 * decoding_us, INTERVAL_US - 2_000)
        assert before[-1] <= 3_000, "what comes late is shown at once all the same"
        assert len(before) <= 4


def test_time_never_stands_still_even_where_ticks_are_late() -> None:
    intake = Intake()
    for now_us in range(0, 400_000, 777):
        assert now_us < intake.next_us(now_us, 40_000, INTERVAL_US) <= now_us + INTERVAL_US
