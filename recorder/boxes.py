"""Reading the structure of a fragmented MP4 file (ISO/IEC 14496-12): boxes, fragments and their times."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recorder.errors import BadFileError

ReadAt = Callable[[int, int], bytes]
"""(offset, length) -> at most `length` bytes of the clear file."""

MAX_BOX_BYTES = 1 << 20
"""Longest box that is read whole (moov, moof); media data are only skipped."""
_CONTAINERS = frozenset((b"moov", b"trak", b"mdia", b"moof", b"traf", b"mvex"))
_SYNC_MASK = 0x00010000
"""sample_is_non_sync_sample (8.8.3.1)."""

# tfhd (8.8.7) and trun (8.8.8) flags
_TFHD_BASE, _TFHD_INDEX, _TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS = 0x01, 0x02, 0x08, 0x10, 0x20
_TRUN_OFFSET, _TRUN_FIRST_FLAGS, _TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION = (
    0x01, 0x04, 0x100, 0x200, 0x400, 0x800,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type and where it and its contents lie."""

    kind: bytes
    start: int
    content: int
    end: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """A moof and its mdat; times are of the reference track, in its units."""

    start: int
    end: int
    time: int
    duration: int
    is_keyframe: bool


@dataclass(frozen=True, slots=True)
class Structure:
    """What a player needs to know of a file."""

    head_end: int
    """Where the first fragment begins."""
    track: int
    """The reference track: video where there is one."""
    timescale: int
    """Units of that track in one second."""
    fragments: tuple[Fragment, ...]

    @property
    def duration_s(self) -> float:
        """From the start of the first fragment to the end of the last."""
        if not self.fragments:
            return 0.0
        return (self.fragments[-1].time + self.fragments[-1].duration - self.fragments[0].time) / self.timescale


def scan(read_at: ReadAt, size: int) -> Structure:
    """Find head and whole fragments of a file, up to where it is cut off or `read_at` gives less than asked for.

    Raises BadFileError without a moov.
    """
    track = timescale = head_end = 0
    fragments: list[Fragment] = []
    moof: Box | None = None
    for box in _top_level(read_at, size):
        if box.kind == b"moov":
            track, timescale = _reference_track(read_at(box.start, box.end - box.start))
            head_end = box.end
        elif box.kind == b"moof":
            moof = box
        elif box.kind == b"mdat" and moof is not None:
            data = read_at(moof.start, moof.end - moof.start)
            if len(data) < moof.end - moof.start:
                break
            fragments.append(_fragment(data, track, moof.start, box.end))
            moof = None
    if not timescale:
        raise BadFileError("no-moov")
    return Structure(head_end, track, timescale, tuple(fragments))


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """All boxes in `data`, those inside containers after them. Stops where the structure breaks."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, start)
        if length < 8 or start + length > end:
            return
        box = Box(kind, start, start + 8, start + length)
        yield box
        if kind in _CONTAINERS:
            yield from boxes(data, box.content, box.end)
        start = box.end


def _top_level(read_at: ReadAt, size: int) -> Iterator[Box]:
    offset = 0
    while offset + 8 <= size:
        head = read_at(offset, 16)
        if len(head) < 8:
            return
        length, kind = struct.unpack_from(">I4s", head)
        content = offset + 8
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack_from(">Q", head, 8)
            content = offset + 16
        if length < content - offset or offset + length > size:
            return
        if kind in (b"moov", b"moof") and length > MAX_BOX_BYTES:
            raise BadFileError("box-too-large")
        yield Box(kind, offset, content, offset + length)
        offset += length


def _reference_track(moov: bytes) -> tuple[int, int]:
    """Number and timescale of the first video track, else of the first track."""
    found: list[tuple[bool, int, int]] = []
    track = timescale = 0
    for box in boxes(moov):
        version = moov[box.content] if box.content < box.end else 0
        if box.kind == b"tkhd":
            (track,) = struct.unpack_from(">I", moov, box.content + (20 if version else 12))
        elif box.kind == b"mdhd":
            (timescale,) = struct.unpack_from(">I", moov, box.content + (20 if version else 12))
        elif box.kind == b"hdlr" and track and timescale:
            found.append((moov[box.content + 8 : box.content + 12] == b"vide", track, timescale))
    if not found:
        return 0, 0
    _, track, timescale = max(found, key=lambda entry: entry[0])
    return track, timescale


def _fragment(moof: bytes, track: int, start: int, end: int) -> Fragment:
    """Time of the fragment in the reference track; zero length when that track has nothing in it."""
    try:
        for box in boxes(moof):
            if box.kind == b"traf":
                run = _track_run(moof, box, track)
                if run is not None:
                    return Fragment(start, end, *run)
    except struct.error:
        raise BadFileError("bad-moof") from None
    return Fragment(start, end, 0, 0, is_keyframe=False)


def _track_run(moof: bytes, traf: Box, track: int) -> tuple[int, int, bool] | None:
    """(decode time, duration, begins with a keyframe) of the samples of `track` in `traf`."""
    defaults = (0, 0)
    time = duration = 0
    is_keyframe: bool | None = None
    for box in boxes(moof, traf.content, traf.end):
        if box.kind == b"tfhd":
            (number,) = struct.unpack_from(">I", moof, box.content + 4)
            if number != track:
                return None
            defaults = _defaults(moof, box)
        elif box.kind == b"tfdt":
            (time,) = struct.unpack_from(">Q" if moof[box.content] else ">I", moof, box.content + 4)
        elif box.kind == b"trun":
            length, first_flags = _run(moof, box, defaults)
            duration += length
            is_keyframe = not first_flags & _SYNC_MASK if is_keyframe is None else is_keyframe
    return time, duration, bool(is_keyframe)


def _defaults(moof: bytes, tfhd: Box) -> tuple[int, int]:
    """Duration and flags of samples that tell none."""
    flags = _flags(moof, tfhd)
    position = tfhd.content + 8 + (8 if flags & _TFHD_BASE else 0) + (4 if flags & _TFHD_INDEX else 0)
    duration = sample_flags = 0
    if flags & _TFHD_DURATION:
        (duration,) = struct.unpack_from(">I", moof, position)
        position += 4
    if flags & _TFHD_SIZE:
        position += 4
    if flags & _TFHD_FLAGS:
        (sample_flags,) = struct.unpack_from(">I", moof, position)
    return duration, sample_flags


def _run(moof: bytes, trun: Box, defaults: tuple[int, int]) -> tuple[int, int]:
    """Duration of the run, and the flags of its first sample."""
    flags = _flags(moof, trun)
    (count,) = struct.unpack_from(">I", moof, trun.content + 4)
    position = trun.content + 8 + (4 if flags & _TRUN_OFFSET else 0)
    duration, first_flags = 0, defaults[1]
    if flags & _TRUN_FIRST_FLAGS:
        (first_flags,) = struct.unpack_from(">I", moof, position)
        position += 4
    fields = [flag for flag in (_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION) if flags & flag]
    stride = 4 * len(fields)
    if position + count * stride > trun.end:
        raise BadFileError("bad-moof")
    if _TRUN_FLAGS in fields and count:
        (first_flags,) = struct.unpack_from(">I", moof, position + 4 * fields.index(_TRUN_FLAGS))
    if _TRUN_DURATION not in fields:
        return count * defaults[0], first_flags
    for sample in range(count):
        duration += struct.unpack_from(">I", moof, position + sample * stride)[0]
    return duration, first_flags


def _flags(data: bytes, box: Box) -> int:
    return int.from_bytes(data[box.content + 1 : box.content + 4], "big")
