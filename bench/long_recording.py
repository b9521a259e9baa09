"""Packets of a recording of any length, not in real time: eight seconds of sound and picture, over and over."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np

from mcu.audio.opus import OpusEncoder
from mcu.media import Codec, Kind, stream_id
from mcu.worker.channel import Frame

LEG = 7
SIZE, FRAME_RATE, BITRATE_BPS = (1280, 720), 25, 1_500_000
_MADE_S, _KEYFRAME_S = 8, 4
_STEP_US = 20_000


class Packets:
    """Encoded once, repeated at will."""

    def __init__(self) -> None:
        self._pictures = list(_pictures())
        self._sounds = list(_sounds())

    def frames(self, seconds: float) -> Iterator[Frame]:
        """Both streams of a recorder leg in the order of their capture."""
        picture_of, sound_of = stream_id(LEG, Kind.VIDEO), stream_id(LEG, Kind.AUDIO)
        for step in range(round(seconds * 1e6 / _STEP_US)):
            at_us = step * _STEP_US
            if step % 2 == 0:
                payload, is_keyframe = self._pictures[step // 2 % len(self._pictures)]
                yield Frame(picture_of, Codec.H264, payload, 0, capture_us=at_us, is_keyframe=is_keyframe)
            yield Frame(sound_of, Codec.OPUS, self._sounds[step % len(self._sounds)], 0, step & 0xFFFF, at_us)


def _pictures() -> Iterator[tuple[bytes, bool]]:
    """Access units of noise that changes, so that the encoder uses all of its rate."""
    width, height = SIZE
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FRAME_RATE), Fraction(FRAME_RATE)
    encoder.bit_rate, encoder.gop_size = BITRATE_BPS, _KEYFRAME_S * FRAME_RATE
    rate = f"scenecut=0:vbv-maxrate={BITRATE_BPS // 1000}:vbv-bufsize={BITRATE_BPS // 1000}"
    encoder.options = {"preset": "superfast", "tune": "zerolatency", "x264-params": rate}
    chance = np.random.default_rng(7)
    for number in range(_MADE_S * FRAME_RATE):
        picture = np.full((height * 3 // 2, width), 128, np.uint8)
        noise = chance.integers(16, 235, (height // 40, width // 40), np.uint8)
        picture[:height] = noise.repeat(40, 0).repeat(40, 1)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        yield from ((bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame))


def _sounds() -> Iterator[bytes]:
    """Opus packets of noise."""
    encoder, chance = OpusEncoder(), np.random.default_rng(8)
    for _ in range(_MADE_S * 50):
        yield encoder.encode(chance.normal(0, 0.1, 960).astype(np.float32))
