"""How a picture goes into a tile: in its own shape, with bars where the two differ much and a small cut where little.

Pure geometry, no pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mcu.video.box import Box
from mcu.worker.messages import Tile

_MAX_CUT = 0.12
"""At most this share of a camera's picture is cut away to fill its tile."""
_MIN_SIDE = 16


@dataclass(frozen=True, slots=True)
class Fit:
    """Scale the picture to `width` x `height`, take `part` of it, put that at `x`, `y` of the canvas."""

    width: int
    height: int
    part: Box
    x: int
    y: int


def tile_box(tile: Tile, width: int, height: int) -> Box:
    """The pixels of a tile on a canvas of even sides; neighbours share an edge, nothing reaches outside."""
    left = _even(min(max(tile.x, 0.0), 1.0) * width)
    top = _even(min(max(tile.y, 0.0), 1.0) * height)
    right = _even(min(max(tile.x + tile.width, 0.0), 1.0) * width)
    bottom = _even(min(max(tile.y + tile.height, 0.0), 1.0) * height)
    left, top = min(left, width - _MIN_SIDE), min(top, height - _MIN_SIDE)
    return Box(left, top, max(right - left, _MIN_SIDE), max(bottom - top, _MIN_SIDE))


@lru_cache(maxsize=1024)
def fit(width: float, height: float, box: Box, may_cut: bool) -> Fit:
    """Place a picture of `width` x `height` square pixels into `box`."""
    contain = min(box.width / width, box.height / height)
    cover = max(box.width / width, box.height / height)
    is_cut = may_cut and 1 - contain / cover <= _MAX_CUT
    scale = cover if is_cut else contain
    scaled_width, scaled_height = (
        max(2, _even_within(width * scale, box.width, is_cut)),
        max(2, _even_within(height * scale, box.height, is_cut)),
    )
    part = Box(
        _even_down((scaled_width - box.width) / 2) if scaled_width > box.width else 0,
        _even_down((scaled_height - box.height) / 2) if scaled_height > box.height else 0,
        min(scaled_width, box.width),
        min(scaled_height, box.height),
    )
    return Fit(
        scaled_width,
        scaled_height,
        part,
        box.x + _even_down((box.width - part.width) / 2),
        box.y + _even_down((box.height - part.height) / 2),
    )


def _even(value: float) -> int:
    return round(value / 2) * 2


def _even_down(value: float) -> int:
    return int(value / 2) * 2


def _even_within(value: float, side: int, is_cut: bool) -> int:
    """The nearest even length, not below `side` when cut to it and not above it otherwise."""
    return max(_even(value), side) if is_cut else min(_even(value), side)
