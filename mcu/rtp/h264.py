"""H.264 over RTP (RFC 6184): access units cut into payloads and put together again, modes 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.rtp.h264_sps import picture_size
from mcu.rtp.pieces import MAX_PIECE_BYTES, Joined, Piece, marked

SLICE, IDR, SEI, SPS, PPS, AUD, FILLER = 1, 5, 6, 7, 8, 9, 12
STAP_A, FU_A = 24, 28
START_CODE = b"\0\0\0\1"
MAX_PARAMETER_SETS = 8
MAX_PARAMETER_BYTES = 4096
MAX_UNITS = 2048
"""NAL units of one picture; the largest picture in small slices has a few hundred. What follows is left out."""

_FU_START, _FU_END = 0x80, 0x40


def nal_units(access_unit: bytes) -> list[tuple[int, int]]:
    """Ranges [start, end) of the NAL units of an Annex B byte stream, without start codes and trailing zeros."""
    units = []
    found = access_unit.find(b"\0\0\1")
    while found >= 0:
        start = found + 3
        found = access_unit.find(b"\0\0\1", start)
        end = len(access_unit) if found < 0 else found
        while end > start and not access_unit[end - 1]:
            end -= 1
        if end > start:
            units.append((start, end))
    return units


def cut(access_unit: bytes, max_bytes: int = MAX_PIECE_BYTES, mode: int = 1) -> list[Piece]:
    """An Annex B access unit as payloads.

    Mode 1: small units share a STAP-A, large ones become FU-A fragments of exactly `max_bytes`, except the last.
    Mode 0: one unit a packet; a unit over `max_bytes` goes out as it is, since nothing else is allowed (6.2): the
    encoder is the one who limits slices. Delimiters and filler are left out.
    """
    view = memoryview(access_unit)
    units = [
        (start, end) for start, end in nal_units(access_unit) if access_unit[start] & 0x1F not in (AUD, FILLER)
    ]  # fmt: skip
    if mode == 0:
        return marked([access_unit[start:end] for start, end in units])
    payloads: list[bytes] = []
    small: list[memoryview] = []
    small_bytes = 1
    for start, end in units:
        size = end - start
        if size + 2 + small_bytes > max_bytes and small:
            payloads.append(_aggregate(small))
            small, small_bytes = [], 1
        if size <= max_bytes:
            small.append(view[start:end])
            small_bytes += size + 2
        else:
            _fragment(view[start:end], max_bytes, payloads)
    if small:
        payloads.append(_aggregate(small))
    return marked(payloads)


def is_keyframe(access_unit: bytes) -> bool:
    """Whether an Annex B access unit holds an IDR slice."""
    return any(access_unit[start] & 0x1F == IDR for start, _ in nal_units(access_unit))


def starts_frame(payload: bytes) -> bool:
    """Whether a payload can be the first of an access unit, judged without its neighbours (7.4.1.2.3 of H.264)."""
    kind = payload[0] & 0x1F
    if kind == STAP_A:
        return len(payload) > 4 and _first_unit(payload[3] & 0x1F, payload[4])
    if kind == FU_A:
        return len(payload) > 2 and payload[1] & _FU_START != 0 and _first_unit(payload[1] & 0x1F, payload[2])
    return len(payload) > 1 and _first_unit(kind, payload[1])


class Depacketizer:
    """Joins payloads into Annex B access units; remembers parameter sets, for senders that send them apart."""

    __slots__ = ("_measured", "_pps", "_size", "_sps", "malformed")

    def __init__(self) -> None:
        self._sps = b""
        self._pps: list[bytes] = []
        self._size: tuple[int, int] | None = None
        self._measured = b""
        self.malformed = 0

    @staticmethod
    def starts_frame(payload: bytes) -> bool:
        """Whether a payload can be the first of an access unit."""
        return starts_frame(payload)

    def join(self, payloads: Sequence[bytes]) -> Joined | None:
        """The access unit of a complete run of payloads; None when it holds no picture (parameter sets are kept)."""
        parts: list[bytes] = []
        kinds: set[int] = set()
        for payload in payloads:
            kind = payload[0] & 0x1F
            if kind == FU_A:
                self._fragment(payload, parts, kinds)
            elif kind == STAP_A:
                self._aggregation(payload, parts, kinds)
            elif 1 <= kind <= 23:
                self._unit(payload, parts, kinds)
            else:
                self.malformed += 1
        if not any(SLICE <= kind <= IDR for kind in kinds):
            return None
        has_idr = IDR in kinds
        if has_idr and SPS not in kinds and self._sps:
            parts[:0] = [START_CODE + unit for unit in (self._sps, *self._pps)]
        width, height = self._measure() if has_idr else (0, 0)
        return Joined(b"".join(parts), has_idr and bool(self._sps), width, height)

    def _unit(self, unit: bytes, parts: list[bytes], kinds: set[int]) -> None:
        kind = unit[0] & 0x1F
        kinds.add(kind)
        if kind == SPS:
            self._keep_sps(unit)
        elif kind == PPS:
            self._keep_pps(unit)
        parts.append(START_CODE)
        parts.append(unit)

    def _aggregation(self, payload: bytes, parts: list[bytes], kinds: set[int]) -> None:
        position, end = 1, len(payload)
        while position + 2 < end:
            size = payload[position] << 8 | payload[position + 1]
            position += 2
            if not size or position + size > end or len(parts) >= 2 * MAX_UNITS:
                self.malformed += 1
                return
            self._unit(payload[position : position + size], parts, kinds)
            position += size

    def _fragment(self, payload: bytes, parts: list[bytes], kinds: set[int]) -> None:
        if len(payload) < 3:
            self.malformed += 1
            return
        head = payload[1]
        if head & _FU_START:
            kinds.add(head & 0x1F)
            parts.append(START_CODE + bytes((payload[0] & 0xE0 | head & 0x1F,)))
        elif not parts:
            self.malformed += 1
            return
        parts.append(payload[2:])

    def _keep_sps(self, unit: bytes) -> None:
        if unit != self._sps and len(unit) <= MAX_PARAMETER_BYTES:
            self._sps, self._pps = unit, []

    def _measure(self) -> tuple[int, int]:
        """The size in the parameter set that holds now: read where a picture needs it, not for each that comes."""
        if self._measured != self._sps:
            self._measured, self._size = self._sps, picture_size(self._sps)
        return self._size or (0, 0)

    def _keep_pps(self, unit: bytes) -> None:
        if unit not in self._pps and len(unit) <= MAX_PARAMETER_BYTES:
            self._pps = [*self._pps, unit][-MAX_PARAMETER_SETS:]


def _first_unit(kind: int, first_byte: int) -> bool:
    # A slice opens a picture when first_mb_in_slice, ue(v), is 0: its first bit is 1.
    if kind in (SLICE, IDR):
        return first_byte >= 0x80
    return kind in (SPS, AUD)


def _aggregate(units: Sequence[memoryview]) -> bytes:
    """One unit as it is, several as a STAP-A whose NRI is the highest of them (5.7.1)."""
    if len(units) == 1:
        return bytes(units[0])
    parts: list[bytes | memoryview] = [bytes((STAP_A | max(unit[0] & 0x60 for unit in units),))]
    for unit in units:
        parts.append(len(unit).to_bytes(2, "big"))
        parts.append(unit)
    return b"".join(parts)


def _fragment(unit: memoryview, max_bytes: int, payloads: list[bytes]) -> None:
    """FU-A fragments (5.8), every one but the last of `max_bytes`."""
    indicator, kind = unit[0] & 0xE0 | FU_A, unit[0] & 0x1F
    step = max_bytes - 2
    end = len(unit)
    for start in range(1, end, step):
        flags = (_FU_START if start == 1 else 0) | (_FU_END if start + step >= end else 0)
        payloads.append(b"".join((bytes((indicator, flags | kind)), unit[start : start + step])))
