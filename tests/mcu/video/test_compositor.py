"""Canvases painted in part are the same as canvases painted whole."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np

from mcu.conference import LayoutMode
from mcu.layout import rectangles
from mcu.video.compositor import Compositor
from mcu.video.fonts import Fonts
from mcu.video.labels import Labels
from mcu.video.panel import Panels
from mcu.video.scene import Pictures, Shown
from mcu.video.source import Picture
from mcu.video.surface import Rgb, Surface
from mcu.worker.messages import SetScene, Tile
from tests.mcu.video.media import BLUE, RED

FONTS = Fonts()
LABELS, PANELS = Labels(FONTS), Panels(FONTS)
SIZE = (640, 360)


def scene(count: int, **changes: object) -> SetScene:
    tiles = [
        Tile(r.x, r.y, r.width, r.height, 4 * n + 5, f"张伟 {n}")
        for n, r in enumerate(rectangles(LayoutMode.GRID, count))
    ]
    return SetScene("1001", "all", tuple(tiles), **changes)  # type: ignore[arg-type]


def shown(serial: int, colour: Rgb) -> Shown:
    return Shown(Picture(Surface.blank(160, 90, colour).frame, 160, 0, serial), False)


def planes(compositor: Compositor, pictures: Pictures, times: int = 1) -> np.ndarray:
    for _ in range(times):
        surface = compositor.paint(pictures, lambda stream: None)
    return np.concatenate([plane.ravel() for plane in surface.planes])


def fresh(wanted: SetScene, pictures: Pictures) -> np.ndarray:
    compositor = Compositor(*SIZE, LABELS, PANELS, Counter())
    compositor.set_scene(wanted)
    return planes(compositor, pictures)


def test_painting_again_changes_nothing() -> None:
    for count in (0, 1, 2, 5):
        wanted = scene(count, is_recording=True, caption="会诊 five minutes")
        compositor = Compositor(*SIZE, LABELS, PANELS, Counter())
        compositor.set_scene(wanted)
        pictures = {5: shown(1, RED)}
        assert np.array_equal(planes(compositor, pictures, 30), fresh(wanted, pictures))


def test_any_way_to_a_scene_leads_to_the_same_picture() -> None:
    compositor = Compositor(*SIZE, LABELS, PANELS, Counter())
    scenes = [
        scene(3), scene(3, is_recording=True), scene(0), scene(2, caption="a"), scene(2, caption="b"), scene(2),
        scene(9),
        SetScene("1001", "all", (Tile(0, 0, 1, 1, 5), Tile(0.6, 0.6, 0.3, 0.3, 9, "pip"))),
        SetScene("1001", "all", (Tile(0, 0, 1, 1, 9, is_speaking=True), Tile(0.6, 0.6, 0.3, 0.3, 5, is_muted=True))),
        scene(4),
    ]  # fmt: skip
    for number, wanted in enumerate(scenes):
        pictures = {5: shown(100 + number, RED), 9: shown(200 + number // 3, BLUE)}
        compositor.set_scene(wanted)
        expected = fresh(wanted, pictures)
        for _ in range(3):
            assert np.array_equal(planes(compositor, pictures), expected)


def test_pictures_between_edges_that_stay_are_as_pictures_painted_whole() -> None:
    compositor = Compositor(*SIZE, LABELS, PANELS, Counter())
    for number in range(24):
        size = (160, 90) if number % 8 < 5 else (160, 120)
        picture = Picture(Surface.blank(*size, (10 * number, 60, 90)).frame, 160, 0, 1000 + number)
        pictures = {5: Shown(picture, number % 7 == 6), 9: shown(2000 + number // 2, BLUE)}
        tiles = [
            msgspec.structs.replace(tile, is_speaking=number // 3 % 3 == index)
            for index, tile in enumerate(scene(4).tiles)
        ]
        wanted = SetScene("1001", "all", tuple(tiles), is_recording=number > 15)
        compositor.set_scene(wanted)
        assert np.array_equal(planes(compositor, pictures), fresh(wanted, pictures))


def test_both_canvases_follow_new_pictures() -> None:
    compositor = Compositor(*SIZE, LABELS, PANELS, Counter())
    compositor.set_scene(scene(2, is_recording=True))
    for serial in range(1, 8):
        pictures = {5: shown(serial, (30 * serial, 40, 90)), 9: shown(50, BLUE)}
        assert np.array_equal(planes(compositor, pictures), fresh(scene(2, is_recording=True), pictures))


def test_the_canvas_of_the_last_tick_is_left_alone() -> None:
    compositor = Compositor(*SIZE, LABELS, PANELS, Counter())
    compositor.set_scene(scene(1))
    first = compositor.paint({5: shown(1, RED)}, lambda stream: None)
    kept = first.planes[0].copy()
    compositor.paint({5: shown(2, BLUE)}, lambda stream: None)
    assert np.array_equal(first.planes[0], kept)


def test_every_touch_of_a_source_is_announced() -> None:
    compositor = Compositor(*SIZE, LABELS, PANELS, Counter())
    compositor.set_scene(scene(2))
    touched: list[int] = []
    compositor.paint({5: shown(1, RED), 9: shown(2, BLUE)}, touched.append)
    assert touched == [5, 0, 9, 0]
