"""Encoded test pictures: what terminals would send, and a look at what the plane made of it."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.video.frame import PictureType

from config.media import VideoSettings
from mcu.media import Codec
from mcu.video.box import Box
from mcu.video.plane import VideoPlane
from mcu.video.surface import Rgb, Surface
from mcu.worker.channel import Frame
from mcu.worker.messages import OpenRendition, SetScene, Tile

TICK_US = 40_000
RED, GREEN, BLUE, YELLOW = (200, 40, 40), (40, 170, 60), (40, 70, 200), (210, 190, 40)
_NAMES = {
    Codec.H264: "libx264",
    Codec.VP8: "libvpx",
    Codec.H263: "h263p",
    Codec.H263_1996: "h263",
    Codec.H261: "h261",
}
_OPTIONS = {
    Codec.H264: {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"},
    Codec.VP8: {"deadline": "realtime", "cpu-used": "-16", "lag-in-frames": "0"},
}
CIF = (352, 288)
"""All that H.261 and the H.263 of 1996 have near the size of the others."""


class Sender:
    """A terminal that sends one plain colour; colours may change from frame to frame."""

    def __init__(self, stream: int, colour: Rgb, codec: Codec = Codec.H264, size: tuple[int, int] = (320, 180)) -> None:
        size = CIF if codec in (Codec.H263_1996, Codec.H261) else size
        self.stream, self.colour, self.codec = stream, colour, codec
        self._surface = Surface.blank(*size, colour)
        context = av.CodecContext.create(_NAMES[codec], "w")
        context.width, context.height = size
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1001, 30_000) if size == CIF else Fraction(1, 25)
        context.bit_rate = 300_000
        context.gop_size = 1000
        context.thread_count = 1
        context.options = _OPTIONS.get(codec, {})
        self._context = context
        self._count = 0

    def frame(self, capture_us: int = 0, due_us: int = 0, is_key: bool = False, colour: Rgb | None = None) -> Frame:
        """The next frame of the camera."""
        colour = colour or self.colour
        self._surface.fill(Box(0, 0, self._surface.width, self._surface.height), colour)
        picture = self._surface.frame
        picture.pts = self._count
        picture.pict_type = PictureType.I if is_key else PictureType.NONE
        self._count += 1
        packets = self._context.encode(picture)
        return Frame(
            self.stream, self.codec, b"".join(bytes(packet) for packet in packets),
            capture_us=capture_us, due_us=due_us, is_keyframe=any(packet.is_keyframe for packet in packets),
        )  # fmt: skip


class Viewer:
    """A receiver of one rendition."""

    def __init__(self, codec: Codec = Codec.H264) -> None:
        self._context = av.CodecContext.create({Codec.H264: "h264", Codec.VP8: "vp8"}.get(codec, "h263"), "r")
        self._context.thread_count = 1
        self.pictures = 0
        self._last: av.VideoFrame | None = None

    def take(self, frame: Frame) -> None:
        """Decode; the last picture is kept."""
        for picture in self._context.decode(av.Packet(frame.payload)):
            self.pictures += 1
            self._last = picture

    @property
    def rgb(self) -> np.ndarray:
        """The last picture (height, width, 3)."""
        return np.zeros((2, 2, 3), np.uint8) if self._last is None else self._last.to_ndarray(format="rgb24")

    def at(self, x: float, y: float) -> Rgb:
        """Mean colour of a few pixels around a place given in fractions of the picture."""
        height, width, _ = self.rgb.shape
        part = self.rgb[
            max(0, int(y * height) - 3) : int(y * height) + 4, max(0, int(x * width) - 3) : int(x * width) + 4
        ]
        red, green, blue = part.reshape(-1, 3).mean(axis=0)
        return round(red), round(green), round(blue)


def is_near(one: Rgb, other: Rgb, distance: int = 24) -> bool:
    """Whether two colours are the same to a coarse eye."""
    return all(abs(a - b) <= distance for a, b in zip(one, other, strict=True))


class Room:
    """A plane on a virtual clock with one rendition of one scene, and somebody who watches it."""

    def __init__(
        self, *tiles: Tile, codec: Codec = Codec.H264, size: tuple[int, int] = (640, 360), **settings: int
    ) -> None:
        self.now_us = 4_000_000
        self.plane = VideoPlane(VideoSettings(decode_threads=0, **settings), clock_us=lambda: self.now_us)
        self.viewer = Viewer(codec)
        self.frames: list[Frame] = []
        self.asked: list[int] = []
        self.show(*tiles)
        self.plane.apply(OpenRendition(1, "1001", "all", codec, *size, 25, 3_000_000))
        self.tick()

    def show(self, *tiles: Tile, is_recording: bool = False, caption: str = "") -> None:
        """Another scene from the next tick on."""
        self.plane.apply(SetScene("1001", "all", tiles, is_recording, caption))

    def feed(self, *frames: Frame) -> None:
        """Frames arrive now."""
        for frame in frames:
            self.plane.feed(frame, self.now_us)

    def tick(self, count: int = 1) -> None:
        """Let ticks pass; the viewer sees what comes of them."""
        for _ in range(count):
            self.now_us += TICK_US
            frames = self.plane.tick(self.now_us)
            self.asked += self.plane.keyframe_requests(self.now_us)
            self.frames += frames
            for frame in frames:
                if frame.stream == 1:
                    self.viewer.take(frame)

    def count(self, name: str) -> int:
        """A counter of the plane."""
        return self.plane.statistics()[0].get(name, 0)


def sps(width_mbs: int, height_mbs: int, references: int = 1) -> bytes:
    """A constrained baseline sequence parameter set (7.3.2.1.1) without a start code."""
    bits = f"{66:08b}{0xC0:08b}{31:08b}" + _ue(0) + _ue(0) + _ue(2) + _ue(references) + "0"
    bits += _ue(width_mbs - 1) + _ue(height_mbs - 1) + "1" + "1" + "0" + "0" + "1"
    bits += "0" * (-len(bits) % 8)
    return b"\x67" + int(bits, 2).to_bytes(len(bits) // 8, "big")


def _ue(value: int) -> str:
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code
