"""Moving test pictures that can be told apart: colour, name, a mark that moves, a running number."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mcu.video.fonts import Fonts

Picture = NDArray[np.uint8]


def pictures(name: str, color: str, size: tuple[int, int], count: int) -> Iterator[av.VideoFrame]:
    """`count` pictures that make a seamless loop.

    Most of the picture is the plain colour; a white bar crosses the lower fifth once a loop, the name stands in the
    upper left corner.
    """
    width, height = size
    background = _background(name, _rgb(color), size)
    bar = max(8, width // 20)
    top = height * 4 // 5
    for index in range(count):
        picture = background.copy()
        left = index * (width + bar) // count - bar
        picture[top:, max(0, left) : max(0, left + bar)] = 255
        height_px = max(2, (height - top) // 4)
        progress = width * (index % 25 + 1) // 25
        picture[height - height_px :, :progress] = picture[height - height_px :, :progress] // 2 + 64
        yield av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")


def flashes(color: str, size: tuple[int, int], frame_rate: int, count: int) -> Iterator[av.VideoFrame]:
    """The plain colour; white for the first 100 ms of each second."""
    width, height = size
    plain = np.broadcast_to(np.array(_rgb(color), np.uint8), (height, width, 3))
    white = np.full((height, width, 3), 255, np.uint8)
    for index in range(count):
        is_flash = index % frame_rate < max(1, frame_rate // 10)
        picture = np.ascontiguousarray(white if is_flash else plain)
        yield av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _background(name: str, rgb: tuple[int, int, int], size: tuple[int, int]) -> Picture:
    image = Image.new("RGB", size, rgb)
    text = ImageDraw.Draw(image)
    margin = size[1] // 16
    font = Fonts().at(size[1] / 11)
    text.text((margin, margin), name[:40], font=font, fill="white", stroke_width=1, stroke_fill="black")
    return np.asarray(image)
