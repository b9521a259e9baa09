"""The counters of wrong passcodes: growing delays, pauses and blocks, all in bounded tables."""

from __future__ import annotations

import pytest

from config.gate import GateSettings
from signaling.tries import CallTries, Pace, RoomTries, SourceTries, source_key

SETTINGS = GateSettings()


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address" * 20, ("not an address" * 20)[:64]),
    ],
)
def test_source_key(address: str, key: str) -> None:
    assert source_key(address) == key


@pytest.mark.parametrize(
    ("failures", "pace"),
    [
        (0, Pace()), (3, Pace()), (4, Pace(delay_s=0.5)), (5, Pace(delay_s=1.0)), (7, Pace(delay_s=4.0)),
        (8, Pace(delay_s=8.0)), (9, Pace(delay_s=8.0)), (10, Pace(retry_after_s=30.0)), (11, Pace(retry_after_s=60.0)),
        (14, Pace(retry_after_s=480.0)), (15, Pace(retry_after_s=600.0)), (60, Pace(retry_after_s=600.0)),
    ],
)  # fmt: skip
def test_source_is_slowed_then_refused(failures: int, pace: Pace) -> None:
    sources = SourceTries(SETTINGS)
    for _ in range(failures):
        sources.failed("a", 100.0)
    assert sources.pace("a", 100.0) == pace
    assert sources.pace("b", 100.0) == Pace()


def test_a_right_passcode_makes_up_for_a_wrong_one() -> None:
    sources = SourceTries(SETTINGS)
    for now in range(100):
        sources.failed("hospital", now)
        sources.passed("hospital", now)
        sources.passed("hospital", now)
        assert sources.pace("hospital", now) == Pace()
    assert len(sources) == 0
    for _ in range(5):
        sources.failed("guesser", 0.0)
    sources.passed("guesser", 0.0)
    assert sources.pace("guesser", 0.0) == Pace(delay_s=0.5)


def test_pause_ends_and_source_is_forgotten() -> None:
    sources = SourceTries(SETTINGS)
    for _ in range(10):
        sources.failed("a", 0.0)
    assert sources.pace("a", 29.0).retry_after_s == pytest.approx(1.0)
    assert sources.pace("a", 31.0) == Pace(delay_s=8.0)
    assert sources.pace("a", 901.0) == Pace()
    assert len(sources) == 0


def test_room_blocks_on_the_21st_and_doubles_up_to_a_day() -> None:
    rooms, now = RoomTries(SETTINGS), 0.0
    for expected_s in (600.0, 1200.0, 2400.0, 4800.0, 9600.0, 19_200.0, 38_400.0, 76_800.0, 86_400.0, 86_400.0):
        for _ in range(20):
            assert rooms.failed("1001", now) is None
        assert not rooms.is_blocked("1001", now)
        block = rooms.failed("1001", now)
        assert block is not None
        assert block.remaining_s == expected_s
        assert rooms.is_blocked("1001", now + expected_s - 1)
        assert not rooms.is_blocked("1001", now + expected_s)
        assert not rooms.is_blocked("1002", now)
        now += expected_s
    now += SETTINGS.room_forgotten_s + 1
    assert not rooms.is_blocked("1001", now)
    blocks = [rooms.failed("1001", now) for _ in range(21)]
    assert blocks[-1] is not None
    assert blocks[-1].remaining_s == 600.0


def test_wrong_ones_leave_the_window() -> None:
    rooms = RoomTries(SETTINGS)
    for step in range(200):
        assert rooms.failed("1001", step * 30.0) is None


def test_failures_while_blocked_do_not_prolong() -> None:
    rooms = RoomTries(SETTINGS)
    for _ in range(21):
        rooms.failed("1001", 0.0)
    assert all(rooms.failed("1001", 10.0) is None for _ in range(100))
    assert [block.remaining_s for block in rooms.blocked(100.0)] == [500.0]
    assert not rooms.is_blocked("1001", 600.0)


def test_unblock() -> None:
    rooms = RoomTries(SETTINGS)
    assert not rooms.unblock("1001", 0.0)
    for _ in range(21):
        rooms.failed("1001", 0.0)
    assert rooms.unblock("1001", 5.0)
    assert not rooms.is_blocked("1001", 5.0)
    assert not rooms.unblock("1001", 5.0)
    blocks = [rooms.failed("1001", 6.0) for _ in range(21)]
    assert blocks[-1] is not None
    assert blocks[-1].remaining_s == 1200.0


def test_calls() -> None:
    calls = CallTries(SETTINGS)
    assert [calls.charge("a") for _ in range(5)] == [True, True, True, False, False]
    assert calls.left("a") == 0
    calls.refund("a")
    assert calls.left("a") == 1
    assert calls.left("b") == 3
    assert calls.charge("b")
    calls.refund("b")
    assert len(calls) == 1


def test_tables_are_bounded() -> None:
    settings = GateSettings(max_sources=10, max_calls=10, max_rooms=10)
    calls, sources, rooms = CallTries(settings), SourceTries(settings), RoomTries(settings)
    for number in range(100):
        calls.charge(str(number))
        sources.failed(str(number), 0.0)
        rooms.failed(str(number), 0.0)
    assert (len(calls), len(sources), len(rooms)) == (10, 10, 10)
