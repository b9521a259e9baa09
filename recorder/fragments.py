"""The fragments of an MP4 file (ISO/IEC 14496-12 8.8): which samples they hold, when, and where."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from recorder.boxes import Box, ReadAt, boxes, top_level, version_and_flags
from recorder.errors import BadFileError

NON_SYNC = 0x00010000
"""sample_is_non_sync_sample (8.8.3.1)."""

# tfhd flags (8.8.7) and trun flags (8.8.8)
TFHD_DURATION, TFHD_FLAGS, TFHD_DEFAULT_BASE_IS_MOOF = 0x08, 0x20, 0x20000
_TFHD_BASE, _TFHD_INDEX, _TFHD_SIZE = 0x01, 0x02, 0x10
TRUN_OFFSET, TRUN_DURATION, TRUN_SIZE, TRUN_FLAGS = 0x01, 0x100, 0x200, 0x400
_TRUN_FIRST_FLAGS, _TRUN_COMPOSITION = 0x04, 0x800


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive samples of one track; times are in the units of the track."""

    track: int
    time: int
    durations: tuple[int, ...]
    sizes: tuple[int, ...]
    flags: tuple[int, ...]
    payload_offset: int
    """Where the first sample lies, from the beginning of the fragment's media data."""

    @property
    def end_time(self) -> int:
        """When the last sample ends."""
        return self.time + sum(self.durations)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A moof and its mdat, of which only the place is known: `payload` to `end` in the file."""

    payload: int
    end: int
    runs: tuple[Run, ...]

    def of(self, track: int) -> tuple[Run, ...]:
        """The runs of one track."""
        return tuple(run for run in self.runs if run.track == track)


@dataclass(frozen=True, slots=True)
class Track:
    """The track by which a player finds its way: video where there is one."""

    number: int
    timescale: int


def read_head(read_at: ReadAt, size: int) -> tuple[bytes, Track]:
    """Ftyp and moov, and the reference track. Raises BadFileError where they are not whole."""
    for found in top_level(read_at, size):
        if found.kind == b"moov":
            head = read_at(0, found.end)
            if len(head) == found.end:
                return head, _reference_track(head)
        if found.kind in (b"moof", b"mdat"):
            break
    raise BadFileError("no-moov")


def read_fragments(read_at: ReadAt, size: int) -> Iterator[Fragment]:
    """The whole fragments, up to where the file is cut off or cannot be read. Raises BadFileError."""
    moof: Box | None = None
    for found in top_level(read_at, size):
        if found.kind == b"moof":
            moof = found
        elif found.kind == b"mdat" and moof is not None:
            data = read_at(moof.start, moof.end - moof.start)
            if len(data) < moof.end - moof.start:
                return
            try:
                runs = tuple(_runs(data, found.content - moof.start))
            except struct.error:
                raise BadFileError("bad-moof") from None
            yield Fragment(found.content, found.end, runs)
            moof = None


def _reference_track(moov: bytes) -> Track:
    found: list[tuple[bool, Track]] = []
    number = timescale = 0
    for part in boxes(moov):
        if part.kind == b"tkhd":
            version, _ = version_and_flags(moov, part)
            (number,) = struct.unpack_from(">I", moov, part.content + (20 if version else 12))
        elif part.kind == b"mdhd":
            version, _ = version_and_flags(moov, part)
            (timescale,) = struct.unpack_from(">I", moov, part.content + (20 if version else 12))
        elif part.kind == b"hdlr" and number and timescale:
            found.append((moov[part.content + 8 : part.content + 12] == b"vide", Track(number, timescale)))
    if not found:
        raise BadFileError("no-track")
    return max(found, key=lambda entry: entry[0])[1]


def _runs(moof: bytes, payload_from_moof: int) -> Iterator[Run]:
    for traf in boxes(moof):
        if traf.kind == b"traf":
            yield from _runs_of(moof, traf, payload_from_moof)


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What tfhd says of samples that say nothing themselves."""

    track: int
    duration: int
    size: int
    flags: int


def _runs_of(moof: bytes, traf: Box, payload_from_moof: int) -> Iterator[Run]:
    defaults = _Defaults(0, 0, 0, 0)
    time = 0
    for part in boxes(moof, traf.content, traf.end):
        if part.kind == b"tfhd":
            defaults = _parse_tfhd(moof, part)
        elif part.kind == b"tfdt":
            version, _ = version_and_flags(moof, part)
            (time,) = struct.unpack_from(">Q" if version else ">I", moof, part.content + 4)
        elif part.kind == b"trun":
            run = _parse_trun(moof, part, defaults, time, payload_from_moof)
            time = run.end_time
            yield run


def _parse_tfhd(moof: bytes, tfhd: Box) -> _Defaults:
    _, flags = version_and_flags(moof, tfhd)
    (track,) = struct.unpack_from(">I", moof, tfhd.content + 4)
    position = tfhd.content + 8 + (8 if flags & _TFHD_BASE else 0) + (4 if flags & _TFHD_INDEX else 0)
    values = []
    for flag in (TFHD_DURATION, _TFHD_SIZE, TFHD_FLAGS):
        values.append(struct.unpack_from(">I", moof, position)[0] if flags & flag else 0)
        position += 4 if flags & flag else 0
    return _Defaults(track, *values)


def _parse_trun(moof: bytes, trun: Box, defaults: _Defaults, time: int, payload_from_moof: int) -> Run:
    _, flags = version_and_flags(moof, trun)
    count, offset = struct.unpack_from(">Ii", moof, trun.content + 4)
    position = trun.content + 8 + (4 if flags & TRUN_OFFSET else 0)
    first_flags = None
    if flags & _TRUN_FIRST_FLAGS:
        (first_flags,) = struct.unpack_from(">I", moof, position)
        position += 4
    fields = [flag for flag in (TRUN_DURATION, TRUN_SIZE, TRUN_FLAGS, _TRUN_COMPOSITION) if flags & flag]
    if position + 4 * len(fields) * count > trun.end or not flags & TRUN_OFFSET:
        raise BadFileError("bad-moof")
    if not fields and count > (trun.end - trun.start) << 8:
        raise BadFileError("bad-moof")
    table = struct.unpack_from(f">{count * len(fields)}I", moof, position)

    def column(flag: int, default: int) -> tuple[int, ...]:
        return table[fields.index(flag) :: len(fields)] if flag in fields else (default,) * count

    sample_flags = column(TRUN_FLAGS, defaults.flags)
    if first_flags is not None:
        sample_flags = (first_flags, *sample_flags[1:])
    return Run(
        defaults.track, time, column(TRUN_DURATION, defaults.duration), column(TRUN_SIZE, defaults.size),
        sample_flags, offset - payload_from_moof,
    )  # fmt: skip
