"""Geometry of tiles: even, inside, in shape."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.conference import LayoutMode
from mcu.layout import rectangles
from mcu.video.box import Box
from mcu.video.fit import fit, tile_box
from mcu.worker.messages import Tile

sides = st.integers(8, 960).map(lambda half: half * 2)


@given(st.floats(1, 9000), st.floats(1, 9000), sides, sides, st.booleans())
@settings(max_examples=100, deadline=None)
def test_pictures_land_inside_their_tile(width: float, height: float, wide: int, high: int, may_cut: bool) -> None:
    box = Box(64, 32, wide, high)
    found = fit(width, height, box, may_cut)
    numbers = (found.width, found.height, found.part.x, found.part.y, found.part.width, found.part.height)
    assert all(number % 2 == 0 for number in (*numbers, found.x, found.y))
    assert box.x <= found.x and found.x + found.part.width <= box.x + wide
    assert box.y <= found.y and found.y + found.part.height <= box.y + high
    assert found.part.x + found.part.width <= found.width and found.part.y + found.part.height <= found.height
    assert found.part.width >= 2 and found.part.height >= 2
    if not may_cut:
        assert (found.part.x, found.part.y) == (0, 0)


@pytest.mark.parametrize(
    ("size", "may_cut", "scaled", "part"),
    [
        ((640, 360), True, (640, 360), Box(0, 0, 640, 360)),
        ((640, 480), True, (480, 360), Box(0, 0, 480, 360)),
        ((640, 400), True, (640, 400), Box(0, 20, 640, 360)),
        ((640, 400), False, (576, 360), Box(0, 0, 576, 360)),
        ((360, 640), True, (202, 360), Box(0, 0, 202, 360)),
        ((1280, 720), True, (640, 360), Box(0, 0, 640, 360)),
    ],
)
def test_shapes(size: tuple[int, int], may_cut: bool, scaled: tuple[int, int], part: Box) -> None:
    found = fit(*size, Box(0, 0, 640, 360), may_cut)
    assert (found.width, found.height) == scaled
    assert found.part == part


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (854, 480), (320, 180), (352, 288)])
@pytest.mark.parametrize("count", range(1, 37))
def test_neighbours_share_edges_and_never_overlap(size: tuple[int, int], count: int) -> None:
    boxes = [tile_box(Tile(r.x, r.y, r.width, r.height), *size) for r in rectangles(LayoutMode.GRID, count)]
    assert not any(one.overlaps(other) for number, one in enumerate(boxes) for other in boxes[:number])
    assert all(box.x + box.width <= size[0] and box.y + box.height <= size[1] for box in boxes)
    assert all(side % 2 == 0 for box in boxes for side in (box.x, box.y, box.width, box.height))


@given(*[st.floats(-5, 5)] * 4)
@settings(max_examples=100, deadline=None)
def test_any_tile_lies_inside(x: float, y: float, width: float, height: float) -> None:
    box = tile_box(Tile(x, y, width, height), 640, 360)
    assert box.x >= 0 and box.y >= 0 and box.x + box.width <= 640 and box.y + box.height <= 360
    assert box.width >= 16 and box.height >= 16
