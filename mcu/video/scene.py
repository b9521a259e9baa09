"""What one scene shows at one tick, before it has pixels: tiles, the pictures in them, what lies over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcu.video.box import Box
from mcu.video.fit import tile_box
from mcu.video.source import Picture
from mcu.worker.messages import SetScene, Tile

MAX_TILES = 64


@dataclass(frozen=True, slots=True)
class Seat:
    """A tile of a scene on a canvas of one size."""

    tile: Tile
    box: Box
    has_edges: bool
    """Whether a gutter or the speaker's border is drawn; not where the tile is the whole picture."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A scene laid out for one size."""

    scene: SetScene
    seats: tuple[Seat, ...]
    has_overlaps: bool

    @classmethod
    def of(cls, scene: SetScene, width: int, height: int) -> Stage:
        """Lay out `scene` in pixels."""
        whole = Box(0, 0, width, height)
        boxes = [tile_box(tile, width, height) for tile in scene.tiles[:MAX_TILES]]
        seats = tuple(Seat(tile, box, box != whole) for tile, box in zip(scene.tiles, boxes, strict=False))
        overlaps = any(one.overlaps(other) for number, one in enumerate(boxes) for other in boxes[:number])
        return cls(scene, seats, overlaps)


@dataclass(frozen=True, slots=True)
class Shown:
    """The picture of a source that may be shown now: None, or too old to be true."""

    picture: Picture | None
    is_stale: bool

    def visible(self, tile: Tile) -> Picture | None:
        """What `tile` shows of it; a shared screen may stand still for long."""
        return self.picture if tile.is_content or not self.is_stale else None


Pictures = Mapping[int, Shown]
