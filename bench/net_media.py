"""Encoded pictures and sound for benchmarks of the net process: made once, cut and numbered like a browser's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np

from mcu.media import Codec
from mcu.rtp.cutting import cut
from mcu.rtp.packet import extension_block, header

WIDTH, HEIGHT, RATE = 640, 360, 25
BITRATE_BPS = 1_500_000
AUDIO_TYPE, VIDEO_TYPE = 111, 97
MID_ID, LEVEL_ID, TRANSPORT_CC_ID = 1, 2, 3
"""Header extensions, as the legs of these benchmarks negotiate them."""
SOUND_BYTES = 80
"""An Opus packet of 20 ms at 32 kbit/s."""
_SOUNDS = tuple(bytes((n,)) * SOUND_BYTES for n in range(256))
_LENGTH = 2 * RATE
_MID_PACKETS = 50
"""Browsers name the m-line until they are heard."""
_PAIR_US = 5_000
"""Browsers send two packets at a time, five milliseconds apart."""


@dataclass(frozen=True)
class Picture:
    """One access unit in Annex B form."""

    payload: bytes
    is_keyframe: bool


def pictures() -> list[Picture]:
    """Two seconds of moving, noisy H.264 that begin with a keyframe, about six packets each."""
    random = np.random.default_rng(7)
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.bit_rate, encoder.thread_count = Fraction(1, RATE), BITRATE_BPS, 1
    encoder.options = {
        "preset": "superfast", "tune": "zerolatency", "profile": "baseline", "g": str(_LENGTH),
        "maxrate": str(BITRATE_BPS), "bufsize": str(BITRATE_BPS // 8),
    }  # fmt: skip
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    found: list[Picture] = []
    for index in range(_LENGTH):
        wave = 128 + 60 * np.sin((x + 7 * index) / 29) + 30 * np.sin((y - 5 * index) / 17)
        noise = random.normal(0, 6, (HEIGHT, WIDTH))
        luma = np.clip(wave + noise, 0, 255).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(np.repeat(luma[:, :, None], 3, 2), format="rgb24")
        frame.pts = index
        found += [Picture(bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame)]
    return found


def uplink(
    pictures: list[Picture], ssrcs: tuple[int, int], seconds: float, sounds: Sequence[bytes] = _SOUNDS
) -> Iterator[tuple[int, bytes]]:
    """(microseconds from the start, clear RTP packet) of one browser's sound and picture, in order of time."""
    due = sorted(
        [*_sound(sounds, ssrcs[0], seconds), *_video(pictures, ssrcs[1], seconds)], key=lambda each: each.at_us
    )
    for number, packet in enumerate(due):
        yield packet.at_us, packet.serialize(number & 0xFFFF)


class _Packet(NamedTuple):
    at_us: int
    payload_type: int
    marker: bool
    sequence: int
    rtp_timestamp: int
    ssrc: int
    payload: bytes

    def serialize(self, transport_sequence: int) -> bytes:
        elements = [(TRANSPORT_CC_ID, transport_sequence.to_bytes(2, "big"))]
        is_sound = self.payload_type == AUDIO_TYPE
        if is_sound:
            elements.append((LEVEL_ID, b"\x9e"))
        if self.sequence < _MID_PACKETS:
            elements.append((MID_ID, b"0" if is_sound else b"1"))
        head = header(
            self.payload_type, self.marker, self.sequence & 0xFFFF, self.rtp_timestamp & 0xFFFFFFFF, self.ssrc,
            extension_block(elements),
        )  # fmt: skip
        return head + self.payload


def _sound(sounds: Sequence[bytes], ssrc: int, seconds: float) -> Iterator[_Packet]:
    for n in range(int(seconds * 50)):
        yield _Packet(n * 20_000, AUDIO_TYPE, n == 0, n, 960 * n, ssrc, sounds[n % len(sounds)])


def _video(pictures: list[Picture], ssrc: int, seconds: float) -> Iterator[_Packet]:
    sequence = 0
    for n in range(int(seconds * RATE)):
        for index, (payload, marker) in enumerate(cut(Codec.H264, pictures[n % len(pictures)].payload)):
            at_us = n * 1_000_000 // RATE + index // 2 * _PAIR_US
            yield _Packet(at_us, VIDEO_TYPE, marker, sequence, 3600 * n, ssrc, payload)
            sequence += 1
