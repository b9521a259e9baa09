"""The bit rate that a tile of the mix needs: what is sent beyond it is decoded and scaled for nothing."""

from __future__ import annotations

from collections.abc import Iterable

from mcu.rendition import LADDER
from mcu.worker.messages import Tile


def rate_for(stream: int, tiles: Iterable[Tile]) -> int:
    """In bit/s, for the largest of the tiles that show `stream`; the rate of a small one where none does."""
    width = max((tile.width for tile in tiles if tile.stream == stream), default=0.0) * LADDER[0].width
    wide_enough = [rung for rung in LADDER[:-1] if rung.width >= round(width)]
    return wide_enough[-1].bitrate_bps
