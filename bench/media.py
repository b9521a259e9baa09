"""Input of the benchmarks: moving pictures with noise and speech-like sound, encoded once, before anything is timed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, RATE = 640, 360, 25
LENGTH_S = 10
_SAMPLE_RATE = 48_000


def clip(
    path: Path, number: int, *, is_talker: bool, seconds: int = LENGTH_S, size: tuple[int, int] = (WIDTH, HEIGHT),
    bitrate_bps: int = 600_000,
) -> Path:  # fmt: skip
    """An MP4, of ten seconds unless told: H.264 at 25/s and a constant rate, Opus; it loops without a jump in size."""
    random = np.random.default_rng(number)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt, video.bit_rate = *size, "yuv420p", bitrate_bps
        video.time_base = Fraction(1, RATE)
        video.options = {
            "preset": "veryfast", "tune": "zerolatency", "profile": "baseline", "g": str(2 * RATE),
            "maxrate": str(bitrate_bps), "bufsize": str(bitrate_bps),
        }  # fmt: skip
        sound = container.add_stream("libopus", rate=_SAMPLE_RATE)
        sound.layout = "mono"
        for index in range(seconds * RATE):
            frame = av.VideoFrame.from_ndarray(_picture(number, index, random, size), format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
        samples = _speech(number, random, seconds) if is_talker else np.zeros(_SAMPLE_RATE * seconds, np.int16)
        for start in range(0, len(samples), 960):
            block = av.AudioFrame.from_ndarray(samples[start : start + 960].reshape(1, -1), "s16", "mono")
            block.sample_rate, block.pts = _SAMPLE_RATE, start
            container.mux(sound.encode(block))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return path


def colour(number: int) -> tuple[int, int, int]:
    """By which the tile of a clip is recognised."""
    return (40 + 50 * (number % 4), 50 + 60 * (number // 4 % 3), 190 - 60 * (number // 12 % 3))


def pitch_hz(number: int) -> int:
    """Of the voice of a clip; everybody has another one."""
    return 100 + 25 * number


def _picture(
    number: int, index: int, random: np.random.Generator, size: tuple[int, int]
) -> NDArray[np.uint8]:  # fmt: skip
    """A ground of the clip's colour with a person-sized shape that sways, and camera noise over all."""
    width, height = size
    y, x = np.mgrid[0 : HEIGHT : HEIGHT / height, 0 : WIDTH : WIDTH / width]
    frame = np.empty((height, width, 3), np.int16)
    frame[:] = colour(number)
    sway = 40 * np.sin(index / 9 + number)
    shape = ((x - WIDTH / 2 - sway) / 90) ** 2 + ((y - HEIGHT * 0.62) / 130) ** 2 < 1
    frame[shape] += 50
    frame[:, :, 0] += (12 * np.sin((x + index * 4) / 31)).astype(np.int16)
    frame += random.normal(0, 3, (height, width, 1)).astype(np.int16)
    return np.clip(frame, 0, 255).astype(np.uint8)


def _speech(number: int, random: np.random.Generator, seconds: int) -> NDArray[np.int16]:
    time = np.arange(_SAMPLE_RATE * seconds) / _SAMPLE_RATE
    voice = sum(np.sin(2 * np.pi * pitch_hz(number) * k * time + random.random() * 6) / k for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * (2.5 + 0.2 * number) * time), 0.05, 1)
    sound = voice / np.abs(voice).max() * syllables * 6000 + random.normal(0, 40, len(time))
    return np.asarray(sound, np.int16)
