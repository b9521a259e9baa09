"""Pictures brought to the size and the colours of the canvas."""

from __future__ import annotations

import av
import numpy as np
import pytest

from mcu.video.box import Box
from mcu.video.scaler import Scaler
from mcu.video.source import Picture
from mcu.video.surface import yuv

COLOUR = (200, 24, 36)
BT_709, UNSAID, BT_601 = 1, 2, 6
# COLOUR by Rec. ITU-R BT.709 3 and BT.601 7 in limited range.
AS_709, AS_601 = (69, 116, 205), yuv(COLOUR)


def picture(planes: tuple[int, int, int], matrix: int, width: int = 1280, height: int = 720) -> Picture:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, value in zip(frame.planes, planes, strict=True):
        np.frombuffer(plane, dtype=np.uint8)[:] = value  # type: ignore[call-overload]
    frame.colorspace = matrix
    return Picture(frame, float(width), 0, 1)


@pytest.mark.parametrize(
    ("planes", "matrix"), [(AS_709, BT_709), (AS_601, BT_601), (AS_601, UNSAID)], ids=["709", "601", "unsaid"]
)
@pytest.mark.parametrize("box", [Box(0, 0, 640, 360), Box(0, 0, 1280, 720)], ids=["smaller", "same size"])
def test_all_colours_become_those_of_the_canvas(planes: tuple[int, int, int], matrix: int, box: Box) -> None:
    surface, _ = Scaler().scaled(picture(planes, matrix), box, may_cut=False)
    found = tuple(int(plane[100, 100]) for plane in surface.planes)
    assert np.abs(np.subtract(found, AS_601)).max() <= 2


def test_a_picture_that_fits_is_not_converted() -> None:
    given = picture(AS_601, UNSAID)
    surface, _ = Scaler().scaled(given, Box(0, 0, 1280, 720), may_cut=False)
    assert surface.planes[0].ctypes.data == np.frombuffer(given.frame.planes[0], dtype=np.uint8).ctypes.data  # type: ignore[call-overload]
