"""The echo of the test room: one's own picture, later."""

from __future__ import annotations

from collections import Counter

from config.media import VideoSettings
from mcu.media import Codec
from mcu.video.delay import MAX_DELAY_US, DelayLines
from mcu.worker.channel import Frame
from mcu.worker.messages import RemoveSource, SetScene, Tile
from tests.mcu.video.media import BLUE, GREEN, RED, Room, Sender, is_near

KEY = b"\x00\x00\x00\x01\x65" + bytes(50)
DELTA = b"\x00\x00\x00\x01\x41" + bytes(50)


def lines(*streams: int, delay_ms: int = 2000, **settings: int) -> tuple[DelayLines, Counter[str]]:
    drops: Counter[str] = Counter()
    made = DelayLines(VideoSettings(**settings), drops)
    made.follow(dict.fromkeys(streams, delay_ms))
    return made, drops


def test_the_own_picture_comes_back_after_the_delay():
    room = Room()
    room.plane.apply(SetScene("1001", "all", (Tile(0, 0, 1, 1, 5),), delay_ms=2000))
    room.tick()
    sender = Sender(5, RED)
    shown = []
    for tick in range(125):
        room.feed(sender.frame(colour=RED if tick < 25 else GREEN if tick < 50 else BLUE))
        room.tick()
        shown.append(room.viewer.at(0.3, 0.3))
    assert not any(is_near(colour, RED) for colour in shown[:45])
    assert is_near(shown[60], RED) and is_near(shown[90], GREEN) and is_near(shown[115], BLUE)
    room.show()
    room.plane.apply(RemoveSource(5))
    room.tick()
    room.feed(sender.frame())
    assert room.count("frames_dropped_not_shown") == 1


def test_frames_wait_in_order_and_with_them_what_their_sound_needs():
    made, _ = lines(5)
    assert made.push(Frame(5, Codec.H264, KEY, due_us=100_000, is_keyframe=True), 50_000)
    assert made.push(Frame(5, Codec.H264, DELTA), 90_000)
    assert not made.push(Frame(9, Codec.H264, KEY), 90_000)
    assert made.take(2_049_999) == {5: []}
    (first,) = made.take(2_050_000)[5]
    assert first.due_us == 2_100_000
    assert [frame.payload for frame in made.take(3_000_000)[5]] == [DELTA]


def test_it_starts_with_a_keyframe_but_not_for_ever():
    made, drops = lines(5)
    made.push(Frame(5, Codec.H264, DELTA), 1_000)
    assert drops["waiting_for_keyframe"] == 1
    made.push(Frame(5, Codec.H264, DELTA), 3_500_000)
    assert made.take(10_000_000)[5]


def test_memory_is_bounded():
    made, drops = lines(5, delay_ms=10_000_000, max_waiting_bytes=10_000)
    held = 0
    for n in range(1000):
        made.push(Frame(5, Codec.H264, KEY, is_keyframe=True), n * 1000)
        held = max(held, sum(len(frame.payload) for frame in made._lines[5].frames for frame in frame[1:]))
    assert held <= 10_000 and drops["echo_overflow"]
    made, _ = lines(5, delay_ms=10_000_000)
    made.push(Frame(5, Codec.H264, KEY, is_keyframe=True), 0)
    assert made.take(MAX_DELAY_US)[5]


def test_too_many_echoes_are_refused_and_counted():
    made, drops = lines(5, 9, 13, max_echoes=2)
    for stream in (5, 9, 13):
        assert made.push(Frame(stream, Codec.H264, KEY, is_keyframe=True), 0)
    assert {stream for stream, frames in made.take(5_000_000).items() if frames} == {5, 9}
    assert drops["too_many_echoes"] == 1
    made.follow({13: 2000})
    made.push(Frame(13, Codec.H264, KEY, is_keyframe=True), 0)
