"""The picture that a source needs to send: what is beyond its largest tile is decoded and scaled for nothing.

A source that no open rendition shows needs none at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mcu.rendition import Rung
from mcu.worker.messages import Tile

_FULL_PIXELS, _FULL_BPS = 1280 * 720, 1_500_000
_BITS_GROW_BY = 0.7
"""Small pictures need more bits a pixel: they hold as many edges."""
_STEP_BPS = 10_000
CONTENT_BPS = 2_500_000
"""For a shared screen in a tile of any size: writing that is sent too coarsely cannot be read."""


@dataclass(frozen=True, slots=True)
class Need:
    """The size of the largest tile in pixels, and the bit rate that fills it; all 0 where nobody sees the source."""

    width: int = 0
    height: int = 0
    bitrate_bps: int = 0

    @property
    def is_shown(self) -> bool:
        """Whether some tile shows the source."""
        return self.width > 0

    def within(self, width: int, height: int) -> Need:
        """The same, no larger than this, in its shape."""
        factor = max(self.width / width, self.height / height)
        if factor <= 1:
            return self
        smaller = round(self.width / factor), round(self.height / factor)
        return Need(*smaller, rate_for(*smaller))


HIDDEN = Need()


def needs(shown: Iterable[tuple[Iterable[Tile], Rung]]) -> dict[int, Need]:
    """By source, for the tiles of every rendition that is open and its size; sources without a tile are left out."""
    found: dict[int, Need] = {}
    for tiles, rung in shown:
        for tile in tiles:
            width, height = round(tile.width * rung.width), round(tile.height * rung.height)
            known = found.get(tile.stream, HIDDEN)
            if tile.stream and width * height > known.width * known.height:
                found[tile.stream] = Need(width, height, CONTENT_BPS if tile.is_content else rate_for(width, height))
    return found


def rate_for(width: int, height: int) -> int:
    """A bit rate at which a picture of that size, 25 a second, is clear: 1.5 Mbit/s for 1280x720, in steps."""
    bitrate_bps: float = _FULL_BPS * (width * height / _FULL_PIXELS) ** _BITS_GROW_BY
    return max(_STEP_BPS, round(bitrate_bps / _STEP_BPS) * _STEP_BPS)
