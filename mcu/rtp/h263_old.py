"""H.263 over RTP as terminals from before 1998 speak it (RFC 2190, payload type 34).

Modes A, B and C are understood. Mode A, which is sent, begins every payload with a picture or a group of blocks, so the
encoder has to write group headers.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcu.rtp import bits
from mcu.rtp.h263_picture import begins_picture, joined, runs_of_groups
from mcu.rtp.pieces import MAX_PIECE_BYTES, Joined, Piece, marked

_MODE_A_BYTES, _MODE_B_BYTES, _MODE_C_BYTES = 4, 8, 12


def cut(frame: bytes, max_bytes: int = MAX_PIECE_BYTES) -> list[Piece]:
    """A picture as payloads of mode A (5.1); a group that does not fit is left whole, for the IP layer to cut."""
    header = _mode_a_header(frame)
    runs = runs_of_groups(frame, max_bytes - _MODE_A_BYTES, cuts_groups=False)
    return marked([header + frame[start:end] for start, end in runs])


def _mode_a_header(frame: bytes) -> bytes:
    """Source format, I, U, S and A out of PTYPE; no bits to leave out, no PB-frames."""
    if len(frame) < 6:
        return bytes(_MODE_A_BYTES)
    # Octet 4 holds split screen, document camera, freeze release, three bits of format, I and U; S and A follow.
    return bytes((0, (frame[4] & 0x1F) << 3 | frame[5] >> 6 << 1, 0, 0))


class Depacketizer:
    """Joins payloads into pictures."""

    __slots__ = ("malformed",)

    def __init__(self) -> None:
        self.malformed = 0

    @staticmethod
    def starts_frame(payload: bytes) -> bool:
        """Whether a payload is of mode A and begins with a picture."""
        return payload[0] < 0x80 and begins_picture(payload[_MODE_A_BYTES:])

    def join(self, payloads: Sequence[bytes]) -> Joined | None:
        """The picture of a complete run of payloads, None when one does not fit the one before."""
        parts = [(payload[_header_bytes(payload[0]) :], payload[0] >> 3 & 7, payload[0] & 7) for payload in payloads]
        frame = bits.join(parts)
        if frame is None or not begins_picture(frame):
            self.malformed += 1
            return None
        return joined(frame)


def _header_bytes(first: int) -> int:
    if first < 0x80:
        return _MODE_A_BYTES
    return _MODE_C_BYTES if first & 0x40 else _MODE_B_BYTES
