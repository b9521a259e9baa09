"""H.261 over RTP (RFC 4587): pictures cut at groups of blocks, and payloads put together. Rooms are not sent in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from mcu.rtp import bits
from mcu.rtp.pieces import MAX_PIECE_BYTES, Joined, Piece, marked

_HEADER_BYTES = 4
_ONLY_INTRA = 0x02
_HAS_VECTORS = 0x01
_QCIF, _CIF = (176, 144), (352, 288)
_GROUPS = {_QCIF: 3, _CIF: 12}
_MAX_PICTURE_BYTES = 32_768
"""256 kbit (H.261 5.2)."""
_PICTURE_START_BITS = 20
_GROUP_START = "0" * 15 + "1"
_INTRA_GROUP = re.compile("(?!0000)[01]{9}(?:1[01]{8})*0(?:0{7}1111)*1(?:0001|0{6}1)")
"""Behind a start code: number, quantizer and spare octets of a group, then an intra macroblock (4.2.2, 4.2.3)."""
_FIRST_GROUP_BYTES = 32
"""No intra group is as short as this."""


def picture_size(picture: bytes) -> tuple[int, int] | None:
    """(width, height), None for what does not begin with a picture start code (H.261 4.2.1)."""
    if len(picture) < 4 or picture[0] or picture[1] != 1 or picture[2] >> 4:
        return None
    # 20 bits of start code, 5 of temporal reference, then split screen, document camera, freeze release, format.
    return _CIF if picture[3] >> 3 & 1 else _QCIF


def is_intra(picture: bytes, size: tuple[int, int]) -> bool:
    """Whether a picture has all its groups and each begins with an intra macroblock: so a fast update is answered.

    Nothing else tells it: H.261 has no kinds of pictures, and RTP only says whether all are intra.
    """
    if len(picture) > _MAX_PICTURE_BYTES or not _intra_groups(picture[:_FIRST_GROUP_BYTES]):
        return False
    return _intra_groups(picture) >= _GROUPS[size]


def _intra_groups(picture: bytes) -> int:
    """How many groups there are, 0 where one of them does not begin with an intra macroblock."""
    digits = f"{int.from_bytes(picture, 'big'):0{8 * len(picture)}b}"
    count = 0
    place = digits.find(_GROUP_START, _PICTURE_START_BITS)
    while place >= 0:
        place += len(_GROUP_START)
        if _INTRA_GROUP.match(digits, place) is None:
            return 0
        count += 1
        place = digits.find(_GROUP_START, place)
    return count


def cut(picture: bytes, max_bytes: int = MAX_PIECE_BYTES) -> list[Piece]:
    """A picture as payloads that begin with it or with a group (4.2); a longer group is for the IP layer to cut."""
    most_bits = 8 * (max_bytes - _HEADER_BYTES)
    runs: list[tuple[int, int]] = []
    edges = [0, *_group_starts(picture), 8 * len(picture)]
    for start, end in pairwise(edges):
        if runs and end - runs[-1][0] // 8 * 8 <= most_bits:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return marked([_payload(picture, start, end) for start, end in runs])


def _payload(picture: bytes, start: int, end: int) -> bytes:
    """Some bits of a picture in whole octets; those at the edges that are not meant are counted (4.1)."""
    before, after = start % 8, -end % 8
    header = bytes((before << 5 | after << 2 | _HAS_VECTORS, 0, 0, 0))
    return header + picture[start // 8 : (end + after) // 8]


def _group_starts(picture: bytes) -> list[int]:
    """Where groups begin, in bits; the first belongs to the header of the picture."""
    digits = f"{int.from_bytes(picture, 'big'):0{8 * len(picture)}b}"
    return [match.start() for match in re.finditer(_GROUP_START, digits) if match.start() > _PICTURE_START_BITS][1:]


class Depacketizer:
    """Joins payloads into pictures."""

    __slots__ = ("malformed",)

    def __init__(self) -> None:
        self.malformed = 0

    @staticmethod
    def starts_frame(payload: bytes) -> bool:
        """Whether a payload begins with a picture: group 0 and its start code."""
        return payload[1:2] < b"\x10" and payload[0] < 0x20 and picture_size(payload[_HEADER_BYTES:]) is not None

    def join(self, payloads: Sequence[bytes]) -> Joined | None:
        """The picture of a complete run of payloads, None when one does not fit the one before."""
        parts = [(payload[_HEADER_BYTES:], payload[0] >> 5, payload[0] >> 2 & 7) for payload in payloads if payload]
        picture = bits.join(parts)
        size = picture_size(picture) if picture is not None and len(parts) == len(payloads) else None
        if picture is None or size is None:
            self.malformed += 1
            return None
        is_whole = all(payload[0] & _ONLY_INTRA for payload in payloads) or is_intra(picture, size)
        return Joined(picture, is_whole, *(size if is_whole else (0, 0)))
