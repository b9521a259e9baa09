"""Scenes by their pixels: who is where, what is drawn over them, and what happens when sources misbehave."""

from __future__ import annotations

import pytest

from mcu.conference import LayoutMode
from mcu.layout import rectangles
from mcu.media import Codec
from mcu.video.labels import BACKGROUND, SPEAKING, TILE
from mcu.worker.channel import Frame
from mcu.worker.messages import (
    BanSource,
    CloseRendition,
    CloseRoom,
    OpenRendition,
    RemoveSource,
    RequestKeyframe,
    SetScene,
    Tile,
    UpdateRendition,
)
from tests.mcu.video.media import BLUE, GREEN, RED, TICK_US, YELLOW, Room, Sender, is_near

A, B, C, D = 5, 9, 13, 17


def grid(*streams: int, label: str = "", speaker: int = 0, muted: int = 0) -> tuple[Tile, ...]:
    return tuple(
        Tile(r.x, r.y, r.width, r.height, stream, label, is_speaking=stream == speaker, is_muted=stream == muted)
        for r, stream in zip(rectangles(LayoutMode.GRID, len(streams)), streams, strict=True)
    )


@pytest.mark.parametrize("codec", [codec for codec in Codec if codec.is_video])
def test_each_tile_has_the_colour_of_its_source(codec: Codec) -> None:
    room = Room(*grid(A, B, C, D), codec=codec if codec in (Codec.H264, Codec.VP8) else Codec.H264)
    assert sorted(room.asked) == [A, B, C, D]
    for stream, colour in ((A, RED), (B, GREEN), (C, BLUE), (D, YELLOW)):
        room.feed(Sender(stream, colour, codec).frame())
    room.tick(8)
    for (x, y), colour in {(0.25, 0.25): RED, (0.75, 0.25): GREEN, (0.25, 0.75): BLUE, (0.75, 0.75): YELLOW}.items():
        assert is_near(room.viewer.at(x, y), colour)


def test_label_border_and_mute_sign_are_drawn() -> None:
    room = Room(*grid(A, B, C, D))
    for stream in (A, B, C, D):
        room.feed(Sender(stream, BLUE).frame())
    room.tick(8)
    plain = room.viewer.rgb.astype(int)
    room.show(*grid(A, B, C, D, label="张伟", speaker=B, muted=C))
    room.tick(8)
    changed = abs(room.viewer.rgb.astype(int) - plain).max(axis=2) > 40
    assert changed[145:178, 4:60].sum() > 100, "a name in the lower left of the first tile"
    assert not changed[20:130, 20:300].any(), "nothing else in it"
    for x, y in ((480, 0), (480, 179), (320, 90), (638, 90)):
        assert is_near(room.viewer.rgb[y, x].tolist(), SPEAKING, 50), "a border around the speaker"
    assert is_near(room.viewer.rgb[0, 160].tolist(), BACKGROUND, 50), "and none around the others"
    reds = (room.viewer.rgb[330:360, 0:40, 0].astype(int) - room.viewer.rgb[330:360, 0:40, 1]) > 60
    assert reds.sum() > 5, "the crossed microphone is red"


def test_other_shapes_get_bars_and_similar_ones_are_cut() -> None:
    room = Room(*grid(A, B))
    room.feed(Sender(A, RED, size=(240, 180)).frame(), Sender(B, RED, size=(320, 200)).frame())
    room.tick(8)
    assert is_near(room.viewer.at(0.02, 0.5), TILE)
    assert is_near(room.viewer.at(0.25, 0.5), RED)
    assert is_near(room.viewer.at(0.52, 0.5), RED)
    assert is_near(room.viewer.at(0.5, 0.1), BACKGROUND)


def test_content_is_never_cut_and_never_stale() -> None:
    room = Room(Tile(0, 0, 1, 1, A, is_content=True))
    room.feed(Sender(A, RED, size=(320, 200)).frame())
    room.tick(100)
    assert is_near(room.viewer.at(0.01, 0.5), TILE)
    assert is_near(room.viewer.at(0.5, 0.5), RED)


def test_overlays_come_and_go_and_do_not_grow_darker() -> None:
    room, sender = Room(*grid(A)), Sender(A, YELLOW)
    room.feed(sender.frame())
    room.tick(8)
    plain = room.viewer.rgb.astype(int)
    room.show(*grid(A), is_recording=True, caption="会诊")
    room.tick(10)
    signed = room.viewer.rgb.astype(int)
    assert (abs(signed - plain)[8:40, 280:360].max(axis=2) > 40).sum() > 200, "the recording sign"
    assert (abs(signed - plain)[310:350, 280:360].max(axis=2) > 40).sum() > 200, "the caption"
    room.feed(sender.frame())
    room.tick(30)
    assert abs(room.viewer.rgb.astype(int) - signed).mean() < 1
    room.show(*grid(A))
    room.tick(10)
    assert abs(room.viewer.rgb.astype(int) - plain).mean() < 1.5


def test_empty_room_shows_its_name() -> None:
    room = Room()
    room.tick(5)
    assert is_near(room.viewer.at(0.1, 0.1), BACKGROUND)
    assert (room.viewer.rgb[160:200, 250:390].max(axis=2) > 100).sum() > 50


def test_seats_without_a_picture_show_cards() -> None:
    room = Room(*grid(0, A, label="Anna Li"))
    room.feed(Sender(A, RED).frame())
    room.tick(8)
    assert is_near(room.viewer.at(0.05, 0.35), TILE)
    assert (room.viewer.rgb[150:210, 130:190].min(axis=2) > 180).sum() > 20, "initials"
    assert is_near(room.viewer.at(0.75, 0.5), RED)


def test_a_frozen_source_keeps_its_picture_for_two_seconds() -> None:
    room = Room(*grid(A, B))
    frozen, other = Sender(A, RED), Sender(B, GREEN)
    room.feed(frozen.frame())
    for tick in range(70):
        room.feed(other.frame())
        room.tick()
        if tick == 44:
            assert is_near(room.viewer.at(0.05, 0.35), RED)
    assert is_near(room.viewer.at(0.05, 0.35), TILE), "then its card"
    assert is_near(room.viewer.at(0.75, 0.5), GREEN)
    room.feed(frozen.frame())
    room.tick(3)
    assert is_near(room.viewer.at(0.05, 0.35), RED)


def test_newest_frame_wins_when_several_wait() -> None:
    room = Room(*grid(A))
    sender = Sender(A, RED)
    room.feed(sender.frame(), sender.frame(colour=GREEN), sender.frame(colour=BLUE))
    room.tick(4)
    assert is_near(room.viewer.at(0.5, 0.5), BLUE)
    assert room.count("frames_dropped_overtaken") == 2


def test_pictures_wait_for_their_sound() -> None:
    room = Room(*grid(A))
    sender = Sender(A, RED)
    room.feed(sender.frame())
    room.tick(4)
    room.feed(sender.frame(due_us=room.now_us + 5 * TICK_US, colour=BLUE))
    room.tick(4)
    assert is_near(room.viewer.at(0.5, 0.5), RED)
    room.tick(3)
    assert is_near(room.viewer.at(0.5, 0.5), BLUE)


def test_frames_held_far_ahead_are_shown_one_after_the_other() -> None:
    room = Room(*grid(A))
    sender = Sender(A, RED)
    shown = []
    for tick in range(20):
        colour = (40 + 10 * tick, 60, 200 - 8 * tick)
        room.feed(sender.frame(due_us=room.now_us + 6 * TICK_US, colour=colour))
        room.tick()
        shown.append(room.viewer.at(0.5, 0.5)[0])
    assert len(set(shown[7:])) >= 10
    assert room.count("frames_dropped_overtaken") <= 1


def test_holding_is_bounded() -> None:
    room = Room(*grid(A))
    room.feed(Sender(A, RED).frame(due_us=room.now_us + 60_000_000))
    room.tick(11)
    assert is_near(room.viewer.at(0.5, 0.5), RED)


def test_what_nobody_sees_is_not_decoded() -> None:
    room = Room(*grid(A))
    room.feed(Sender(A, RED).frame(), Sender(B, GREEN).frame())
    room.tick(2)
    assert room.count("frames_decoded") == 1
    assert room.count("frames_dropped_not_shown") == 1
    room.plane.apply(CloseRendition(1))
    room.tick()
    room.feed(Sender(A, RED).frame())
    room.tick(2)
    assert room.count("frames_decoded") == 1
    assert room.plane.statistics()[1]["encoders"] == 0


def test_a_source_that_becomes_visible_is_asked_for_a_keyframe() -> None:
    room = Room(*grid(A))
    assert room.asked == [A]
    room.show(*grid(A, B))
    room.tick(3)
    assert room.asked == [A, B]
    sender = Sender(B, GREEN)
    sender.frame()
    for _ in range(30):
        room.feed(sender.frame())
        room.tick()
    assert room.asked == [A, B, B], "asked again after a second of frames that cannot be decoded"
    assert room.count("frames_dropped_waiting_for_keyframe") == 30


def test_a_way_that_is_new_needs_keyframes() -> None:
    room = Room(*grid(A))
    room.tick(10)
    room.plane.ask_all()
    room.tick()
    assert room.asked == [A, A]


def test_banned_sources_are_not_decoded_until_they_are_allowed() -> None:
    room = Room(*grid(A))
    room.plane.apply(BanSource(A, is_banned=True))
    room.tick()
    room.feed(Sender(A, RED).frame())
    room.tick(3)
    assert room.count("frames_decoded") == 0
    assert room.count("frames_dropped_banned") == 1
    room.plane.apply(BanSource(A, is_banned=False))
    room.tick()
    room.feed(Sender(A, RED).frame())
    room.tick(3)
    assert is_near(room.viewer.at(0.5, 0.5), RED)


def test_a_removed_source_leaves_no_picture() -> None:
    room = Room(*grid(A))
    room.feed(Sender(A, RED).frame())
    room.tick(3)
    room.show()
    room.plane.apply(RemoveSource(A))
    room.tick(3)
    assert is_near(room.viewer.at(0.1, 0.1), BACKGROUND)
    room.show(*grid(A))
    room.tick(3)
    assert not is_near(room.viewer.at(0.1, 0.3), RED)


def test_renditions_of_one_scene_and_size_share_a_canvas() -> None:
    room = Room(*grid(A))
    room.plane.apply(OpenRendition(2, "1001", "all", Codec.VP8, 640, 360, 25, 500_000))
    room.plane.apply(OpenRendition(3, "1001", "all", Codec.H264, 320, 180, 25, 200_000))
    room.tick()
    gauges = room.plane.statistics()[1]
    assert (gauges["encoders"], gauges["canvases"]) == (3, 2)
    assert {frame.stream for frame in room.plane.tick(room.now_us + TICK_US)} == {1, 2, 3}
    room.plane.apply(CloseRoom("1001"))
    assert room.plane.tick(room.now_us + 2 * TICK_US) == []


def test_smaller_frame_rates_skip_ticks() -> None:
    room = Room(*grid(A))
    room.plane.apply(OpenRendition(2, "1001", "all", Codec.H264, 320, 180, 10, 200_000))
    frames = [frame.stream for tick in range(1, 101) for frame in room.plane.tick(room.now_us + tick * TICK_US)]
    assert frames.count(1) == 100
    assert 39 <= frames.count(2) <= 41


def test_keyframes_are_at_most_one_a_second_and_on_the_interval() -> None:
    room = Room(*grid(A))
    start = len(room.frames) - 1
    for tick in range(100):
        if tick in (2, 3, 5, 30, 31):
            room.plane.apply(RequestKeyframe(1))
        room.tick()
    assert [i - start for i, frame in enumerate(room.frames) if frame.is_keyframe] == [0, 25, 50]
    room.plane.apply(UpdateRendition(1, 2.0))
    start = len(room.frames)
    room.tick(102)
    keyframes = [i - start for i, frame in enumerate(room.frames) if frame.is_keyframe and i >= start]
    assert keyframes == [0, 50, 100]


def test_faulty_renditions_are_refused_and_counted() -> None:
    room = Room(*grid(A))
    for rendition in (
        OpenRendition(2, "1001", "all", Codec.OPUS, 640, 360, 25, 500_000),
        OpenRendition(2, "1001", "all", Codec.H264, 641, 360, 25, 500_000),
        OpenRendition(2, "1001", "all", Codec.H264, 640, 16384, 25, 500_000),
        OpenRendition(2, "1001", "all", Codec.H264, 640, 360, 0, 500_000),
        OpenRendition(2, "1001", "all", Codec.VP8, 640, 360, 25, 1),
        OpenRendition(2, "1001", "all", Codec.H264, 640, 360, 25, 500_000, max_slice_bytes=3),
    ):
        room.plane.apply(rendition)
    room.tick()
    assert room.count("refused_renditions") == 6
    assert {frame.stream for frame in room.frames} == {1}


def test_strange_tiles_are_drawn_inside() -> None:
    room = Room()
    room.show(
        Tile(0.2, 0.2, 0.6, 0.6, A, "x" * 500),
        Tile(-3, -3, 9, 9, B, "\n\x00\u202e"),
        Tile(0.99, 0.99, 0.5, 0.5, C, "😀"),
        Tile(0.5, 0.5, 0, 0, D),
        *(Tile(0.1, 0.1, 0.1, 0.1) for _ in range(200)),
    )
    room.feed(Frame(A, Codec.H264, b""))
    room.tick(2)
    for stream in (A, B, C, D):
        room.feed(Sender(stream, RED).frame())
    room.tick(5)
    assert is_near(room.viewer.at(0.02, 0.5), RED)


def test_scenes_are_bounded() -> None:
    room = Room(max_scenes=3)
    for number in range(10):
        room.plane.apply(SetScene("1001", str(number), ()))
    room.tick()
    assert room.count("refused_scenes") == 8
