"""Pictures and sound as the net process hands them to the recorder: flash and beep every second, a moving bar."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import av
import numpy as np

from mcu.audio.opus import OpusEncoder
from mcu.media import Codec, Kind, stream_id
from mcu.worker.channel import Frame

LEG = 7
START_US = 5_000_000_000
FRAME_RATE = 25


@cache
def pictures(seconds: int, width: int = 320, height: int = 180) -> tuple[tuple[bytes, bool], ...]:
    """H.264 access units with a keyframe every 4 s; the first picture of each second is white."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FRAME_RATE), Fraction(FRAME_RATE)
    encoder.gop_size = 100
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0"}
    made = []
    for number in range(seconds * FRAME_RATE):
        picture = np.full((height * 3 // 2, width), 128, np.uint8)
        picture[:height] = 235 if number % FRAME_RATE == 0 else 30
        picture[:height, number % (width // 2)] = 200
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        made += [(bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame)]
    return tuple(made)


@cache
def sounds(seconds: int) -> tuple[bytes, ...]:
    """Opus packets; the first 40 ms of each second are a beep of 1 kHz."""
    encoder = OpusEncoder()
    made = []
    for number in range(seconds * 50):
        time_s = (number * 960 + np.arange(960)) / 48_000
        beep = 0.5 * np.sin(2 * np.pi * 1000 * time_s) * (number % 50 < 2)
        made.append(encoder.encode(beep.astype(np.float32)))
    return tuple(made)


def frames(seconds: int, first_second: int = 0, leg: int = LEG, size: tuple[int, int] = (320, 180)) -> list[Frame]:
    """Both streams of a recorder leg in the order of their capture."""
    made = []
    for number, (payload, is_keyframe) in enumerate(pictures(seconds, *size)):
        capture_us = START_US + first_second * 1_000_000 + number * 40_000
        made.append(
            Frame(
                stream_id(leg, Kind.VIDEO), Codec.H264, payload, capture_us * 9 // 100 & 0xFFFFFFFF,
                capture_us=capture_us, is_keyframe=is_keyframe,
            )
        )  # fmt: skip
    for number, payload in enumerate(sounds(seconds)):
        capture_us = START_US + first_second * 1_000_000 + number * 20_000
        made.append(
            Frame(
                stream_id(leg, Kind.AUDIO), Codec.OPUS, payload, capture_us * 48 // 1000 & 0xFFFFFFFF,
                number & 0xFFFF, capture_us,
            )
        )  # fmt: skip
    return sorted(made, key=lambda frame: frame.capture_us)
