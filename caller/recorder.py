"""What a caller sees and hears, as an MP4 file: H.264 is copied, VP8 encoded anew, sound becomes AAC."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from mcu.rtp import h264
from mcu.rtp.h264 import START_CODE

RATE_HZ = 48_000
VIDEO_CLOCK_HZ = 90_000
PATIENCE_US = 5_000_000
"""Without a picture by then the file has sound alone."""
MAX_GAP_SAMPLES = 60 * RATE_HZ
_TOLERANCE_SAMPLES = 2 * 960
_SOUND_BPS = 64_000


class Recording:
    """One file. Times are capture times of the peer on our clock; the first keyframe is the start of the file."""

    def __init__(self, path: Path, has_video: bool, has_audio: bool) -> None:
        """Open the file. Raises OSError, av.FFmpegError."""
        self._container = av.open(str(path), "w", format="mp4")
        self._has_video = has_video
        self._start_us: int | None = None
        self._first_sound_us: int | None = None
        self._video: av.stream.Stream | None = None
        self._encoder: av.VideoStream | None = None
        self._audio: av.AudioStream | None = None
        if has_audio:
            self._audio = self._container.add_stream("aac", rate=RATE_HZ)
            self._audio.layout = "mono"
            self._audio.bit_rate = _SOUND_BPS
        self._samples = 0
        self._last_pts = -1

    def copy_picture(self, access_unit: bytes, capture_us: int, is_keyframe: bool, size: tuple[int, int]) -> None:
        """Take an H.264 access unit as it came; pictures before the first keyframe are left out."""
        if self._video is None:
            if not is_keyframe or not self._has_video:
                return
            parameters = [
                START_CODE + access_unit[start:end]
                for start, end in h264.nal_units(access_unit)
                if access_unit[start] & 0x1F in (h264.SPS, h264.PPS)
            ]
            stream = self._container.add_mux_stream("h264", width=size[0], height=size[1])
            stream.time_base = Fraction(1, VIDEO_CLOCK_HZ)
            stream.extradata = b"".join(parameters)  # type: ignore[attr-defined]  # the stub lacks it
            self._video = stream
            self._begin(capture_us)
        packet = av.Packet(access_unit)
        packet.stream = self._video
        packet.time_base = Fraction(1, VIDEO_CLOCK_HZ)
        packet.pts = packet.dts = self._picture_pts(capture_us)
        packet.is_keyframe = is_keyframe
        self._container.mux(packet)

    def encode_picture(self, picture: av.VideoFrame, capture_us: int) -> None:
        """Take a decoded picture, of a format that MP4 does not hold."""
        if self._encoder is None:
            if not self._has_video:
                return
            stream = self._container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "yuv420p"
            stream.codec_context.time_base = Fraction(1, VIDEO_CLOCK_HZ)
            stream.codec_context.options = {"preset": "ultrafast", "tune": "zerolatency"}
            self._encoder = stream
            self._begin(capture_us)
        fitted = picture.reformat(self._encoder.width, self._encoder.height, "yuv420p")
        fitted.pts, fitted.time_base = self._picture_pts(capture_us), Fraction(1, VIDEO_CLOCK_HZ)
        fitted.pict_type = av.video.frame.PictureType.NONE
        self._container.mux(self._encoder.encode(fitted))

    def sound(self, pcm: NDArray[np.float32], capture_us: int) -> None:
        """Take mono sound at 48 kHz; gaps become silence, what came twice is left out."""
        if self._audio is None:
            return
        if self._first_sound_us is None:
            self._first_sound_us = capture_us
        if self._start_us is None:
            if self._has_video and capture_us - self._first_sound_us < PATIENCE_US:
                return
            self._has_video = False
            self._begin(capture_us)
        assert self._start_us is not None
        due = (capture_us - self._start_us) * RATE_HZ // 1_000_000
        gap = due - self._samples
        if gap < -_TOLERANCE_SAMPLES:
            return
        if gap > _TOLERANCE_SAMPLES:
            self._write_sound(np.zeros(min(gap, MAX_GAP_SAMPLES), np.float32))
        self._write_sound(pcm)

    def close(self) -> None:
        """Write what waits and the index."""
        try:
            if self._start_us is not None:
                for stream in (self._encoder, self._audio):
                    if stream is not None and (stream is not self._audio or self._samples):
                        self._container.mux(stream.encode(None))
        finally:
            self._container.close()

    def _begin(self, capture_us: int) -> None:
        self._start_us = capture_us
        self._container.start_encoding()

    def _picture_pts(self, capture_us: int) -> int:
        assert self._start_us is not None
        pts = (capture_us - self._start_us) * VIDEO_CLOCK_HZ // 1_000_000
        self._last_pts = max(pts, self._last_pts + 1)
        return self._last_pts

    def _write_sound(self, pcm: NDArray[np.float32]) -> None:
        assert self._audio is not None
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, self._samples, Fraction(1, RATE_HZ)
        self._samples += len(pcm)
        self._container.mux(self._audio.encode(frame))
