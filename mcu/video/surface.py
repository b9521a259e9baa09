"""Planar pictures (YUV 4:2:0, BT.601, limited range) as numpy views: fill, copy, blend."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mcu.video.box import Box

Plane = NDArray[np.uint8]
Weights = NDArray[np.uint16]
Reals = NDArray[np.floating[Any]]
Rgb = tuple[int, int, int]

# Rec. ITU-R BT.601 7, scaled to limited range.
_TO_YUV = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]], dtype=np.float32)
_OFFSET = np.array([16.0, 128.0, 128.0], dtype=np.float32)
_OPAQUE = 256
_HALF = np.uint16(128)
"""Makes blend() round."""


@dataclass(frozen=True, slots=True)
class Sprite:
    """A drawing ready to be blended: colours already weighted by opacity (0..256), beside what shows through."""

    width: int
    height: int
    colours: tuple[Weights, Weights, Weights]
    through: tuple[Weights, Weights]
    """For luma and for chroma."""

    @property
    def bytes(self) -> int:
        """Memory that it holds."""
        return sum(array.nbytes for array in (*self.colours, *self.through))

    @classmethod
    def of(cls, image: Image.Image) -> Sprite:
        """From an RGBA image; odd sizes grow by a transparent line."""
        width, height = image.width + image.width % 2, image.height + image.height % 2
        canvas = Image.new("RGBA", (width, height))
        canvas.paste(image, (0, 0))
        pixels = np.asarray(canvas, dtype=np.float32)
        opacity = pixels[..., 3] / 255
        weighted = (pixels[..., :3] / 255 @ _TO_YUV.T + _OFFSET) * opacity[..., None]
        luma, chroma = _weights(opacity), _weights(_halved(opacity))
        return cls(
            width,
            height,
            (
                _weights(weighted[..., 0]) + _HALF,
                _weights(_halved(weighted[..., 1])) + _HALF,
                _weights(_halved(weighted[..., 2])) + _HALF,
            ),
            (_OPAQUE - luma, _OPAQUE - chroma),
        )


class Surface:
    """The three planes of a YUV 4:2:0 picture; writes go to the memory of the frame itself."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self.frame = frame
        self.width, self.height = frame.width, frame.height
        self.planes = tuple(_view(plane) for plane in frame.planes[:3])

    @classmethod
    def blank(cls, width: int, height: int, colour: Rgb) -> Surface:
        """A new picture in one colour; sides must be even."""
        surface = cls(av.VideoFrame(width, height, "yuv420p"))
        surface.fill(Box(0, 0, width, height), colour)
        return surface

    def fill(self, box: Box, colour: Rgb) -> None:
        """Paint a rectangle, cut at the edges of the picture."""
        for plane, value, half in zip(self.planes, yuv(colour), (1, 2, 2), strict=True):
            plane[box.y // half : (box.y + box.height) // half, box.x // half : (box.x + box.width) // half] = value

    def frame_box(self, box: Box, thickness: int, colour: Rgb) -> None:
        """Paint a border of even `thickness` along the inside of a rectangle."""
        inner = box.height - 2 * thickness
        self.fill(Box(box.x, box.y, box.width, thickness), colour)
        self.fill(Box(box.x, box.y + box.height - thickness, box.width, thickness), colour)
        self.fill(Box(box.x, box.y + thickness, thickness, inner), colour)
        self.fill(Box(box.x + box.width - thickness, box.y + thickness, thickness, inner), colour)

    def copy(self, picture: Surface, source: Box, x: int, y: int) -> None:
        """Copy a part of `picture` here; all numbers even, both parts inside their pictures."""
        for plane, other, half in zip(self.planes, picture.planes, (1, 2, 2), strict=True):
            height, width = source.height // half, source.width // half
            top, left = source.y // half, source.x // half
            plane[y // half : y // half + height, x // half : x // half + width] = other[
                top : top + height, left : left + width
            ]

    def blend(self, sprite: Sprite, x: int, y: int) -> None:
        """Draw a sprite at an even place, cut at the edges of the picture."""
        for index, half in enumerate((1, 2, 2)):
            part = self.planes[index][y // half : (y + sprite.height) // half, x // half : (x + sprite.width) // half]
            height, width = part.shape
            through = sprite.through[min(index, 1)][:height, :width]
            mixed = part * through
            mixed += sprite.colours[index][:height, :width]
            mixed >>= 8
            part[:] = mixed


@lru_cache(maxsize=64)
def yuv(colour: Rgb) -> tuple[int, int, int]:
    """An RGB colour in limited range BT.601."""
    luma, blue, red = np.array(colour, dtype=np.float32) / 255 @ _TO_YUV.T + _OFFSET
    return round(float(luma)), round(float(blue)), round(float(red))


def _view(plane: av.video.plane.VideoPlane) -> Plane:
    strides = (plane.line_size, 1)
    return np.ndarray((plane.height, plane.width), np.uint8, plane, strides=strides)  # type: ignore[arg-type]  # Buffer


def _halved(values: Reals) -> Reals:
    height, width = values.shape
    halved: Reals = values.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return halved


def _weights(values: Reals) -> Weights:
    return np.rint(values * _OPAQUE).astype(np.uint16)
