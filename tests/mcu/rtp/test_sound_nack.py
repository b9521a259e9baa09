"""Missing packets of sound are asked for once a round trip, while their repeats can still be played."""

from __future__ import annotations

import pytest

from mcu.rtp.sound_nack import SoundNack

MS = 1_000


def follow(nack: SoundNack, *numbers: int) -> None:
    """Packets that come at the times at which they are due."""
    for number in numbers:
        if number == nack.expected:
            nack.expected = number + 1
        else:
            nack.jumped(number, number * 20 * MS)


def asked(nack: SoundNack, since_ms: int, until_ms: int, round_trip_ms: int) -> list[tuple[int, list[int]]]:
    """What was asked for, and when, by a leg that looks every 10 ms."""
    found = [(at, nack.due(at * MS, round_trip_ms * MS)) for at in range(since_ms, until_ms, 10)]
    return [each for each in found if each[1]]


@pytest.mark.parametrize(
    ("round_trip_ms", "expected"),
    [
        (50, [(250, [11])]),
        (160, [(250, [11])]),
        (170, []),
        (600, []),
        (0, []),
    ],
)
def test_only_what_can_still_be_played_is_asked_for(round_trip_ms: int, expected: list[tuple[int, list[int]]]) -> None:
    nack = SoundNack()
    follow(nack, 10, 12)
    assert asked(nack, 240, 300, round_trip_ms) == expected


def test_of_a_long_hole_the_last_packets_alone() -> None:
    nack = SoundNack()
    follow(nack, 10, 60)
    # 53 should have come 140 ms ago: 40 more for its repeat.
    assert asked(nack, 1210, 1220, 40) == [(1210, list(range(53, 60)))]


def test_again_after_a_round_trip_until_it_came_or_would_come_too_late() -> None:
    nack = SoundNack()
    follow(nack, 10, 12)
    found = []
    for number in range(13, 30):
        follow(nack, number)
        found += asked(nack, number * 20, number * 20 + 20, 40)
    assert [at for at, _ in found] == [260, 310, 360]
    assert not nack.is_waiting
    follow(nack, 31)
    assert asked(nack, 630, 640, 40) == [(630, [30])]
    nack.jumped(30, 660 * MS)
    assert not nack.is_waiting
    assert nack.expected == 32


def test_numbers_wrap_and_may_begin_anew() -> None:
    nack = SoundNack()
    follow(nack, 0x1FFFE, 0x20001)
    assert nack.due(0x20001 * 20 * MS + 10 * MS, 40 * MS) == [0xFFFF, 0]
    nack.restart()
    assert not nack.is_waiting
    follow(nack, 7, 8)
    assert not nack.is_waiting


def test_who_never_repeats_is_left_alone_for_a_minute() -> None:
    nack, times_s = SoundNack(), []
    for number in range(0, 5_000, 2):
        follow(nack, number)
        times_s += [number / 50] * len(nack.due(number * 20 * MS + 10 * MS, 40 * MS))
    first = [at for at in times_s if at < 60]
    assert 50 < len(first) < 60
    assert first[-1] < 3
    assert 0 < len([at for at in times_s if at >= 60]) < 60
    nack, requests = SoundNack(), 0
    for number in range(0, 1_000, 2):
        follow(nack, number)
        requests += len(nack.due(number * 20 * MS + 10 * MS, 40 * MS))
        nack.jumped(number - 1, number * 20 * MS + 12 * MS)
    assert requests == 499
