"""What a caller plays: encoded once, then sent by any number of callers, again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

import av
import numpy as np
from numpy.typing import NDArray

from caller import pattern, voice
from caller.options import FLASH, NOTHING, TEST, CallOptions
from mcu.audio.codecs import make_encoder
from mcu.media import Codec
from mcu.rtp.pieces import MAX_PIECE_BYTES
from mcu.video.bitstream import is_keyframe

logger = logging.getLogger(__name__)

LOOP_S = 10
TICK_SAMPLES = 960
KEYFRAME_EVERY_S = 0.5
"""A keyframe that the peer asks for comes at the next of these."""
MAX_FILE_S = 600
"""Longer files are cut here and looped."""
MAX_ENCODED_BYTES = 256 << 20
MAX_STILL_S = 10
"""A file whose next picture is due later than this after the last one is played on as if it were not."""
_OPUS_BPS = 32_000
_ENCODERS = {
    Codec.H264: "libx264",
    Codec.VP8: "libvpx",
    Codec.H263: "h263",
    Codec.H263_1996: "h263",
    Codec.H261: "h261",
}
SLIDES_SIZE = (1280, 720)
SLIDES_RATE = 5
SLIDES_BPS = 500_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unit:
    """One encoded picture."""

    payload: bytes
    is_keyframe: bool


class Programme:
    """Encoded sound in packets of 20 ms and pictures at a constant rate; grows while a file is being encoded.

    Sound and picture loop after the same time.
    """

    def __init__(self, frame_rate: int) -> None:
        self.frame_rate = frame_rate
        self.audio: list[bytes] = []
        self.video: list[Unit] = []
        self.has_failed = False
        self._is_complete = threading.Event()

    def audio_at(self, tick: int) -> bytes | None:
        """The packet of a 20 ms tick, None while there is none."""
        return self._at(self.audio, tick)

    def video_at(self, index: int) -> Unit | None:
        """The picture number `index`, None while there is none."""
        return self._at(self.video, index)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until all is encoded."""
        return self._is_complete.wait(timeout_s)

    @property
    def duration_s(self) -> float:
        """How much is encoded by now."""
        return max(len(self.audio) / 50, len(self.video) / self.frame_rate)

    def finish(self, has_failed: bool = False) -> None:
        """Nothing follows; cut sound and picture to one length, so that they loop together."""
        if self.audio and self.video:
            seconds = min(len(self.audio) // 50, len(self.video) // self.frame_rate)
            if seconds >= 1:
                del self.audio[seconds * 50 :], self.video[seconds * self.frame_rate :]
        self.has_failed = has_failed
        self._is_complete.set()

    def _at(self, items: Sequence[T], index: int) -> T | None:
        if index < len(items):
            return items[index]
        if not items or not self._is_complete.is_set():
            return None
        return items[index % len(items)]


def make_programme(options: CallOptions) -> Programme:
    """Encode what `options` ask for; a file goes on in a thread while its beginning is already played."""
    programme = Programme(options.frame_rate)
    if options.play in (TEST, FLASH):
        _encode_pattern(programme, options)
        programme.finish()
    elif options.play == NOTHING:
        programme.finish()
    else:
        threading.Thread(target=_encode_file, args=(programme, options), name="play", daemon=True).start()
    return programme


def make_slides(options: CallOptions) -> Programme:
    """Slides to present: pictures of their own colour, few a second."""
    width, height = SLIDES_SIZE
    return make_programme(
        replace(
            options, play=TEST, audio=None, video=Codec.H264, color=options.h323.slides, name=f"{options.name} slides",
            width=width, height=height, frame_rate=SLIDES_RATE, bitrate_bps=SLIDES_BPS,
        )
    )  # fmt: skip


class PictureEncoder:
    """Pictures of any size in, units of one size out: H.264, VP8, H.263 or H.261 without delay."""

    def __init__(
        self,
        codec: Codec,
        size: tuple[int, int],
        frame_rate: int,
        bitrate_bps: int,
        packetization_mode: int = 1,
        profile: str = "baseline",
    ) -> None:
        context = av.CodecContext.create(_ENCODERS[codec], "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height = size
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, frame_rate)
        context.framerate = Fraction(frame_rate)
        context.bit_rate = bitrate_bps
        context.max_b_frames = 0
        context.thread_count = 1
        context.gop_size = max(1, round(frame_rate * KEYFRAME_EVERY_S))
        if codec == Codec.H264:
            # vbv keeps keyframes from filling the path with one burst.
            context.options = {
                "preset": "veryfast", "tune": "zerolatency", "profile": profile, "sc_threshold": "0",
                "maxrate": str(bitrate_bps), "bufsize": str(bitrate_bps),
            }  # fmt: skip
            if packetization_mode == 0:
                context.options |= {"slice-max-size": str(MAX_PIECE_BYTES)}  # a slice has to fit into a packet
        elif codec == Codec.VP8:
            context.options = {"deadline": "realtime", "cpu-used": "-8", "lag-in-frames": "0"}
        else:
            context.options = {"maxrate": str(bitrate_bps), "bufsize": str(bitrate_bps)}
            if codec != Codec.H261:  # a header for every row that follows, so that a packet can begin with it
                context.options |= {"ps": "1"}
        self._context = context
        self._size = size
        self._codec = codec
        self._index = 0

    def encode(self, picture: av.VideoFrame) -> list[Unit]:
        """The unit of a picture."""
        fitted = picture.reformat(self._size[0], self._size[1], "yuv420p")
        fitted.pts, fitted.time_base = self._index, self._context.time_base
        fitted.pict_type = av.video.frame.PictureType.NONE
        self._index += 1
        units = (bytes(packet) for packet in self._context.encode(fitted))
        return [Unit(unit, is_keyframe(self._codec, unit)) for unit in units]


class SoundEncoder:
    """Samples in portions of any length in, packets of 20 ms out."""

    def __init__(self, codec: Codec) -> None:
        self._encoder = make_encoder(codec, _OPUS_BPS, 5, 0)
        self._left = np.zeros(0, np.float32)

    def encode(self, pcm: NDArray[np.float32]) -> list[bytes]:
        """Mono float32 at 48 kHz to packets; what does not fill one waits."""
        samples = np.concatenate((self._left, pcm))
        whole = len(samples) // TICK_SAMPLES * TICK_SAMPLES
        self._left = samples[whole:]
        return [self._encoder.encode(samples[at : at + TICK_SAMPLES]) for at in range(0, whole, TICK_SAMPLES)]


def _picture_encoder(codec: Codec, options: CallOptions) -> PictureEncoder:
    size = (options.width, options.height)
    return PictureEncoder(
        codec, size, options.frame_rate, options.bitrate_bps, options.packetization_mode, options.profile
    )


def _encode_pattern(programme: Programme, options: CallOptions) -> None:
    is_flash = options.play == FLASH
    if options.audio is not None:
        pcm = voice.flash_beeps(LOOP_S) if is_flash else voice.sound(options.tone, LOOP_S)
        programme.audio += SoundEncoder(options.audio).encode(pcm)
    if options.video is not None:
        size, count = (options.width, options.height), LOOP_S * options.frame_rate
        encoder = _picture_encoder(options.video, options)
        source: Iterable[av.VideoFrame] = (
            pattern.flashes(options.color, size, options.frame_rate, count)
            if is_flash
            else pattern.pictures(options.name, options.color, size, count)
        )
        for picture in source:
            programme.video += encoder.encode(picture)


def _encode_file(programme: Programme, options: CallOptions) -> None:
    try:
        with av.open(options.play) as container:
            _FileEncoder(programme, options, container).run()
        programme.finish(has_failed=not programme.audio and not programme.video)
    except (av.FFmpegError, ValueError, MemoryError) as error:
        logger.warning("the file cannot be played: %s", type(error).__name__)
        programme.finish(has_failed=not programme.audio and not programme.video)


class _FileEncoder:
    """Decodes a file in its own order; pictures are repeated or left out for a constant rate."""

    def __init__(self, programme: Programme, options: CallOptions, container: av.container.InputContainer) -> None:
        self._programme = programme
        self._container = container
        self._bytes = 0
        self._streams: list[av.stream.Stream] = []
        self._pictures: PictureEncoder | None = None
        self._sounds: SoundEncoder | None = None
        self._resampler = av.AudioResampler("flt", "mono", voice.RATE_HZ)
        if options.video is not None and container.streams.video:
            self._pictures = _picture_encoder(options.video, options)
            self._streams.append(container.streams.video[0])
        if options.audio is not None and container.streams.audio:
            self._sounds = SoundEncoder(options.audio)
            self._streams.append(container.streams.audio[0])

    def run(self) -> None:
        """Encode until the end of the file or of the bounds."""
        if not self._streams:
            return
        for frame in self._container.decode(self._streams):
            if isinstance(frame, av.VideoFrame):
                self._show(frame)
            elif isinstance(frame, av.AudioFrame):
                self._play(frame)
            if self._programme.duration_s >= MAX_FILE_S or self._bytes > MAX_ENCODED_BYTES:
                return

    def _show(self, frame: av.VideoFrame) -> None:
        assert self._pictures is not None
        programme = self._programme
        due = round((frame.time or 0.0) * programme.frame_rate) + 1
        most = len(programme.video) + MAX_STILL_S * programme.frame_rate
        while len(programme.video) < min(due, most):
            units = self._pictures.encode(frame)
            programme.video += units
            self._bytes += sum(len(unit.payload) for unit in units)

    def _play(self, frame: av.AudioFrame) -> None:
        assert self._sounds is not None
        for resampled in self._resampler.resample(frame):
            packets = self._sounds.encode(resampled.to_ndarray().reshape(-1).astype(np.float32))
            self._programme.audio += packets
            self._bytes += sum(map(len, packets))
