"""One encoder for each rendition (libx264, libvpx, H.263): constant rate, no look-ahead, keyframes only when wanted."""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.frame import PictureType

from config.media import VideoSettings
from mcu.media import Codec
from mcu.video.bitstream import without_sei
from mcu.video.common_intermediate import Letterbox, coded_size
from mcu.video.surface import Surface
from mcu.worker.channel import Frame
from mcu.worker.messages import OpenRendition

_NAMES = {Codec.H264: "libx264", Codec.VP8: "libvpx", Codec.H263: "h263", Codec.H263_1996: "h263"}
_H263 = (Codec.H263, Codec.H263_1996)
"""What is encoded is that of 1996, which all understand."""
_H263_GROUP_BYTES = 1
"""FFmpeg's `ps`: every row that follows so many bytes has a header, so that a packet can begin with it."""
_MIN_SIDE, _MAX_SIDE = 64, 1920
_MAX_FRAME_RATE = 60
_MIN_BITRATE_BPS, _MAX_BITRATE_BPS = 30_000, 20_000_000
_MIN_SLICE_BYTES = 100
_NEVER = 1 << 30
_SETTLING_PICTURES = 10
"""So often a still picture is encoded at the frame rate, growing sharper; then it is only repeated now and then."""
_STILL_US = 1_000_000
# profile_idc (RFC 6184 8.1, table 5) -> what x264 calls it; unknown ones get the profile that everybody decodes.
_PROFILES = {66: "baseline", 77: "main", 88: "baseline", 100: "high"}
_LEVELS = frozenset({10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52})
_DEFAULT_LEVEL = 31
# The canvas is BT.601. Without a word browsers take pictures of 720 lines for BT.709, and skin gets another tint.
_COLOURS = ("colormatrix=smpte170m", "colorprim=smpte170m", "transfer=smpte170m", "range=tv")


class RenditionError(ValueError):
    """A rendition that cannot be encoded as asked."""


class Encoder:
    """Encodes what encode() is given, at most at the frame rate of its rendition. Used by one thread at a time."""

    def __init__(self, rendition: OpenRendition, settings: VideoSettings) -> None:
        """Raises RenditionError where size, rate or codec are out of bounds or the codec refuses them."""
        _check(rendition)
        self.rendition = rendition
        self.keyframe_interval_s = rendition.keyframe_interval_s
        self.keyframes = 0
        self._settings = settings
        self._last_index = -1
        self._encoded_us = 0
        self._still = 0
        self._repeats = 0
        self._keyframe_us: int | None = None
        self._is_keyframe_wanted = False
        self._letterbox = Letterbox(rendition.width, rendition.height) if rendition.codec in _H263 else None
        try:
            self._context = _context(rendition, settings)
        except (av.FFmpegError, ValueError) as error:
            raise RenditionError(str(error)) from error

    def request_keyframe(self) -> None:
        """Make a keyframe soon: now, or when the last one is a second old. Requests meanwhile are one."""
        self._is_keyframe_wanted = True

    def is_due(self, now_us: int, still: int = 0) -> bool:
        """Whether the frame rate has room for a picture now, and its receivers any use for it (see encode())."""
        if self._index(now_us) <= self._last_index:
            return False
        if not still or still != self._still or self._repeats < _SETTLING_PICTURES:
            return True
        return self._forces_keyframe(now_us) or now_us - self._encoded_us >= _STILL_US

    def encode(self, surface: Surface, now_us: int, still: int = 0) -> Frame | None:
        """The coded picture, stamped with the tick `now_us`; `still` is the number of a picture that does not move.

        Raises RenditionError when the codec fails; it is opened anew for the next picture, which is a keyframe.
        """
        self._last_index = self._index(now_us)
        self._encoded_us = now_us
        self._repeats = self._repeats + 1 if still == self._still else 0
        self._still = still
        is_forced = self._forces_keyframe(now_us)
        picture = surface.frame if self._letterbox is None else self._letterbox.put(surface).frame
        picture.pts = self._last_index
        picture.pict_type = PictureType.I if is_forced else PictureType.NONE
        try:
            packets = self._context.encode(picture)
        except (av.FFmpegError, ValueError) as error:
            self._context = _context(self.rendition, self._settings)
            self._keyframe_us = None
            raise RenditionError(str(error)) from error
        if not packets:
            return None
        is_keyframe = any(packet.is_keyframe for packet in packets)
        if is_keyframe:
            self.keyframes += 1
            self._keyframe_us = now_us
            self._is_keyframe_wanted = False
        return self._frame(b"".join(bytes(packet) for packet in packets), is_keyframe, now_us)

    def _frame(self, payload: bytes, is_keyframe: bool, now_us: int) -> Frame:
        if is_keyframe and self.rendition.codec is Codec.H264:
            payload = without_sei(payload)
        return Frame(
            self.rendition.rendition,
            self.rendition.codec,
            payload,
            rtp_timestamp=now_us * 9 // 100 & 0xFFFFFFFF,
            capture_us=now_us,
            is_keyframe=is_keyframe,
        )

    def _index(self, now_us: int) -> int:
        return (now_us * self.rendition.frame_rate + 500_000) // 1_000_000

    def _forces_keyframe(self, now_us: int) -> bool:
        if self._keyframe_us is None:
            return True
        age_s = (now_us - self._keyframe_us) / 1_000_000
        if self._is_keyframe_wanted and age_s >= self._settings.keyframe_gap_s:
            return True
        return 0 < self.keyframe_interval_s <= age_s


def load_codecs(settings: VideoSettings) -> None:
    """Open and use every codec once, so that nothing is loaded or looked up later."""
    for codec in _NAMES:
        width, height = (192, 108) if codec in _H263 else (320, 180)
        encoder = Encoder(OpenRendition(0, "", "", codec, width, height, 25, 200_000), settings)
        encoder.encode(Surface.blank(width, height, (0, 0, 0)), 0)


def _check(rendition: OpenRendition) -> None:
    if rendition.codec not in _NAMES:
        raise RenditionError(f"codec {rendition.codec.name}")
    for side in (rendition.width, rendition.height):
        if side % 2 or not _MIN_SIDE <= side <= _MAX_SIDE:
            raise RenditionError(f"size {rendition.width}x{rendition.height}")
    if rendition.codec in _H263 and coded_size(rendition.width, rendition.height) is None:
        raise RenditionError(f"no format of H.263 for {rendition.width}x{rendition.height}")
    if not 1 <= rendition.frame_rate <= _MAX_FRAME_RATE:
        raise RenditionError(f"frame rate {rendition.frame_rate}")
    if not _MIN_BITRATE_BPS <= rendition.bitrate_bps <= _MAX_BITRATE_BPS:
        raise RenditionError(f"bitrate {rendition.bitrate_bps}")
    if rendition.max_slice_bytes and rendition.max_slice_bytes < _MIN_SLICE_BYTES:
        raise RenditionError(f"slices of {rendition.max_slice_bytes} bytes")


def _context(rendition: OpenRendition, settings: VideoSettings) -> av.VideoCodecContext:
    context = av.CodecContext.create(_NAMES[rendition.codec], "w")
    assert isinstance(context, av.VideoCodecContext)
    size = rendition.width, rendition.height
    context.width, context.height = coded_size(*size) or size if rendition.codec in _H263 else size
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, rendition.frame_rate)
    context.framerate = Fraction(rendition.frame_rate)
    context.bit_rate = rendition.bitrate_bps
    context.gop_size = _NEVER
    context.max_b_frames = 0
    context.thread_count = 1
    context.options = _options(rendition, settings)
    context.open()
    return context


def _options(rendition: OpenRendition, settings: VideoSettings) -> dict[str, str]:
    if rendition.codec is Codec.H264:
        return _x264_options(rendition, settings)
    if rendition.codec is Codec.VP8:
        return _vpx_options(rendition, settings)
    buffer = round(rendition.bitrate_bps * settings.vbv_s)
    return {"ps": str(_H263_GROUP_BYTES), "qmin": "4", "maxrate": str(rendition.bitrate_bps), "bufsize": str(buffer)}


def _x264_options(rendition: OpenRendition, settings: VideoSettings) -> dict[str, str]:
    profile, level = _profile_and_level(rendition.profile_level_id)
    parameters = ["repeat-headers=1", "scenecut=0", "rc-lookahead=0", "force-cfr=1", "sliced-threads=0", *_COLOURS]
    if rendition.max_slice_bytes:
        parameters.append(f"slice-max-size={rendition.max_slice_bytes}")
    return {
        "preset": settings.x264_preset,
        "tune": "zerolatency",
        "profile": profile,
        "level": f"{level / 10:.1f}",
        "forced-idr": "1",
        "maxrate": str(rendition.bitrate_bps),
        "bufsize": str(round(rendition.bitrate_bps * settings.vbv_s)),
        "x264-params": ":".join(parameters),
    }


def _vpx_options(rendition: OpenRendition, settings: VideoSettings) -> dict[str, str]:
    return {
        "deadline": "realtime",
        "cpu-used": str(settings.vp8_cpu_used),
        "lag-in-frames": "0",
        "error-resilient": "default",
        "auto-alt-ref": "0",
        "minrate": str(rendition.bitrate_bps),
        "maxrate": str(rendition.bitrate_bps),
        "bufsize": str(round(rendition.bitrate_bps * settings.vbv_s)),
        "qmin": "4",
        "qmax": "63",
    }


def _profile_and_level(profile_level_id: str) -> tuple[str, int]:
    try:
        profile, _, level = bytes.fromhex(profile_level_id)
    except ValueError:
        return "baseline", _DEFAULT_LEVEL
    return _PROFILES.get(profile, "baseline"), level if level in _LEVELS else _DEFAULT_LEVEL
