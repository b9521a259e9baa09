"""Encoded pictures of known content, made once by FFmpeg, and a decoder to look at what came through."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import av
import numpy as np

WIDTH, HEIGHT = 320, 176


def picture(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A gradient with a bar that moves, and some noise so that frames have several packets."""
    rng = np.random.default_rng(index)
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 0] = np.linspace(0, 255, width)[None, :]
    image[:, :, 1] = np.linspace(0, 255, height)[:, None]
    image[:, :, 2] = rng.integers(0, 120, (height, width))
    left = index * 7 % (width - 20)
    image[:, left : left + 20] = (240, 20, 30)
    return image


@cache
def encoded(codec: str, count: int = 40, slice_bytes: int = 0, keyframe_every: int = 20) -> tuple[bytes, ...]:
    """`count` frames of H.264 ("libx264", Annex B) or VP8 ("libvpx")."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.bit_rate, context.gop_size, context.max_b_frames, context.thread_count = 600_000, keyframe_every, 0, 1
    if codec == "libx264":
        options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
        if slice_bytes:
            options["x264-params"] = f"slice-max-size={slice_bytes}"
    else:
        # A negative speed is a fixed one: a positive one adapts to how busy the machine is.
        options = {"deadline": "realtime", "cpu-used": "-8", "lag-in-frames": "0"}
    context.options = options
    packets = []
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24").reformat(format="yuv420p")
        frame.pts = index
        packets += context.encode(frame)
    packets += context.encode(None)
    return tuple(bytes(packet) for packet in packets)


class Decoder:
    """Decoded pictures as checksums of their planes."""

    def __init__(self, codec: str) -> None:
        self._context = av.CodecContext.create({"libx264": "h264", "libvpx": "vp8"}[codec], "r")
        self._context.thread_count = 1

    def decode(self, data: bytes) -> list[int]:
        return [hash(frame.to_ndarray().tobytes()) for frame in self._context.decode(av.Packet(data))]


def decoded(codec: str, frames) -> list[int]:
    """Checksums of all pictures in these frames."""
    decoder = Decoder(codec)
    out = [checksum for frame in frames for checksum in decoder.decode(frame)]
    return out + [hash(frame.to_ndarray().tobytes()) for frame in decoder._context.decode(None)]
