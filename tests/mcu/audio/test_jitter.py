"""The jitter buffer by itself, packet by packet on a virtual clock."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.audio.delay import DelayEstimator
from mcu.audio.jitter import MAX_PACKETS, Arrival, JitterBuffer

T0 = 5_000_000


def put(buffer: JitterBuffer, number: int, now_us: int, ptime_ms: int = 20, due_us: int = 0) -> None:
    arrival = Arrival(
        (65_530 + number) & 0xFFFF, (2**32 - 1000 + number * ptime_ms * 8) & 0xFFFFFFFF, b"%d" % number,
        ptime_ms * 1000, now_us, due_us,
    )  # fmt: skip
    buffer.put(arrival, now_us)


def verdicts(buffer: JitterBuffer, now_us: int, count: int) -> list[str]:
    result = []
    for _ in range(count):
        step = buffer.next_step(now_us)
        payload = step.packet.payload.decode() if step.packet is not None else ""
        result.append(step.verdict.name.lower() + payload)
    return result


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([0, 1, 2], ["play0", "play1", "play2", "underrun"]),
        ([0, 2, 1], ["play0", "play1", "play2"]),
        ([0, 0, 1], ["play0", "play1", "underrun"]),
        ([0, 2], ["play0", "recover2", "play2"]),
        ([0, 3], ["play0", "conceal", "recover3", "play3"]),
        ([0, 30, 31], ["play0", "play30", "play31"]),
        (list(range(12)), [f"play{number}" for number in range(12)]),
    ],
)
def test_order(arrivals: list[int], expected: list[str]) -> None:
    buffer = JitterBuffer(8000)
    for number in arrivals:
        put(buffer, number, T0 + number * 20_000)
    assert verdicts(buffer, T0 + 700_000, len(expected)) == expected


def test_a_packet_that_is_late_is_still_played_when_nothing_followed_it() -> None:
    buffer = JitterBuffer(8000)
    put(buffer, 0, T0)
    assert verdicts(buffer, T0, 2) == ["play0", "underrun"]
    put(buffer, 1, T0 + 55_000)
    assert verdicts(buffer, T0 + 60_000, 1) == ["play1"]


def test_an_underrun_pays_for_the_loss_that_caused_it() -> None:
    buffer = JitterBuffer(8000)
    put(buffer, 0, T0)
    assert verdicts(buffer, T0, 2) == ["play0", "underrun"]
    put(buffer, 2, T0 + 40_000)
    assert verdicts(buffer, T0 + 40_000, 2) == ["play2", "underrun"]
    assert buffer.counters["lost"] == 1
    put(buffer, 1, T0 + 41_000)
    assert buffer.counters["late"] == 1


def test_silence_of_a_quarter_second_is_a_new_start() -> None:
    buffer = JitterBuffer(8000)
    put(buffer, 0, T0)
    assert verdicts(buffer, T0, 14)[-2:] == ["underrun", "idle"]
    put(buffer, 1, T0 + 20_000 * 50)
    assert verdicts(buffer, T0 + 20_000 * 51, 1) == ["play1"]


def test_another_sequence_takes_two_packets() -> None:
    buffer = JitterBuffer(8000)
    put(buffer, 0, T0)
    verdicts(buffer, T0, 1)
    buffer.put(Arrival(20_000, 77, b"a", 20_000), T0 + 20_000)
    put(buffer, 1, T0 + 20_000)
    assert verdicts(buffer, T0 + 20_000, 1) == ["play1"]
    buffer.put(Arrival(30_000, 77, b"a", 20_000), T0 + 40_000)
    buffer.put(Arrival(30_001, 237, b"b", 20_000), T0 + 60_000)
    buffer.put(Arrival(30_002, 397, b"c", 20_000), T0 + 80_000)
    assert verdicts(buffer, T0 + 80_000, 2) == ["playb", "playc"]
    assert buffer.counters["restarts"] == 1


def test_the_queue_is_bounded() -> None:
    for ptime_ms in (2, 60):
        buffer = JitterBuffer(8000)
        for number in range(400):
            put(buffer, number, T0 + number * ptime_ms * 1000, ptime_ms)
        assert buffer.queued_us <= 600_000
        assert buffer.counters["discarded"] >= 400 - MAX_PACKETS
        assert verdicts(buffer, T0 + 60_000_000, 1)[0].startswith("play")


def test_skip_leaves_the_newest() -> None:
    buffer = JitterBuffer(8000)
    for number in range(10):
        put(buffer, number, T0)
    buffer.skip(100_000)
    assert verdicts(buffer, T0 + 500_000, 1) == ["play5"]
    buffer.skip(10**9)
    assert verdicts(buffer, T0 + 500_000, 1) == ["play9"]


def test_a_wish_holds_the_start() -> None:
    buffer = JitterBuffer(8000)
    put(buffer, 0, T0, due_us=T0 + 100_000)
    assert verdicts(buffer, T0 + 90_000, 1) == ["idle"]
    assert verdicts(buffer, T0 + 100_000, 1) == ["play0"]
    put(buffer, 1, T0 + 20_000, due_us=T0 + 900_000)
    assert buffer.desired_us == 300_000


@pytest.mark.parametrize(
    ("longest_ms", "low_ms", "high_ms"), [(0, 0, 0), (4, 0, 0), (20, 15, 20), (80, 75, 85), (500, 200, 200)]
)
def test_delay_follows_the_jitter(longest_ms: int, low_ms: int, high_ms: int) -> None:
    chance = random.Random(1)
    delay = DelayEstimator()
    for number in range(1000):
        delay.add(-123_456 + chance.randint(0, longest_ms * 1000), number * 20_000)
    assert low_ms * 1000 <= delay.target_us <= high_ms * 1000


def test_a_longer_path_is_not_jitter_for_ever() -> None:
    delay = DelayEstimator()
    for number in range(500):
        delay.add(1_000, number * 20_000)
    for number in range(500, 1100):
        delay.add(101_000, number * 20_000)
    assert delay.target_us == 0


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 40_000)), max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_arrivals_keep_the_bounds(arrivals: list[tuple[int, int, int]]) -> None:
    buffer = JitterBuffer(48_000)
    now_us = T0
    for sequence, timestamp, wait_us in arrivals:
        now_us += wait_us
        buffer.put(Arrival(sequence, timestamp, b"", 20_000, due_us=timestamp), now_us)
        assert buffer.queued_us <= 600_000
        assert 0 <= buffer.desired_us <= 300_000
        buffer.next_step(now_us)
