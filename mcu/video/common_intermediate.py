"""The picture formats of H.263: CIF and QCIF, whose pixels are wider than high and which are 4:3 (H.263 4.1).

A scene is 16:9 of square pixels. It is squeezed by 11/12 in width and laid between two bands.
"""

from __future__ import annotations

from av.video.reformatter import Interpolation, VideoReformatter

from mcu.video.box import Box
from mcu.video.labels import BACKGROUND
from mcu.video.surface import Surface

_CODED = {(384, 216): (352, 288), (192, 108): (176, 144)}
"""Size of the scene -> size of the picture."""


def coded_size(width: int, height: int) -> tuple[int, int] | None:
    """Of the picture that shows a scene of this size; None where there is no such format."""
    return _CODED.get((width, height))


class Letterbox:
    """Puts scenes of one size into pictures of its format."""

    def __init__(self, width: int, height: int) -> None:
        """Raises KeyError for a size that has no format."""
        self._width, self._band = _CODED[width, height][0], (_CODED[width, height][1] - height) // 2
        self._picture = Surface.blank(*_CODED[width, height], BACKGROUND)
        self._reformatter = VideoReformatter()

    def put(self, scene: Surface) -> Surface:
        """The picture; it is good until the next call."""
        squeezed = self._reformatter.reformat(
            scene.frame, self._width, scene.height, format="yuv420p", interpolation=Interpolation.BILINEAR, threads=1
        )
        self._picture.copy(Surface(squeezed), Box(0, 0, self._width, scene.height), 0, self._band)
        return self._picture
