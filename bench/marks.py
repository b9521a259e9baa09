"""Marks that are found again on the other side of a room: tone bursts after quiet, flashes after dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from bench import packets
from caller.media import SoundEncoder
from mcu.audio.opus import OpusDecoder
from mcu.audio.pcm import level_db
from mcu.media import Codec
from mcu.rtp.cutting import cut

LOOP_S = 2.0
WIDTH, HEIGHT, RATE = 640, 360, 25
_BURST_S, _FLASH_FRAMES = 0.12, 5
_LOUD_DB, _QUIET_PACKETS = -45.0, 10
_BRIGHT, _DARK = 140.0, 90.0
_RATE_HZ = 48_000
MOST_S = 0.8
"""A mark that is not seen by then was lost."""


@dataclass(frozen=True)
class Marked:
    """A programme, and the number of its first packet that holds the mark."""

    path: Path
    packet: int


def sound(path: Path, at_s: float) -> Marked:
    """Quiet Opus with a tone burst at `at_s` of each loop."""
    time = np.arange(int(LOOP_S * _RATE_HZ)) / _RATE_HZ
    is_loud = (time >= at_s) & (time < at_s + _BURST_S)
    pcm = np.where(is_loud, 0.4 * np.sin(2 * np.pi * 1000 * time), 0.0).astype(np.float32)
    encoded = SoundEncoder(Codec.OPUS).encode(pcm)
    decoder = OpusDecoder()
    first = next(n for n, packet in enumerate(encoded) if level_db(decoder.decode(packet)) > _LOUD_DB)
    packets.write(path, packets.of_sounds(encoded), len(encoded) * 960)
    return Marked(path, first)


def picture(path: Path, at_s: float) -> Marked:
    """Dark, noisy H.264 that is bright for a fifth of a second from `at_s` of each loop."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.bit_rate = WIDTH, HEIGHT, "yuv420p", 600_000
    encoder.time_base = Fraction(1, RATE)
    encoder.options = {
        "preset": "veryfast", "tune": "zerolatency", "profile": "baseline", "g": str(RATE), "sc_threshold": "0",
        "maxrate": "600k", "bufsize": "300k",
    }  # fmt: skip
    random, first = np.random.default_rng(5), round(at_s * RATE)
    units: list[bytes] = []
    for index in range(int(LOOP_S * RATE)):
        ground = 210 if first <= index < first + _FLASH_FRAMES else 30
        grey = np.clip(random.normal(ground, 4, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(np.repeat(grey[:, :, None], 3, 2), format="rgb24")
        frame.pts = index
        units += [bytes(packet) for packet in encoder.encode(frame)]
    before = sum(len(cut(Codec.H264, unit)) for unit in units[:first])
    packets.write(path, packets.of_pictures(units, RATE), int(LOOP_S * packets.VIDEO_CLOCK_HZ))
    return Marked(path, before)


def loud(levels_db: Iterable[tuple[float, float]]) -> list[float]:
    """When sound began after quiet, of (arrival, level) of each packet."""
    found: list[float] = []
    quiet = 0
    for at_s, level in levels_db:
        if level <= _LOUD_DB:
            quiet += 1
            continue
        if quiet >= _QUIET_PACKETS:
            found.append(at_s)
        quiet = 0
    return found


def bright(tiles: Iterable[tuple[float, Sequence[float]]]) -> list[float]:
    """When a tile became bright, of (arrival, mean brightness of each tile) of each picture."""
    found: list[float] = []
    was_dark: list[bool] = []
    for at_s, levels in tiles:
        was_dark = was_dark or [False] * len(levels)
        for index, level in enumerate(levels):
            if level > _BRIGHT and was_dark[index]:
                found.append(at_s)
            was_dark[index] = level < _DARK or (was_dark[index] and level <= _BRIGHT)
    return found


def delays(sent_s: Iterable[float], seen_s: Sequence[float]) -> tuple[list[float], int]:
    """From each mark to the first time that it was seen; how many never were. Marks come apart by more than MOST_S."""
    found: list[float] = []
    missed = 0
    for sent in sent_s:
        first = min((seen - sent for seen in seen_s if 0 <= seen - sent < MOST_S), default=None)
        if first is None:
            missed += 1
        else:
            found.append(first)
    return found, missed


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
