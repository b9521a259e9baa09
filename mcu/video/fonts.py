"""Finds a font with Chinese glyphs and opens it in every size that is used, before files are out of reach."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from PIL import ImageFont

logger = logging.getLogger(__name__)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
SIZES = (10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 60, 72, 96)
_SIMPLIFIED_CHINESE = 2
"""Index of the SC face in Noto's collections."""
_CANDIDATES = (
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", _SIMPLIFIED_CHINESE),
    ("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", _SIMPLIFIED_CHINESE),
    ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", _SIMPLIFIED_CHINESE),
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", 0),
    ("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf", 0),
)
_CJK_CANDIDATES = 4


class Fonts:
    """One face in SIZES. FreeType maps the file into memory, so sizes share it."""

    def __init__(self, candidates: Iterable[tuple[str, int]] = _CANDIDATES) -> None:
        self._fonts, self.path = _open_first(candidates)

    @property
    def has_chinese(self) -> bool:
        """Whether the font found is one of those with Chinese glyphs."""
        return self.path in {path for path, _ in _CANDIDATES[:_CJK_CANDIDATES]}

    def at(self, size_px: float) -> Font:
        """The largest size that is not above `size_px`; the smallest one for less."""
        return self._fonts[max((size for size in SIZES if size <= size_px), default=SIZES[0])]


def _open_first(candidates: Iterable[tuple[str, int]]) -> tuple[dict[int, Font], str]:
    for path, index in candidates:
        if not Path(path).is_file():
            continue
        try:
            fonts: dict[int, Font] = {size: ImageFont.truetype(path, size, index=index) for size in SIZES}
        except OSError as error:
            logger.warning("font=%s cannot be used: %s", path, error)
            continue
        for font in fonts.values():
            font.getbbox("远Ag")
        return fonts, path
    logger.warning("no font found: labels show no Chinese; install fonts-noto-cjk")
    return {size: ImageFont.load_default(size) for size in SIZES}, ""
