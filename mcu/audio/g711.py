"""G.711 A-law and mu-law by tables (ITU-T G.711 tables 1a, 1b, 2a, 2b)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mcu.audio.pcm import Pcm, from_int16, to_int16

RATE_HZ = 8_000
_ULAW_BIAS = 132
_ALAW_TOGGLE = 0x55


def decode_ulaw(payload: bytes) -> Pcm:
    """Samples at 8 kHz."""
    return ULAW_TO_PCM[np.frombuffer(payload, np.uint8)]


def decode_alaw(payload: bytes) -> Pcm:
    """Samples at 8 kHz."""
    return ALAW_TO_PCM[np.frombuffer(payload, np.uint8)]


def encode_ulaw(pcm: Pcm) -> bytes:
    """One byte for each 8 kHz sample."""
    return _PCM_TO_ULAW[to_int16(pcm).view(np.uint16)].tobytes()


def encode_alaw(pcm: Pcm) -> bytes:
    """One byte for each 8 kHz sample."""
    return _PCM_TO_ALAW[to_int16(pcm).view(np.uint16)].tobytes()


def _expand_ulaw() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + _ULAW_BIAS) << ((code >> 4) & 7)
    return np.where(code & 0x80, _ULAW_BIAS - magnitude, magnitude - _ULAW_BIAS).astype(np.int16)


def _expand_alaw() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ _ALAW_TOGGLE
    segment = (code >> 4) & 7
    mantissa = ((code & 0x0F) << 4) + 8
    magnitude = np.where(segment == 0, mantissa, (mantissa + 0x100) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _compress(expanded: NDArray[np.int16]) -> NDArray[np.uint8]:
    """For each 16-bit pattern the code whose value is nearest: the inverse of an expansion table."""
    order = np.argsort(expanded, kind="stable")
    values = expanded[order].astype(np.int32)
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    above = np.clip(np.searchsorted(values, samples), 1, 255)
    is_lower_nearer = samples - values[above - 1] < values[above] - samples
    return order[np.where(is_lower_nearer, above - 1, above)].astype(np.uint8)


ULAW_TO_PCM = from_int16(_expand_ulaw())
ALAW_TO_PCM = from_int16(_expand_alaw())
_PCM_TO_ULAW = _compress(_expand_ulaw())
_PCM_TO_ALAW = _compress(_expand_alaw())
