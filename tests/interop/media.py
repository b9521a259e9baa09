"""Pictures and tones made for the tests: every participant has a colour and a frequency of its own."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 640, 360


@dataclass(frozen=True)
class Person:
    """Who is recognised by what."""

    name: str
    colour: tuple[int, int, int]
    tone_hz: int


RED = Person("red", (200, 24, 36), 440)
GREEN = Person("green", (24, 160, 52), 620)
BLUE = Person("blue", (36, 56, 200), 880)
YELLOW = Person("yellow", (208, 190, 24), 1240)


def picture(person: Person, number: int) -> np.ndarray:
    """A frame of the person's colour with a bar at the lower edge that moves."""
    frame = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    frame[:] = person.colour
    left = number * 16 % (WIDTH - 40)
    frame[-24:, left : left + 40] = 255
    return frame


def y4m(person: Person, folder: Path, frames: int = 40) -> Path:
    """For Chromium's fake camera, which plays it in a loop."""
    path = folder / f"{person.name}.y4m"
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(person, number), format="rgb24").reformat(format="yuv420p")
            file.write(b"FRAME\n" + frame.to_ndarray().tobytes())
    return path


def mp4(person: Person, folder: Path, seconds: int = 180, rate: int = 25) -> Path:
    """For baresip's avformat source, which does not loop: two seconds are encoded and repeated."""
    path = folder / f"{person.name}.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(rate)}
        packets = []
        for number in range(2 * rate):
            frame = av.VideoFrame.from_ndarray(picture(person, number), format="rgb24")
            frame.pts = number
            packets += [(bytes(packet), packet.is_keyframe) for packet in stream.encode(frame)]
        for number in range(seconds * rate):
            data, is_keyframe = packets[number % len(packets)]
            packet = av.Packet(data)
            packet.stream, packet.is_keyframe = stream, is_keyframe
            packet.time_base = Fraction(1, rate)
            packet.pts = packet.dts = number
            container.mux(packet)
    return path


def wav(person: Person, folder: Path, seconds: int = 10, channels: int = 1) -> Path:
    """For Chromium's fake microphone and linphonec's file player; whole periods, so that it loops without a click."""
    path = folder / f"{person.name}-{channels}.wav"
    time = np.arange(48_000 * seconds) / 48_000
    samples = (9000 * np.sin(2 * np.pi * person.tone_hz * time)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(np.repeat(samples, channels).tobytes())
    return path
