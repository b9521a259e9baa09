"""AudioCapability of H.245 (B.2.2.5)."""

from __future__ import annotations

from typing import Any

from mcu.media import Codec

_NAMES = {Codec.G722: "g722-64k", Codec.PCMA: "g711Alaw64k", Codec.PCMU: "g711Ulaw64k"}
_CODECS = {name: codec for codec, name in _NAMES.items()}
PAYLOAD_TYPES = {Codec.PCMU: 0, Codec.PCMA: 8, Codec.G722: 9}
"""Static ones (RFC 3551 6)."""
_MOST_FRAMES = 256


def write(codec: Codec, frames: int) -> tuple[str, int]:
    """At most so many frames of 1 ms in a packet."""
    return (_NAMES[codec], min(max(frames, 1), _MOST_FRAMES))


def read(value: Any) -> tuple[Codec, int] | None:
    """Codec and frames in a packet; None for what we do not speak."""
    name, body = value
    codec = _CODECS.get(name)
    return None if codec is None else (codec, body)
