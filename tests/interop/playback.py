"""A recording as a player sees it: every picture and every sound, decoded by FFmpeg."""

from __future__ import annotations

import io
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from tests.interop.server import Administrator

RATE_HZ = 48_000


@dataclass(frozen=True)
class Playback:
    """Pictures are made small (320x180), times are seconds from the beginning of the file."""

    data: bytes
    times_s: list[float]
    pictures: list[NDArray[np.uint8]]
    sound: NDArray[np.int16]
    """48 kHz, mono, without what FFmpeg leaves out at its beginning."""
    sound_starts_s: float
    parameter_sets: bytes

    @property
    def duration_s(self) -> float:
        """From the first picture to the end of the last one."""
        return self.times_s[-1] - self.times_s[0] + 0.04

    def picture_at(self, at_s: float) -> NDArray[np.uint8]:
        """The first picture from `at_s` on in its full size."""
        with av.open(io.BytesIO(self.data)) as container:
            return next(f.to_ndarray(format="rgb24") for f in container.decode(video=0) if float(f.time) >= at_s)


def decode(data: bytes) -> Playback:
    """Decode all of an MP4 file."""
    times, pictures, blocks = [], [], []
    sound_starts = None
    resampler = av.AudioResampler("s16", "mono", RATE_HZ)
    with av.open(io.BytesIO(data)) as container:
        parameter_sets = bytes(container.streams.video[0].codec_context.extradata or b"")
        for frame in container.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                times.append(float(frame.time))
                pictures.append(frame.to_ndarray(format="rgb24", width=320, height=180))
            else:
                sound_starts = float(frame.time) if sound_starts is None else sound_starts
                blocks += [out.to_ndarray()[0] for out in resampler.resample(frame)]
    sound = np.concatenate(blocks) if blocks else np.zeros(0, np.int16)
    return Playback(data, times, pictures, sound, sound_starts or 0.0, parameter_sets)


async def fetch(administrator: Administrator, recording: str) -> bytes:
    """The whole of a recording by the API."""
    async with administrator.session.get(f"/api/v1/recordings/{recording}/media") as answer:
        assert answer.status == 200
        return await answer.read()
