"""Brings the pictures of one source to the size of one tile, once for each new picture."""

from __future__ import annotations

import av
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from mcu.video.box import Box
from mcu.video.fit import Fit, fit
from mcu.video.source import Picture
from mcu.video.surface import Surface

_FORMAT = "yuv420p"
# matrix_coefficients (ITU-T H.264 table E-5) of BT.709 and BT.2020; what a sender leaves open is BT.601, as our canvas.
_OTHER_COLOURS = frozenset((1, 9, 10))


class ScaleError(Exception):
    """A picture in a form that cannot be scaled."""


class Scaler:
    """Remembers its last result; `scaled` belongs to it until the next call."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._done: tuple[int, Box, bool] | None = None
        self._surface: Surface | None = None
        self._fit = Fit(2, 2, Box(0, 0, 2, 2), 0, 0)

    def scaled(self, picture: Picture, box: Box, may_cut: bool) -> tuple[Surface, Fit]:
        """The picture at the size that fits `box`, and where it goes. Raises ScaleError."""
        wanted = (picture.serial, box, may_cut)
        if self._surface is None or wanted != self._done:
            try:
                self._scale(picture, box, may_cut)
            except (av.FFmpegError, ValueError, MemoryError) as error:
                self._surface = None
                raise ScaleError(str(error)) from error
            self._done = wanted
        assert self._surface is not None
        return self._surface, self._fit

    def _scale(self, picture: Picture, box: Box, may_cut: bool) -> None:
        self._fit = fit(picture.width, picture.frame.height, box, may_cut)
        result = self._reformatter.reformat(
            picture.frame,
            self._fit.width,
            self._fit.height,
            format=_FORMAT,
            interpolation=Interpolation.BILINEAR,
            dst_colorspace=Colorspace.ITU601 if picture.frame.colorspace in _OTHER_COLOURS else None,
            threads=1,
        )
        self._surface = Surface(result)
