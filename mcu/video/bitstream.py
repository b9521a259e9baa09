"""What must be known of a coded picture before it is decoded: size, references (H.264 7.3, RFC 6386 9.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mcu.media import Codec
from mcu.rtp import h263_picture, h264_sps

NAL_SLICE_IDR = 5
NAL_SEI = 6
NAL_SPS = 7
NAL_PPS = 8
_START_CODE = b"\x00\x00\x01"
_SPS_START = re.compile(rb"\x00\x00\x01[\x07\x27\x47\x67\x87\xa7\xc7\xe7]")
"""A sequence parameter set in whatever reference rank, forbidden bit set or not."""
_MAX_NALS = 1024
_MAX_PARAMETER_SETS = 32
"""As many as there are seq_parameter_set_id (7.4.2.1.1)."""
_MAX_DPB_MACROBLOCKS = 696_320
"""Table A-1, level 6.2: the most that any level lets a stream keep as reference pictures."""
_H263 = (Codec.H263, Codec.H263_1996)
_VP8_START_CODE = b"\x9d\x01\x2a"


class BitstreamError(ValueError):
    """A header that cannot be read."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Size of the coded pictures of a stream, and how many of them it keeps."""

    width: int
    height: int
    references: int = 1

    def fits(self, max_width: int, max_height: int) -> bool:
        """Whether the size is within bounds and the references are within what the highest level allows."""
        macroblocks = -(-self.width // 16) * -(-self.height // 16)
        return (
            0 < self.width <= max_width
            and 0 < self.height <= max_height
            and macroblocks * self.references <= _MAX_DPB_MACROBLOCKS
        )


def split_nals(data: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B access unit, without start codes; at most 1024."""
    start = data.find(_START_CODE)
    for _ in range(_MAX_NALS):
        if start < 0:
            return
        start += len(_START_CODE)
        end = data.find(_START_CODE, start)
        nal = data[start : end if end >= 0 else len(data)].rstrip(b"\x00")  # trailing_zero_8bits, B.1.1
        if nal:
            yield nal
        start = end


def without_sei(data: bytes) -> bytes:
    """The access unit without supplemental information, in which encoders print their settings."""
    return b"".join(b"\x00" + _START_CODE + nal for nal in split_nals(data) if nal[0] & 0x1F != NAL_SEI)


def is_keyframe(codec: Codec, data: bytes) -> bool:
    """Whether decoding can start here; with H.261 it can anywhere."""
    if codec is Codec.VP8:
        return len(data) >= 10 and not data[0] & 1
    if codec in _H263:
        return h263_picture.picture_info(data)[0]
    if codec is Codec.H261:
        return True
    return any(nal[0] & 0x1F == NAL_SLICE_IDR for nal in split_nals(data))


def geometries(codec: Codec, data: bytes) -> list[Geometry]:
    """Every size that this frame announces; none for most frames. Raises BitstreamError."""
    if codec is Codec.VP8:
        return [_vp8_geometry(data)] if is_keyframe(codec, data) else []
    if codec in _H263:
        size = h263_picture.picture_info(data)[1]
        return [Geometry(*size)] if size else []
    if codec is Codec.H261:
        return []  # its two sizes are in anybody's bounds
    return [parse_sps(nal) for nal in _parameter_sets(data)]


def _parameter_sets(data: bytes) -> set[bytes]:
    """All different ones, however far behind: the decoder would read them. Raises BitstreamError for too many."""
    found: set[bytes] = set()
    for count, match in enumerate(_SPS_START.finditer(data)):
        if count >= _MAX_PARAMETER_SETS:
            raise BitstreamError("too many sequence parameter sets")
        start = match.start() + len(_START_CODE)
        end = data.find(_START_CODE, start)
        found.add(data[start : end if end >= 0 else len(data)].rstrip(b"\x00"))
    return found


def parse_sps(nal: bytes) -> Geometry:
    """Coded size and references from a sequence parameter set (7.3.2.1.1). Raises BitstreamError."""
    found = h264_sps.parse(nal)
    if found is None:
        raise BitstreamError("sequence parameter set")
    return Geometry(found.coded_width, found.coded_height, max(1, found.references))


def _vp8_geometry(data: bytes) -> Geometry:
    if data[3:6] != _VP8_START_CODE:
        raise BitstreamError("VP8 start code")
    width = int.from_bytes(data[6:8], "little") & 0x3FFF
    height = int.from_bytes(data[8:10], "little") & 0x3FFF
    return Geometry(width, height)
