"""Extended numbers: wrap, reordering, restarts, changes of the source."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.rtp.sequence import MAX_DROPOUT, SequenceTracker, SourceTracker, TimestampUnwrapper


def test_numbers_go_on_over_the_wrap() -> None:
    tracker = SequenceTracker()
    extended = [tracker.receive(n & 0xFFFF) for n in range(65530, 65546)]
    assert extended == list(range(extended[0], extended[0] + 16))
    assert tracker.expected == tracker.received == 16


def test_late_packets_keep_the_highest() -> None:
    tracker = SequenceTracker()
    first = tracker.receive(3)
    assert tracker.receive(65535) == first - 4
    assert tracker.highest == first
    assert tracker.received == 2


def test_a_wild_jump_needs_a_second_packet() -> None:
    tracker = SequenceTracker()
    tracker.receive(10)
    assert tracker.receive(30_000) is None
    assert tracker.receive(11) is not None
    assert tracker.receive(40_000) is None
    assert tracker.receive(40_001) is not None
    assert (tracker.restarts, tracker.received, tracker.highest & 0xFFFF) == (1, 1, 40_001)


def test_repeats_of_old_packets_are_no_restart() -> None:
    tracker = SequenceTracker()
    for number in range(1000):
        tracker.receive(number)
    assert [tracker.receive(number) for number in (100, 101, 102)] == [65536 + 100, 65536 + 101, 65536 + 102]
    assert tracker.restarts == 0


def test_jump_just_within_and_beyond_the_dropout() -> None:
    tracker = SequenceTracker()
    tracker.receive(0)
    assert tracker.receive(MAX_DROPOUT - 1) is not None
    assert tracker.receive(2 * MAX_DROPOUT) is None


def test_extend_does_not_count() -> None:
    tracker = SequenceTracker()
    assert tracker.extend(5) == 65541
    first = tracker.receive(100)
    assert tracker.extend(99) == first - 1
    assert tracker.extend(65000) == first - 636
    assert tracker.received == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 65535), st.lists(st.integers(1, 40), max_size=60))
def test_any_forward_walk_is_followed(start, steps) -> None:
    tracker = SequenceTracker()
    position = first = tracker.receive(start)
    true = start
    for step in steps:
        true += step
        position = tracker.receive(true & 0xFFFF)
        assert position - first == true - start
    assert tracker.restarts == 0


def test_timestamps_unwrap_both_ways() -> None:
    unwrapper = TimestampUnwrapper()
    first = unwrapper.unwrap(0xFFFF_FF00)
    assert unwrapper.unwrap(0x100) - first == 0x200
    assert unwrapper.unwrap(0xFFFF_FF00) == first


def test_a_new_source_must_be_alone() -> None:
    tracker = SourceTracker()
    assert tracker.accept(1, 0)
    assert not tracker.accept(2, 10_000)
    assert tracker.accept(1, 20_000)
    assert not tracker.accept(2, 100_000)
    assert not tracker.accept(2, 200_000)
    assert tracker.accept(2, 300_000)
    assert (tracker.ssrc, tracker.changes) == (2, 1)
    assert not tracker.accept(1, 310_000)
