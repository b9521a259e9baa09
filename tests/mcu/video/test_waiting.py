"""The queue before a decoder: bounds, keyframes, shares of time."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from config.media import VideoSettings
from mcu.media import Codec
from mcu.video.waiting import WaitingFrames
from mcu.worker.channel import Frame

SETTINGS = VideoSettings(max_waiting_frames=5, max_waiting_bytes=1000, decode_share=0.5)


def queue() -> tuple[WaitingFrames, Counter[str]]:
    drops: Counter[str] = Counter()
    return WaitingFrames(SETTINGS, drops, 0), drops


def frame(number: int, is_keyframe: bool = False, size: int = 10, due_us: int = 0) -> Frame:
    return Frame(1, Codec.H264, bytes(size), sequence=number, is_keyframe=is_keyframe, due_us=due_us)


def test_a_new_queue_asks_once_and_starts_at_a_keyframe() -> None:
    waiting, drops = queue()
    assert waiting.take_request(0)
    assert not waiting.take_request(0)
    waiting.push(frame(1), 0)
    waiting.push(frame(2, is_keyframe=True), 0)
    waiting.push(frame(3), 0)
    assert [f.sequence for f in (waiting.pop(0), waiting.pop(0)) if f] == [2, 3]
    assert waiting.pop(0) is None
    assert drops == {"waiting_for_keyframe": 1}


def test_without_any_keyframe_frames_are_tried_after_three_seconds() -> None:
    waiting, _ = queue()
    waiting.push(frame(1), 2_900_000)
    assert not len(waiting)
    waiting.push(frame(2), 3_100_000)
    assert len(waiting) == 1


def test_a_lagging_decoder_jumps_to_the_keyframe_that_waits() -> None:
    waiting, drops = queue()
    for number in range(6):
        waiting.push(frame(number, is_keyframe=number in (0, 3)), 0)
    assert drops == {"late": 3}
    first = waiting.pop(0)
    assert first is not None
    assert first.sequence == 3
    assert waiting.take_request(0)
    assert not waiting.take_request(1_000_000)


def test_a_lagging_decoder_without_a_keyframe_drops_all_and_asks() -> None:
    waiting, drops = queue()
    waiting.take_request(0)
    for number in range(6):
        waiting.push(frame(number, is_keyframe=number == 0), 0)
    assert len(waiting) == 0
    assert drops == {"late": 6}
    assert not waiting.take_request(299_999), "not more often than that"
    assert waiting.take_request(300_000)
    waiting.push(frame(7), 0)
    assert len(waiting) == 0


def test_bytes_are_bounded_even_by_keyframes() -> None:
    waiting, _ = queue()
    waiting.push(frame(0, is_keyframe=True), 0)
    waiting.push(frame(1, is_keyframe=True, size=2000), 0)
    assert len(waiting) == 0


def test_frames_are_given_out_shortly_before_they_are_due() -> None:
    waiting, _ = queue()
    waiting.push(frame(0, is_keyframe=True, due_us=200_000), 0)
    assert waiting.pop(150_000) is None
    assert waiting.pop(160_000) is not None


def test_holding_back_is_bounded() -> None:
    waiting, _ = queue()
    waiting.push(frame(0, is_keyframe=True, due_us=1 << 60), 0)
    assert waiting.pop(300_000) is not None


def test_a_source_beyond_its_share_waits() -> None:
    waiting, _ = queue()
    for number in range(4):
        waiting.push(frame(number, is_keyframe=number == 0), 0)
    assert waiting.pop(0) is not None
    waiting.spend(1_500_000)
    assert waiting.pop(0) is None
    assert waiting.pop(900_000) is None, "half a second was borrowed at half a second a second"
    assert waiting.pop(1_100_000) is not None


def test_an_error_empties_the_queue_and_asks() -> None:
    waiting, drops = queue()
    waiting.take_request(0)
    waiting.push(frame(0, is_keyframe=True), 0)
    waiting.push(frame(1), 0)
    waiting.restart(0)
    assert len(waiting) == 0
    assert drops == {"after_error": 2}
    assert not waiting.take_request(299_999), "not more often than that"
    assert waiting.take_request(300_000)


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 600), st.integers(-100, 500_000), st.booleans(), st.booleans()),
        max_size=80,
    )
)
@settings(max_examples=100, deadline=None)
def test_it_never_outgrows_its_bounds(steps: list[tuple[bool, int, int, bool, bool]]) -> None:
    waiting, drops = queue()
    now_us = popped = 0
    for number, (is_keyframe, size, due_us, pops, fails) in enumerate(steps):
        now_us += 10_000
        waiting.push(frame(number, is_keyframe, size, due_us), now_us)
        assert len(waiting) <= 5
        if pops and waiting.pop(now_us):
            popped += 1
            waiting.spend(30_000)
        if fails:
            waiting.restart(now_us)
    assert popped + len(waiting) + sum(drops.values()) == len(steps)
