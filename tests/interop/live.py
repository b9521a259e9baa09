"""What a program hears right now, from the WAV file that it is writing: its header does not know its length yet."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import numpy as np

from tests.interop import oracles
from tests.interop.media import Person

_HEADER_BYTES = 44
NOTHING = frozenset({"(nothing arrives)"})
"""Not even silence is written."""


async def hears(path: Path, seconds: float, people: tuple[Person, ...] = oracles.EVERYBODY) -> frozenset[str]:
    """Which of these people's tones are in the next `seconds` of the first channel.

    A header without figures means mono at 48 kHz.
    """
    start = max(_HEADER_BYTES, path.stat().st_size)
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        channels, rate = struct.unpack_from("<HI", header.ljust(_HEADER_BYTES, b"\0"), 22)
        channels, rate = channels or 1, rate or 48_000
        frame_bytes = 2 * channels
        wanted = int(seconds * rate) * frame_bytes
        for _ in range(int(3 * seconds / 0.05) + 1):
            await asyncio.sleep(0.05)
            if path.stat().st_size >= start + wanted:
                break
        else:
            return NOTHING
        file.seek(start - (start - _HEADER_BYTES) % frame_bytes)
        samples = np.frombuffer(file.read(wanted), "<i2").reshape(-1, channels)[:, 0]
    return frozenset(oracles.heard(samples, rate, people))
