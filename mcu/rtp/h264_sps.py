"""Sizes and references out of an H.264 sequence parameter set (ITU-T H.264 sections 7.3.2.1.1, 7.4.2.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

MAX_SIDE = 8192
MAX_SPS_BYTES = 4096
_READ_BYTES = 1024
"""All that is read of one lies before: scaling lists are the longest part."""
_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))


class _BitsEndError(ValueError):
    pass


class _Bits:
    """Bits of an RBSP, most significant first; as text, so that each number costs its own length alone."""

    __slots__ = ("_position", "_text")

    def __init__(self, data: bytes) -> None:
        self._text = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"
        self._position = 0

    def read(self, count: int) -> int:
        start = self._position
        self._position = end = start + count
        if end > len(self._text):
            raise _BitsEndError
        return int(self._text[start:end], 2) if count else 0

    def unsigned(self) -> int:
        """ue(v), section 9.1."""
        one = self._text.find("1", self._position, self._position + 32)
        if one < 0:
            raise _BitsEndError
        zeros = one - self._position
        self._position = one
        return self.read(zeros + 1) - 1

    def signed(self) -> int:
        """se(v), section 9.1.1."""
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)


@dataclass(frozen=True, slots=True)
class SequenceParameterSet:
    """What is needed of one; sizes in pixels, not yet checked against any bound."""

    coded_width: int
    coded_height: int
    references: int
    """max_num_ref_frames."""
    width: int
    """After cropping; so is `height`."""
    height: int


def parse(sps: bytes) -> SequenceParameterSet | None:
    """The fields of a NAL unit of type 7, header byte included; None where it is cut off or makes no sense."""
    if not 4 <= len(sps) <= MAX_SPS_BYTES:
        return None
    try:
        return _read(_Bits(sps[1:_READ_BYTES].replace(b"\0\0\3", b"\0\0")))
    except _BitsEndError:
        return None


def picture_size(sps: bytes) -> tuple[int, int] | None:
    """(width, height) after cropping, None where it makes no sense or is beyond 8192."""
    found = parse(sps)
    if found is None or not (0 < found.width <= MAX_SIDE and 0 < found.height <= MAX_SIDE):
        return None
    return found.width, found.height


def _read(bits: _Bits) -> SequenceParameterSet:
    profile = bits.read(8)
    bits.read(16)
    bits.unsigned()  # seq_parameter_set_id
    chroma = _read_chroma(bits) if profile in _HIGH_PROFILES else 1
    bits.unsigned()  # log2_max_frame_num_minus4
    _skip_order_count(bits)
    references = bits.unsigned()
    bits.read(1)
    width_mbs = bits.unsigned() + 1
    height_units = bits.unsigned() + 1
    frame_mbs_only = bits.read(1)
    if not frame_mbs_only:
        bits.read(1)
    bits.read(1)
    width, height = width_mbs * 16, height_units * 16 * (2 - frame_mbs_only)
    cropped_x, cropped_y = _read_cropping(bits, chroma, frame_mbs_only)
    return SequenceParameterSet(width, height, references, width - cropped_x, height - cropped_y)


def _read_cropping(bits: _Bits, chroma: int, frame_mbs_only: int) -> tuple[int, int]:
    if not bits.read(1):
        return 0, 0
    left, right, top, bottom = (bits.unsigned() for _ in range(4))
    # Table 6-1: crop units depend on the chroma format.
    unit_x = 2 if chroma in (1, 2) else 1
    unit_y = (2 if chroma == 1 else 1) * (2 - frame_mbs_only)
    return (left + right) * unit_x, (top + bottom) * unit_y


def _read_chroma(bits: _Bits) -> int:
    chroma = bits.unsigned()
    if chroma == 3:
        bits.read(1)
    bits.unsigned()
    bits.unsigned()
    bits.read(1)
    if bits.read(1):
        for index in range(12 if chroma == 3 else 8):
            if bits.read(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _skip_order_count(bits: _Bits) -> None:
    kind = bits.unsigned()
    if kind == 0:
        bits.unsigned()
    elif kind == 1:
        bits.read(1)
        bits.signed()
        bits.signed()
        count = bits.unsigned()
        if count > 255:
            raise _BitsEndError
        for _ in range(count):
            bits.signed()
