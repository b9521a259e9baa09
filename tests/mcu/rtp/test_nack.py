"""Asking for what is missing: spacing, tries, storms."""

from mcu.rtp import nack
from mcu.rtp.nack import NackScheduler


def test_first_request_waits_for_reordering_then_follows_the_round_trip() -> None:
    scheduler = NackScheduler()
    scheduler.missed(10, 12, 0)
    assert scheduler.due(4_000, 40_000) == []
    assert scheduler.due(5_000, 40_000) == [10, 11]
    assert scheduler.due(54_000, 40_000) == []
    assert scheduler.received(10)
    assert scheduler.due(55_000, 40_000) == [11]
    assert not scheduler.received(10)


def test_tries_are_bounded() -> None:
    scheduler = NackScheduler()
    scheduler.missed(10, 11, 0)
    asked = sum(len(scheduler.due(now, 10_000)) for now in range(0, 2_000_000, 5_000))
    assert (asked, scheduler.given_up, scheduler.next_timeout()) == (nack.MAX_TRIES, 1, None)


def test_a_storm_is_bounded() -> None:
    scheduler = NackScheduler()
    for start in range(0, 1_000_000, 2_000):
        scheduler.missed(start, start + 1_999, 0)
    assert len(scheduler._pending) == nack.MAX_PENDING
    assert len(scheduler.due(10_000, 0)) == nack.MAX_AT_ONCE
    scheduler.forget_before(10**7)
    assert scheduler.next_timeout() is None
