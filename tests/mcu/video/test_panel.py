"""Words for one caller by their pixels: whole pictures, cards over running ones, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest

from config.media import VideoSettings
from mcu.media import Codec, Kind, stream_id
from mcu.video.fonts import Fonts
from mcu.video.panel import WARNING, Panels
from mcu.video.paragraph import wrapped
from mcu.video.plane import VideoPlane
from mcu.video.surface import Surface
from mcu.worker.messages import CloseScene, OpenRendition, Panel, RequestKeyframe, SetScene, Tile
from tests.mcu.video.media import RED, TICK_US, Room, Sender, Viewer, is_near

FONTS = Fonts()
PANELS = Panels(FONTS)
SIZES = [(1280, 720), (640, 360), (320, 180), (176, 96)]
QUESTION = Panel(
    "请输入会议密码 · Passcode", ("输入后按 # 键", "Enter the passcode, then #"), "••••", "密码错误 · Wrong"
)


def drawn(panel: Panel, width: int, height: int) -> np.ndarray:
    surface = Surface.blank(width, height, (200, 0, 200))
    surface.blend(PANELS.whole(panel, width, height), 0, 0)
    return surface.frame.to_ndarray(format="rgb24").astype(int)


def changed(panel: Panel, other: Panel, size: tuple[int, int]) -> np.ndarray:
    return np.abs(drawn(panel, *size) - drawn(other, *size)).max(axis=2) > 30


@pytest.mark.parametrize("size", SIZES)
def test_every_part_is_seen_in_every_size(size):
    def without(**gone: object) -> Panel:
        parts = {name: getattr(QUESTION, name) for name in ("title", "entry", "note")}
        return Panel(**(parts | gone))

    for part in ({"title": ""}, {"entry": ""}, {"note": ""}):
        assert changed(without(), without(**part), size).sum() > 40, part


@pytest.mark.parametrize("size", SIZES[1::2])
def test_words_stay_off_the_edges_and_nothing_shines_through(size):
    rgb = drawn(Panel("A" * 300, ("汉字" * 200,) * 30, "1" * 100, "note " * 90), *size)
    edge = max(2, size[1] // 90)
    above_foot = rgb[: -2 * edge - 2]
    for strip in (above_foot[:edge], above_foot[:, :edge], above_foot[:, -edge:]):
        assert strip.max() < 90


def test_a_note_has_the_colour_of_a_warning():
    rgb = drawn(QUESTION, 640, 360)
    near = np.abs(rgb - np.array(WARNING)).max(axis=2) < 40
    assert near.sum() > 100
    assert not (np.abs(drawn(Panel("x"), 640, 360) - np.array(WARNING)).max(axis=2) < 40).any()


def test_dots_are_dots_whatever_the_font_and_digits_are_digits():
    dots, digits = Panel("x", entry="••"), Panel("x", entry="12")
    assert changed(dots, Panel("x", entry="**"), (640, 360)).sum() == 0
    assert changed(dots, digits, (640, 360)).sum() > 20


@pytest.mark.parametrize("text", ["", "\x00\u202e\ud800", "😀", "\n\t ", "a" * 5000])
def test_strange_words_are_drawn_or_left_out(text):
    for width, height in SIZES[1:]:
        assert PANELS.whole(Panel(text, (text,), text, text), width, height).width == width
        card = PANELS.card(Panel(text, (text,), text, text), width, height)
        assert card.width <= width and card.height <= height + 2


def test_lines_break_between_words_and_anywhere_in_chinese():
    font = FONTS.at(20)
    english = wrapped("Enter the room number, then press the pound key", 150, font, 9).lines
    assert " ".join(english) == "Enter the room number, then press the pound key"
    assert all(font.getlength(line) <= 150 for line in english)
    chinese = wrapped("请输入会议室号码，然后按井号键。", 150, font, 9).lines
    assert "".join(chinese) == "请输入会议室号码，然后按井号键。"
    assert len(chinese) > 1 and not any(line[0] in "，。" for line in chinese)
    assert all(font.getlength(line) <= 150 for line in chinese[:-1])
    assert wrapped("x" * 400, 150, font, 2).lines[-1].endswith("…")


class Waiting:
    """Somebody in a place, on a virtual clock."""

    def __init__(self, codec: Codec = Codec.H264, **settings: int) -> None:
        self.now_us = 4_000_000
        self.plane = VideoPlane(VideoSettings(decode_threads=0, **settings), clock_us=lambda: self.now_us)
        self.viewer = Viewer(codec)
        self.times: list[int] = []
        self.keyframes = 0
        self.plane.apply(SetScene("~7", "place", (), panel=QUESTION))
        self.plane.apply(OpenRendition(1, "~7", "place", codec, 640, 360, 5, 600_000))

    def tick(self, count: int) -> None:
        for _ in range(count):
            self.now_us += TICK_US
            for frame in self.plane.tick(self.now_us):
                self.viewer.take(frame)
                self.times.append(self.now_us)
                self.keyframes += frame.is_keyframe


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
def test_the_panel_arrives_and_changes(codec):
    waiting = Waiting(codec)
    waiting.tick(20)
    assert np.abs(waiting.viewer.rgb.astype(int) - drawn(QUESTION, 640, 360)).mean() < 4
    waiting.plane.apply(SetScene("~7", "place", (), panel=Panel("请稍候")))
    waiting.tick(20)
    assert np.abs(waiting.viewer.rgb.astype(int) - drawn(Panel("请稍候"), 640, 360)).mean() < 4


def test_a_still_picture_is_sent_five_times_a_second_until_sharp_then_once():
    waiting = Waiting()
    waiting.tick(25 * 2)
    assert 9 <= len(waiting.times) <= 11
    waiting.times.clear()
    waiting.tick(25 * 10)
    assert 9 <= len(waiting.times) <= 14
    waiting.times.clear()
    waiting.plane.apply(RequestKeyframe(1))
    waiting.tick(6)
    assert waiting.keyframes == 2 and len(waiting.times) >= 1
    waiting.times.clear()
    waiting.plane.apply(SetScene("~7", "place", (), panel=Panel("x", entry="•")))
    waiting.tick(25)
    assert len(waiting.times) >= 4, "a change is shown at once and sharpened"


def test_one_panel_is_drawn_at_a_tick_so_that_rooms_do_not_wait():
    plane = VideoPlane(VideoSettings(decode_threads=0))
    for leg in range(1, 6):
        plane.apply(SetScene(f"~{leg}", "place", (), panel=Panel(str(leg))))
        plane.apply(OpenRendition(leg, f"~{leg}", "place", Codec.H264, 320, 180, 5, 200_000))
    seen: set[int] = set()
    for tick in range(5):
        new = {frame.stream for frame in plane.tick(4_000_000 + tick * TICK_US)} - seen
        assert new == {tick + 1}
        seen |= new


def test_callers_outside_take_no_place_of_rooms():
    plane = VideoPlane(VideoSettings(decode_threads=0, max_places=2, max_renditions=1, max_scenes=1))
    for leg in range(1, 5):
        plane.apply(SetScene(f"~{leg}", "place", ()))
        plane.apply(OpenRendition(leg, f"~{leg}", "place", Codec.H264, 320, 180, 5, 200_000))
    plane.apply(SetScene("1001", "main", ()))
    plane.apply(OpenRendition(9, "1001", "main", Codec.H264, 320, 180, 25, 200_000))
    assert {frame.stream for frame in plane.tick(4_000_000)} == {1, 2, 9}
    counters = plane.statistics()[0]
    assert (counters["refused_renditions"], counters["refused_scenes"]) == (2, 2)


def test_a_place_shows_nobody_but_its_own_caller():
    waiting = Waiting()
    waiting.plane.apply(SetScene("~7", "place", (Tile(0, 0, 1, 1, stream_id(8, Kind.VIDEO)),)))
    waiting.tick(2)
    assert waiting.plane.statistics()[1]["sources"] == 0
    waiting.plane.apply(SetScene("~7", "place", (Tile(0, 0, 1, 1, stream_id(7, Kind.VIDEO)),)))
    waiting.tick(2)
    assert waiting.plane.statistics()[1]["sources"] == 1


def test_a_menu_lies_over_the_running_picture_and_goes_away():
    room, sender = Room(Tile(0, 0, 1, 1, 5)), Sender(5, RED)
    room.feed(sender.frame())
    room.tick(8)
    menu = Panel("菜单 Menu", ("1  静音 Mute", "0  离开 Leave"))
    room.plane.apply(SetScene("1001", "all", (Tile(0, 0, 1, 1, 5),), panel=menu))
    room.feed(sender.frame())
    room.tick(8)
    assert is_near(room.viewer.at(0.8, 0.3), RED), "the picture runs on"
    assert max(room.viewer.at(0.06, 0.9)) < 120, "the card"
    again = room.viewer.rgb.astype(int)
    for _ in range(5):
        room.feed(sender.frame())
        room.tick()
    assert np.abs(room.viewer.rgb.astype(int) - again).mean() < 1, "the card does not grow darker"
    room.show(Tile(0, 0, 1, 1, 5))
    room.feed(sender.frame())
    room.tick(8)
    assert is_near(room.viewer.at(0.06, 0.9), RED)


def test_a_closed_scene_makes_room_for_another():
    room = Room(max_scenes=2)
    for number in range(5):
        room.plane.apply(SetScene("1001", f"menu-{number}", ()))
        room.plane.apply(CloseScene("1001", f"menu-{number}"))
    room.tick()
    assert room.count("refused_scenes") == 0
