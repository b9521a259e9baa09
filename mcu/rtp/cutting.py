"""Encoded frames of any codec into RTP payloads."""

from __future__ import annotations

from mcu.media import Codec
from mcu.rtp import h261, h263, h263_old, h264, vp8
from mcu.rtp.pieces import MAX_PIECE_BYTES, Piece


def cut(
    codec: Codec, frame: bytes, max_bytes: int = MAX_PIECE_BYTES, mode: int = 1, picture_id: int = 0
) -> list[Piece]:  # fmt: skip
    """The payloads of one frame. `mode` is H.264's packetization-mode, `picture_id` VP8's; audio is one piece."""
    if codec == Codec.H264:
        return h264.cut(frame, max_bytes, mode)
    if codec == Codec.VP8:
        return vp8.cut(frame, max_bytes, picture_id)
    if codec == Codec.H263:
        return h263.cut(frame, max_bytes)
    if codec == Codec.H263_1996:
        return h263_old.cut(frame, max_bytes)
    if codec == Codec.H261:
        return h261.cut(frame, max_bytes)
    return [Piece(frame, False)]
