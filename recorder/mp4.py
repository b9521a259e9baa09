"""A fragmented MP4 file as browsers want it: with its duration and an index of its fragments in front.

A recorder cannot know these when it writes the head, so they are put in front when the file is read: the clear file is
served as its own head, a segment index (sidx, ISO/IEC 14496-12 8.16.3) and the fragments. Each entry of the index spans
the fragments from one keyframe to the next, so that seeking lands on a picture that can be decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from recorder.boxes import Fragment, ReadAt, Structure, boxes, scan

_MAX_ENTRIES = 65_535
"""reference_count has 16 bits."""
_STARTS_WITH_SAP = 1 << 31
_SAP_TYPE_CLOSED = 1 << 28


class IndexedFile:
    """Bytes of the file with the index in front of its fragments; immutable, so it may be shared by readers."""

    def __init__(self, read_at: ReadAt, size: int) -> None:
        """Read head and fragments of the clear file. Raises BadFileError when it has no moov."""
        self.structure = scan(read_at, size)
        head = read_at(0, self.structure.head_end)
        self._front = with_duration(head, self.structure.duration_s) + segment_index(self.structure)
        self._shift = len(self._front) - self.structure.head_end
        end = self.structure.fragments[-1].end if self.structure.fragments else self.structure.head_end
        self.size = end + self._shift
        """Length of the file as it is served; what follows the last whole fragment is left out."""

    def read(self, read_at: ReadAt, start: int, length: int) -> bytes:
        """Bytes of the served file; `read_at` reads the clear one."""
        length = min(length, self.size - start)
        if length <= 0 or start < 0:
            return b""
        front = self._front[start : start + length]
        if len(front) == length:
            return front
        return front + read_at(start + len(front) - self._shift, length - len(front))


def segment_index(structure: Structure) -> bytes:
    """The sidx box over all fragments; empty where there are none."""
    if not structure.fragments:
        return b""
    entries = _entries(structure.fragments)
    first = structure.fragments[0]
    body = struct.pack(
        ">IIIQQHH", 1 << 24, structure.track, structure.timescale, first.time, 0, 0, len(entries)
    )  # version 1; first_offset 0: the fragments follow at once
    for index, (size, duration) in enumerate(entries):
        is_keyframe = index > 0 or first.is_keyframe
        body += struct.pack(">III", size, duration, _STARTS_WITH_SAP | _SAP_TYPE_CLOSED if is_keyframe else 0)
    return struct.pack(">I4s", 8 + len(body), b"sidx") + body


def _entries(fragments: Sequence[Fragment]) -> list[tuple[int, int]]:
    """(bytes, duration) of each group of fragments that begins with a keyframe."""
    starts = [index for index, fragment in enumerate(fragments) if index == 0 or fragment.is_keyframe]
    starts = starts[:: len(starts) // _MAX_ENTRIES + 1]
    entries = []
    for start, following in zip(starts, [*starts[1:], len(fragments)], strict=True):
        last = fragments[following - 1]
        end_time = fragments[following].time if following < len(fragments) else last.time + last.duration
        entries.append((last.end - fragments[start].start, max(0, end_time - fragments[start].time)))
    return entries


def with_duration(head: bytes, duration_s: float) -> bytes:
    """`head` (ftyp, moov) with the duration of the whole presentation in mvhd (8.2.2)."""
    changed = bytearray(head)
    for box in boxes(head):
        if box.kind == b"mvhd":
            is_long = head[box.content] == 1
            (timescale,) = struct.unpack_from(">I", head, box.content + (20 if is_long else 12))
            units = round(duration_s * timescale)
            struct.pack_into(">Q" if is_long else ">I", changed, box.content + (24 if is_long else 16), units)
    return bytes(changed)
