"""Encoded H.264 and Opus into fragmented MP4 (PyAV), without decoding or encoding anything."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.stream import Stream
from av.video.stream import VideoStream

from recorder.errors import RecordingError

VIDEO_CLOCK_HZ = 90_000
AUDIO_CLOCK_HZ = 48_000
_VIDEO_TICK = Fraction(1, VIDEO_CLOCK_HZ)
_AUDIO_TICK = Fraction(1, AUDIO_CLOCK_HZ)
_FRAME_SAMPLES = 960
_MAX_INTERLEAVE_US = 300_000
"""A stream that stopped holds the other one up no longer than this."""


class _Sink(io.RawIOBase):
    """What PyAV writes to; not seekable, as the sealed file is not."""

    def __init__(self, emit: Callable[[bytes], object]) -> None:
        super().__init__()
        self._emit = emit

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # PyAV gives bytes
        self._emit(bytes(data))
        return len(data)


class Muxer:
    """One MP4 file with a video and an audio track, cut into fragments at keyframes and at `fragment_s`."""

    def __init__(self, emit: Callable[[bytes], object], keyframe: bytes, frame_rate: int, fragment_s: float) -> None:
        """`keyframe` is an access unit with SPS and PPS (Annex B). Raises RecordingError when it cannot be read."""
        options = {
            "movflags": "empty_moov+default_base_moof+frag_keyframe",
            "frag_duration": str(round(fragment_s * 1_000_000)),
            "flush_packets": "1",
            "max_interleave_delta": str(_MAX_INTERLEAVE_US),
        }
        self._frame_ticks = VIDEO_CLOCK_HZ // max(1, frame_rate)
        try:
            # Only a demuxer gives a stream its parameter sets; the keyframe alone is a stream long enough for that.
            with av.open(io.BytesIO(keyframe), "r", format="h264") as source:
                if not source.streams.video[0].width:
                    raise RecordingError("bad-keyframe")
                self._container = av.open(_Sink(emit), "w", format="mp4", options=options)
                self._video: VideoStream = self._container.add_stream_from_template(
                    source.streams.video[0], opaque=True
                )
        except (av.error.FFmpegError, IndexError) as error:
            raise RecordingError("bad-keyframe") from error
        self._video.time_base = _VIDEO_TICK
        self._audio: AudioStream = self._container.add_stream("libopus", rate=AUDIO_CLOCK_HZ, layout="mono")

    def picture(self, payload: bytes, pts: int, is_keyframe: bool) -> None:
        """One access unit at `pts` (90 kHz, larger than the one before). Raises RecordingError."""
        self._mux(self._video, _VIDEO_TICK, payload, pts, self._frame_ticks, is_keyframe)

    def sound(self, payload: bytes, pts: int) -> None:
        """20 ms of Opus at `pts` (48 kHz, larger than the one before). Raises RecordingError."""
        self._mux(self._audio, _AUDIO_TICK, payload, pts, _FRAME_SAMPLES, is_keyframe=True)

    def close(self) -> None:
        """Write the last fragment. Raises RecordingError."""
        try:
            self._container.close()
        except av.error.FFmpegError as error:
            raise RecordingError("muxer") from error

    def _mux(self, stream: Stream, tick: Fraction, payload: bytes, pts: int, duration: int, is_keyframe: bool) -> None:
        packet = av.Packet(payload)
        packet.stream = stream
        packet.time_base = tick
        packet.pts = packet.dts = pts
        packet.duration = duration
        packet.is_keyframe = is_keyframe
        try:
            self._container.mux(packet)
        except av.error.FFmpegError as error:
            raise RecordingError("muxer") from error
