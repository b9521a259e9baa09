"""How loud packets of G.711 are, told from their bytes: most of a room is silent and need not be decoded to know it.

Terminals of G.711 hardly ever tell levels (RFC 6464). Here those of all packets of a tick are measured together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mcu.audio import g711
from mcu.audio.pcm import SILENT_DB
from mcu.media import Codec
from mcu.worker.channel import NO_LEVEL, Frame

_VALUES = {Codec.PCMU: g711.ULAW_TO_PCM, Codec.PCMA: g711.ALAW_TO_PCM}
_BLOCK = 160
"""20 ms: in a longer packet the beginning of a word must not drown in the silence before it."""
_LEAST_POWER = 10.0 ** (SILENT_DB / 10.0)


def measure(frames: Sequence[Frame]) -> dict[int, int]:
    """Index to level in -dBov (0..127) of each frame of G.711 that tells none; direct current does not count."""
    groups: dict[tuple[Codec, int], list[int]] = {}
    for index, frame in enumerate(frames):
        if frame.level == NO_LEVEL and frame.codec in _VALUES and frame.payload:
            groups.setdefault((frame.codec, len(frame.payload)), []).append(index)
    levels: dict[int, int] = {}
    for (codec, length), members in groups.items():
        codes = np.frombuffer(b"".join([frames[index].payload for index in members]), np.uint8)
        block = length if length % _BLOCK else _BLOCK
        sound = _VALUES[codec][codes].reshape(len(members), -1, block)
        levels.update(zip(members, _levels(sound), strict=True))
    return levels


def _levels(sound: NDArray[np.float32]) -> list[int]:
    """The level of the loudest row of each packet, as the packet would tell it."""
    power = np.einsum("ijk,ijk->ij", sound, sound) / sound.shape[2] - sound.mean(axis=2) ** 2
    levels: list[int] = np.rint(-10.0 * np.log10(np.maximum(power.max(axis=1), _LEAST_POWER))).astype(int).tolist()
    return levels
