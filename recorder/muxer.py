"""Encoded H.264 and Opus into fragmented MP4 (ISO/IEC 14496-12 8.8), without decoding or encoding anything.

The head comes from FFmpeg, once; a fragment is put together when it is complete, in one piece.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from fractions import Fraction

import av

from mcu.rtp.h264 import nal_units
from recorder.errors import RecordingError
from recorder.fragments import NON_SYNC, Run
from recorder.movie_fragment import movie_fragment

VIDEO_CLOCK_HZ = 90_000
AUDIO_CLOCK_HZ = 48_000
_FRAME_SAMPLES = 960
_MAX_AHEAD_S = 0.3
"""Pictures cut fragments; when none come, sound does so, this much later."""
_MAX_FRAGMENT_BYTES = 8 << 20
_DEPENDS_ON_NONE, _DEPENDS_ON_OTHERS = 2 << 24, 1 << 24
"""sample_depends_on (8.8.3.1)."""
_VIDEO_TRACK, _AUDIO_TRACK = 1, 2
_LENGTH = struct.Struct(">I")
"""Of a NAL unit, as FFmpeg's avcC says (ISO/IEC 14496-15 5.3.3)."""


class Muxer:
    """One MP4 file with a video and an audio track, cut into fragments at keyframes and at `fragment_s`."""

    def __init__(self, emit: Callable[[bytes], object], keyframe: bytes, frame_rate: int, fragment_s: float) -> None:
        """`keyframe` is an access unit with SPS and PPS (Annex B). Raises RecordingError when it cannot be read.

        `emit` takes the head, then each fragment as a whole.
        """
        self._emit = emit
        self._fragment_ticks = round(fragment_s * VIDEO_CLOCK_HZ)
        self._sound_ticks = round((fragment_s + _MAX_AHEAD_S) * VIDEO_CLOCK_HZ)
        self._video = _Samples(_VIDEO_TRACK, VIDEO_CLOCK_HZ // max(1, frame_rate))
        self._audio = _Samples(_AUDIO_TRACK, _FRAME_SAMPLES)
        self._began = 0
        """When the fragment begins, in ticks of the video clock."""
        self._bytes = 0
        self._number = 0
        emit(_head(keyframe))

    def picture(self, payload: bytes, pts: int, is_keyframe: bool) -> None:
        """One access unit at `pts` (90 kHz, larger than the one before)."""
        if not self._is_empty and (is_keyframe or pts - self._began >= self._fragment_ticks):
            self._cut(pts)
        flags = _DEPENDS_ON_NONE if is_keyframe else _DEPENDS_ON_OTHERS | NON_SYNC
        self._add(self._video, _length_prefixed(payload), pts, pts, flags)

    def sound(self, payload: bytes, pts: int) -> None:
        """20 ms of Opus at `pts` (48 kHz, larger than the one before)."""
        at = pts * VIDEO_CLOCK_HZ // AUDIO_CLOCK_HZ
        if not self._is_empty and at - self._began >= self._sound_ticks:
            self._cut()
        self._add(self._audio, payload, pts, at, _DEPENDS_ON_NONE)

    def close(self) -> None:
        """Write the last fragment."""
        if not self._is_empty:
            self._cut()

    @property
    def _is_empty(self) -> bool:
        return not (self._video.times or self._audio.times)

    def _add(self, samples: _Samples, data: bytes, pts: int, at: int, flags: int) -> None:
        if self._bytes + len(data) > _MAX_FRAGMENT_BYTES and not self._is_empty:
            self._cut()
        if self._is_empty:
            self._began = at
        self._bytes += len(data)
        samples.data.append(data)
        samples.times.append(pts)
        samples.flags.append(flags)

    def _cut(self, next_picture: int | None = None) -> None:
        """Give the fragment away; `next_picture` tells how long the last one is shown."""
        self._number += 1
        video, audio = self._video, self._audio
        runs = [run for run in (video.run(next_picture), audio.run()) if run is not None]
        self._emit(b"".join([movie_fragment(runs, self._number, self._bytes), *video.data, *audio.data]))
        video.clear()
        audio.clear()
        self._bytes = 0


class _Samples:
    """What one track has in the fragment that is being made."""

    def __init__(self, track: int, duration: int) -> None:
        """`duration` is that of a sample whose successor is not known."""
        self._track = track
        self._duration = duration
        self.data: list[bytes] = []
        self.times: list[int] = []
        self.flags: list[int] = []

    def run(self, end: int | None = None) -> Run | None:
        """Where and when they are; `end` is when the last one ends."""
        if not self.times:
            return None
        ends = [*self.times[1:], self.times[-1] + self._duration if end is None else end]
        durations = tuple(end - begin for begin, end in zip(self.times, ends, strict=True))
        return Run(self._track, self.times[0], durations, tuple(map(len, self.data)), tuple(self.flags), 0)

    def clear(self) -> None:
        """Begin anew."""
        self.data, self.times, self.flags = [], [], []


def _length_prefixed(access_unit: bytes) -> bytes:
    """An Annex B access unit as a sample: lengths in the place of start codes."""
    parts: list[bytes] = []
    for start, end in nal_units(access_unit):
        parts += _LENGTH.pack(end - start), access_unit[start:end]
    return b"".join(parts)


def _head(keyframe: bytes) -> bytes:
    """Ftyp and moov as FFmpeg writes them. Raises RecordingError."""
    written = io.BytesIO()
    try:
        # Only a demuxer gives a stream its parameter sets; the keyframe alone is a stream long enough for that.
        with av.open(io.BytesIO(keyframe), "r", format="h264") as source:
            if not source.streams.video[0].width:
                raise RecordingError("bad-keyframe")
            options = {"movflags": "empty_moov+default_base_moof"}
            with av.open(written, "w", format="mp4", options=options) as container:
                video = container.add_stream_from_template(source.streams.video[0], opaque=True)
                video.time_base = Fraction(1, VIDEO_CLOCK_HZ)
                container.add_stream("libopus", rate=AUDIO_CLOCK_HZ, layout="mono")
                container.start_encoding()
                return written.getvalue()
    except (av.error.FFmpegError, IndexError) as error:
        raise RecordingError("bad-keyframe") from error
