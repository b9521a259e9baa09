"""H.263 over RTP (RFC 4629): pictures of H.263-1998 and later cut into payloads and put together again."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.rtp.h263_picture import begins_picture, joined, runs_of_groups
from mcu.rtp.pieces import MAX_PIECE_BYTES, Joined, Piece, marked

_HEADER_BYTES = 2
_HAS_START, _HAS_VRC = 0x04, 0x02


def cut(frame: bytes, max_bytes: int = MAX_PIECE_BYTES) -> list[Piece]:
    """A picture as payloads, cut at group headers where they fit, anywhere else."""
    return marked(
        [
            b"\x04\0" + frame[start + 2 : end] if frame[start : start + 2] == b"\0\0" else b"\0\0" + frame[start:end]
            for start, end in runs_of_groups(frame, max_bytes - _HEADER_BYTES, cuts_groups=True)
        ]
    )


class Depacketizer:
    """Joins payloads into pictures."""

    __slots__ = ("malformed",)

    def __init__(self) -> None:
        self.malformed = 0

    @staticmethod
    def starts_frame(payload: bytes) -> bool:
        """Whether a payload begins with a picture: P bit, then the start code without its zeros."""
        data = _unwrap(payload)
        return data is not None and begins_picture(data)

    def join(self, payloads: Sequence[bytes]) -> Joined | None:
        """The picture of a complete run of payloads, None when a header is malformed or the start is missing."""
        parts = [part for part in map(_unwrap, payloads) if part is not None]
        frame = b"".join(parts)
        if len(parts) != len(payloads) or not begins_picture(frame):
            self.malformed += 1
            return None
        return joined(frame)


def _unwrap(payload: bytes) -> bytes | None:
    """What follows the header (5.1), with the zeros that P stands for."""
    if len(payload) < _HEADER_BYTES:
        return None
    extra_header = (payload[0] & 1) << 5 | payload[1] >> 3
    start = _HEADER_BYTES + bool(payload[0] & _HAS_VRC) + extra_header
    if start > len(payload):
        return None
    return b"\0\0" + payload[start:] if payload[0] & _HAS_START else payload[start:]
