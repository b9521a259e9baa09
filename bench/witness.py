"""Whether the output is what it should be: every tile of the picture, every talker's voice in the mix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from bench import media, packets
from mcu.audio.opus import OpusDecoder
from mcu.layout import rectangles
from mcu.media import Codec
from mcu.policy import LayoutMode
from mcu.rtp.frames import FrameAssembler

_RATE_HZ = 48_000
_HARMONICS = range(1, 9)
_WIDTH_HZ = 0.5
_NEIGHBOURHOOD_HZ = 9.0
_PROMINENCE = 6.0
"""A voice's harmonic has that many times the power of what lies beside it."""
_LOOKED_AT_COLUMNS, _LOOKED_AT_ROWS = (1 / 20, 1 / 6), (5 / 9, 3 / 4)
"""Of a tile."""


def grid(count: int) -> tuple[int, int]:
    """Columns and rows of equal tiles for so many people."""
    columns = next(n for n in range(1, 100) if n * n >= count)
    return columns, -(-count // columns)


@dataclass(frozen=True)
class Seen:
    """A decoded picture, and when its first and its last packet came."""

    first_s: float
    last_s: float
    frame: av.VideoFrame


def pictures(dump: Path) -> Iterator[Seen]:
    """The pictures of a dumped H.264 stream, from its first keyframe on."""
    assembler, decoder = FrameAssembler(Codec.H264, False), av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    first_at: dict[int, float] = {}
    is_open = False
    for each in packets.received(dump):
        first_at.setdefault(each.packet.timestamp, each.at_s)
        packet = each.packet
        assembler.receive(
            packet.sequence, packet.timestamp, packet.marker, packet.payload, int(each.at_s * 1e6)
        )  # fmt: skip
        while (frame := assembler.next_frame()) is not None:
            is_open = is_open or frame.is_keyframe
            if is_open:
                for picture in decoder.decode(av.Packet(frame.payload)):
                    yield Seen(first_at[frame.rtp_timestamp], each.at_s, picture)


def sounds(dump: Path) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """(arrival, samples at 48 kHz) of every packet of a dumped Opus stream."""
    decoder = OpusDecoder()
    for each in packets.received(dump):
        yield each.at_s, decoder.decode(bytes(each.packet.payload))


def unseen(dump: Path, count: int) -> str:
    """Why not every clip of bench.media is in a tile of its own in the last picture; "" when each is."""
    last = None
    for seen in pictures(dump):
        last = seen.frame
    if last is None:
        return "no picture could be decoded"
    found = set(tiles(last.to_ndarray(format="rgb24").astype(np.uint8), count))
    return "" if len(found) == count else f"only {len(found)} of {count} tiles were seen"


def tiles(picture: NDArray[np.uint8], count: int) -> Iterator[int]:
    """The clip whose colour each tile of a grid has, by a part beside the person and clear of labels and signs."""
    colours = np.array([media.colour(number) for number in range(count)], np.float32)
    for seat in rectangles(LayoutMode.GRID, count):
        inside = picture[_pixels(seat.y, seat.height, picture.shape[0], _LOOKED_AT_ROWS)]
        inside = inside[:, _pixels(seat.x, seat.width, picture.shape[1], _LOOKED_AT_COLUMNS)]
        distances = np.linalg.norm(colours - np.median(inside.reshape(-1, 3), 0).astype(np.float32), axis=1)
        yield int(np.argmin(distances))


def _pixels(start: float, length: float, whole: int, part: tuple[float, float]) -> slice:
    """Which of `whole` pixels are a part of what begins at `start`, both in fractions."""
    first, last = (round((start + length * share) * whole) for share in part)
    return slice(first, last)


def unheard(dump: Path, talkers: Sequence[int]) -> str:
    """Whose voice of bench.media is not in the sound; "" when each is."""
    blocks = [samples for _, samples in sounds(dump)]
    if not blocks:
        return "no sound came"
    missing = [number for number in talkers if not is_heard(np.concatenate(blocks), number, talkers)]
    return f"talkers {', '.join(map(str, missing))} were not heard" if missing else ""


def is_heard(sound: NDArray[np.float32], number: int, talkers: Sequence[int]) -> bool:
    """Whether two of the harmonics that only this voice has stand out."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    frequencies = np.fft.rfftfreq(len(sound), 1 / _RATE_HZ)
    others = {media.pitch_hz(other) * k for other in talkers if other != number for k in range(1, 30)}
    own = [media.pitch_hz(number) * k for k in _HARMONICS if media.pitch_hz(number) * k not in others]
    found = 0
    for frequency in own:
        distance = np.abs(frequencies - frequency)
        peak = power[distance <= _WIDTH_HZ].max()
        beside = np.median(power[(distance > _WIDTH_HZ) & (distance <= _NEIGHBOURHOOD_HZ)])
        found += bool(peak > _PROMINENCE * beside)
    return found >= 2
