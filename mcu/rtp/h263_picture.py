"""What the header of an H.263 picture tells (H.263 5.1), and where it can be cut."""

from __future__ import annotations

import re

from mcu.rtp import bits
from mcu.rtp.pieces import Joined

_START = re.compile(rb"\x00\x00[\x80-\xff]")
"""The start code of a picture or of a group of blocks, on an octet's edge (5.1.1, 5.2.2)."""
_PICTURE_START = 0x80
_FORMATS = {1: (128, 96), 2: (176, 144), 3: (352, 288), 4: (704, 576), 5: (1408, 1152)}
_EXTENDED, _CUSTOM = 7, 6


def begins_picture(data: bytes) -> bool:
    """Whether octets begin with a picture start code."""
    return data[:2] == b"\0\0" and len(data) > 2 and data[2] & 0xFC == _PICTURE_START


def runs_of_groups(frame: bytes, max_bytes: int, *, cuts_groups: bool) -> list[tuple[int, int]]:
    """Ranges of whole groups of blocks, up to `max_bytes` long; where `cuts_groups`, a longer group is cut."""
    edges = [match.start() for match in _START.finditer(frame)] or [0]
    edges[0] = 0
    runs: list[tuple[int, int]] = []
    for start, end in zip(edges, [*edges[1:], len(frame)], strict=True):
        if runs and end - runs[-1][0] <= max_bytes:
            runs[-1] = (runs[-1][0], end)
        elif cuts_groups:
            runs += [(at, min(at + max_bytes, end)) for at in range(start, end, max_bytes)]
        else:
            runs.append((start, end))
    return runs


def joined(frame: bytes) -> Joined:
    """A whole picture with what its header tells."""
    is_intra, size = picture_info(frame)
    return Joined(frame, is_intra, *(size if is_intra and size is not None else (0, 0)))


def picture_info(frame: bytes) -> tuple[bool, tuple[int, int] | None]:
    """Whether a picture needs no other one, and its size where it tells (H.263 5.1)."""
    try:
        return _read_picture(bits.BitReader(frame[:24]))
    except IndexError:
        return False, None


def _read_picture(reader: bits.BitReader) -> tuple[bool, tuple[int, int] | None]:
    if reader.read(22) != 0x20:
        return False, None
    reader.read(8 + 2 + 3)  # temporal reference, 1 and 0, split screen, document camera, freeze release
    source_format = reader.read(3)
    if source_format != _EXTENDED:
        is_intra = reader.read(1) == 0
        return is_intra, _FORMATS.get(source_format)
    return _read_extended(reader)


def _read_extended(reader: bits.BitReader) -> tuple[bool, tuple[int, int] | None]:
    """PLUSPTYPE (5.1.4), with its format only where it is repeated."""
    has_format = reader.read(3) == 1
    source_format = 0
    if has_format:
        source_format = reader.read(3)
        reader.read(15)
    is_intra = reader.read(3) == 0
    if source_format != _CUSTOM:
        return is_intra, _FORMATS.get(source_format)
    reader.read(6)  # the rest of MPPTYPE
    if reader.read(1):  # continuous presence: its indicator
        reader.read(2)
    reader.read(4)  # pixel aspect ratio
    width = (reader.read(9) + 1) * 4
    reader.read(1)
    return is_intra, (width, reader.read(9) * 4)
