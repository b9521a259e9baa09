"""Writing fragments of an MP4 file (ISO/IEC 14496-12 8.8)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from recorder.boxes import box, full_box
from recorder.fragments import (
    TFHD_DEFAULT_BASE_IS_MOOF,
    TFHD_DURATION,
    TFHD_FLAGS,
    TRUN_DURATION,
    TRUN_FLAGS,
    TRUN_OFFSET,
    TRUN_SIZE,
    Run,
)

_MDAT_HEAD = struct.Struct(">I4s")


def movie_fragment(runs: Sequence[Run], number: int, payload_bytes: int) -> bytes:
    """A moof of one run a track and the head of the mdat whose `payload_bytes` follow, track after track."""
    moof_bytes = len(_moof(runs, number, 0))
    return _moof(runs, number, moof_bytes + _MDAT_HEAD.size) + _MDAT_HEAD.pack(payload_bytes + _MDAT_HEAD.size, b"mdat")


def _moof(runs: Sequence[Run], number: int, payload_offset: int) -> bytes:
    trafs = []
    for run in runs:
        trafs.append(_traf(run, payload_offset))
        payload_offset += sum(run.sizes)
    return box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", number)), *trafs)


def _traf(run: Run, offset: int) -> bytes:
    """The samples of one track; what all of them have in common is said once."""
    header_flags, header = TFHD_DEFAULT_BASE_IS_MOOF, struct.pack(">I", run.track)
    columns = TRUN_SIZE | TRUN_OFFSET
    chosen = [run.sizes]
    if len(set(run.durations)) == 1:
        header_flags |= TFHD_DURATION
        header += struct.pack(">I", run.durations[0])
    else:
        columns |= TRUN_DURATION
        chosen.insert(0, run.durations)
    if len(set(run.flags)) == 1:
        header_flags |= TFHD_FLAGS
        header += struct.pack(">I", run.flags[0])
    else:
        columns |= TRUN_FLAGS
        chosen.append(run.flags)
    numbers = [number for sample in zip(*chosen, strict=True) for number in sample]
    table = struct.pack(f">Ii{len(numbers)}I", len(run.sizes), offset, *numbers)
    return box(
        b"traf",
        full_box(b"tfhd", 0, header_flags, header),
        full_box(b"tfdt", 1, 0, struct.pack(">Q", run.time)),
        full_box(b"trun", 0, columns, table),
    )
