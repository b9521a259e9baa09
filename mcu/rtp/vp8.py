"""VP8 over RTP (RFC 7741): frames cut into payloads and put together again."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.rtp.pieces import MAX_PIECE_BYTES, Joined, Piece, marked

MAX_SIDE = 8192
_START = 0x10
_KEYFRAME_START = b"\x9d\x01\x2a"  # RFC 6386 9.1


def cut(frame: bytes, max_bytes: int = MAX_PIECE_BYTES, picture_id: int = 0) -> list[Piece]:
    """A frame as payloads of equal size except the last, under a 15-bit picture id (4.2)."""
    step = max_bytes - 4
    tail = (0x80, 0x80 | picture_id >> 8 & 0x7F, picture_id & 0xFF)
    first, others = bytes((0x80 | _START, *tail)), bytes((0x80, *tail))
    view = memoryview(frame)
    return marked(
        [b"".join((others if start else first, view[start : start + step])) for start in range(0, len(frame), step)]
    )


def is_keyframe(frame: bytes) -> bool:
    """Whether a frame is a keyframe (RFC 6386 9.1: the lowest bit of the frame tag is 0)."""
    return len(frame) >= 10 and not frame[0] & 1 and frame[3:6] == _KEYFRAME_START


def picture_size(frame: bytes) -> tuple[int, int] | None:
    """(width, height) out of a keyframe, None for other frames and for sizes beyond all bounds."""
    if not is_keyframe(frame):
        return None
    width = (frame[7] << 8 | frame[6]) & 0x3FFF
    height = (frame[9] << 8 | frame[8]) & 0x3FFF
    return (width, height) if 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE else None


def descriptor_bytes(payload: bytes) -> int:
    """Length of the payload descriptor (4.2), -1 where it is cut short or nothing follows it."""
    size = len(payload)
    position = 1
    if size and payload[0] & 0x80:
        if size < 2:
            return -1
        flags = payload[1]
        position = 2
        if flags & 0x80:
            if size < 3:
                return -1
            position += 2 if payload[2] & 0x80 else 1
        position += (flags >> 6 & 1) + (1 if flags & 0x30 else 0)
    return position if position < size else -1


class Depacketizer:
    """Joins payloads into frames."""

    __slots__ = ("malformed",)

    def __init__(self) -> None:
        self.malformed = 0

    @staticmethod
    def starts_frame(payload: bytes) -> bool:
        """Whether a payload is the first of a frame: S bit and partition 0 (4.2)."""
        return payload[0] & 0x17 == _START

    def join(self, payloads: Sequence[bytes]) -> Joined | None:
        """The frame of a complete run of payloads, None when a descriptor is malformed or the start is missing."""
        parts = []
        for payload in payloads:
            start = descriptor_bytes(payload)
            if start < 0:
                self.malformed += 1
                return None
            parts.append(payload[start:])
        if not parts or not self.starts_frame(payloads[0]):
            self.malformed += 1
            return None
        frame = b"".join(parts)
        size = picture_size(frame)
        return Joined(frame, size is not None, *(size or (0, 0)))
