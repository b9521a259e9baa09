"""Sizes and references out of an H.264 sequence parameter set (ITU-T H.264 sections 7.3.2.1.1, 7.4.2.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

MAX_SIDE = 8192
MAX_SPS_BYTES = 4096
_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))


class _BitsEndError(ValueError):
    pass


class _Bits:
    """Bits of an RBSP, most significant first."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def read(self, count: int) -> int:
        if count > self._left:
            raise _BitsEndError
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def unsigned(self) -> int:
        """ue(v), section 9.1."""
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > 31:
                raise _BitsEndError
        return (1 << zeros) - 1 + self.read(zeros)

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
        return _read(_Bits(sps[1:].replace(b"\0\0\3", b"\0\0")))
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
