"""One FFmpeg decoder for one source: sizes are checked before it sees a frame, its errors come out as one kind."""

from __future__ import annotations

import av
from av.codec.context import Flags
from av.video.reformatter import Interpolation, VideoReformatter

from config.media import VideoSettings
from mcu.media import Codec
from mcu.video.bitstream import BitstreamError, geometries, is_keyframe

_NAMES = {
    Codec.H264: "h264",
    Codec.VP8: "vp8",
    Codec.H263: "h263",
    Codec.H263_1996: "h263",
    Codec.H261: "h261",
}
"""FFmpeg's own VP8 decoder is a quarter cheaper than libvpx."""
_STICKY = (Codec.H263, Codec.H263_1996)
"""What a damaged header has switched on stays on through later keyframes in FFmpeg's decoder."""
_LARGE_PICTURE = 2560 * 1440
_MIN_PIXEL_RATIO = 0.25
_H261_PIXEL_RATIO = 12 / 11
"""Of CIF and QCIF, which are 4:3 (H.261 3.1)."""
_FULL_WIDTH, _FULL_HEIGHT = 1920, 1088
"""No tile is larger than this."""
_PLAIN_FORMATS = frozenset({"yuv420p", "yuvj420p"})


class DecodeError(Exception):
    """A frame that gives no picture; `reason` is a word for counters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Decoder:
    """Turns access units of one codec into pictures, on the calling thread."""

    def __init__(self, codec: Codec, settings: VideoSettings) -> None:
        """Raises KeyError for a codec that has no pictures."""
        self.codec = codec
        self._settings = settings
        self._reformatter = VideoReformatter()
        self._context = self._open()
        self.pixels = 0
        """Of the largest picture that the stream announced last, or of a larger one that it sent since."""

    @property
    def has_large_pictures(self) -> bool:
        """Whether the stream has pictures that take long to decode."""
        return self.pixels > _LARGE_PICTURE

    @property
    def pixel_ratio(self) -> float:
        """Width of a pixel over its height (E.2.1, sample_aspect_ratio); 1 where it is not told or absurd."""
        if self.codec is Codec.H261:
            return _H261_PIXEL_RATIO
        ratio = float(self._context.sample_aspect_ratio or 1)
        return ratio if _MIN_PIXEL_RATIO <= ratio <= 1 / _MIN_PIXEL_RATIO else 1.0

    def _open(self) -> av.VideoCodecContext:
        context = av.CodecContext.create(_NAMES[self.codec], "r")
        assert isinstance(context, av.VideoCodecContext)
        context.thread_count = 1
        context.flags |= Flags.low_delay
        context.options = {"max_pixels": str(self._settings.max_width * self._settings.max_height)}
        return context

    def check(self, payload: bytes) -> None:
        """Read the size before the decoder does. Raises DecodeError where it is out of bounds or unreadable."""
        try:
            found = geometries(self.codec, payload)
        except BitstreamError as error:
            raise DecodeError("bad_header") from error
        for geometry in found:
            if not geometry.fits(self._settings.max_width, self._settings.max_height):
                raise DecodeError("too_large")
        if found:
            self.pixels = max(geometry.width * geometry.height for geometry in found)

    def decode(self, payload: bytes) -> av.VideoFrame | None:
        """The newest picture that `payload` completes, None when it completes none. Raises DecodeError."""
        if self.codec in _STICKY and is_keyframe(self.codec, payload):
            self._context = self._open()
        try:
            pictures = self._context.decode(av.Packet(payload))
        except (av.FFmpegError, ValueError, MemoryError) as error:
            raise DecodeError("undecodable") from error
        if not pictures:
            return None
        picture = pictures[-1]
        if picture.width > self._settings.max_width or picture.height > self._settings.max_height:
            raise DecodeError("too_large")
        self.pixels = max(self.pixels, picture.width * picture.height)
        return self._plain(picture)

    def _plain(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Make small and 4:2:0 here what is costly to scale: here it costs the time of its source, not of the tick."""
        excess = max(picture.width / _FULL_WIDTH, picture.height / _FULL_HEIGHT)
        if excess <= 1 and picture.format.name in _PLAIN_FORMATS:
            return picture
        factor = max(excess, 1)
        try:
            return self._reformatter.reformat(
                picture,
                max(2, round(picture.width / factor / 2) * 2),
                max(2, round(picture.height / factor / 2) * 2),
                format="yuv420p",
                interpolation=Interpolation.BILINEAR,
                threads=1,
            )
        except (av.FFmpegError, ValueError, MemoryError) as error:
            raise DecodeError("unscalable") from error
