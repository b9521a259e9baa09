"""A recording as browsers want it: duration and index in front, and fragments that all begin with a keyframe.

A recorder cannot know the index when it writes the head, and cuts fragments shorter than the distance of keyframes. So
the file is served in another shape than it has: head with the duration, a segment index (sidx, ISO/IEC 14496-12
8.16.3), and for each keyframe one fragment made of those up to the next. FFmpeg, which browsers use, needs just that:
it looks for the keyframe only in the fragment to which the index leads, and skips what the index does not name.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recorder.boxes import ReadAt, boxes, full_box
from recorder.fragments import NON_SYNC, Fragment, Run, Track, read_fragments, read_head
from recorder.movie_fragment import movie_fragment

_MAX_ENTRIES = 65_535
"""reference_count has 16 bits."""
_MAX_GROUP_BYTES = 64 << 20
_STARTS_WITH_SAP = 1 << 31 | 1 << 28
"""The entry begins with a stream access point of type 1."""


Part = bytes | tuple[int, int]
"""Bytes that were made, or (offset, length) in the clear file."""


@dataclass(frozen=True, slots=True)
class Span:
    """What the index says of one segment: its length in bytes, and when it is shown."""

    size: int
    time: int
    end_time: int
    is_keyframe: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """One fragment as served: what is put in front, and the pieces of the clear file (start, end) after it."""

    front: bytes
    pieces: tuple[tuple[int, int], ...]
    span: Span


class ServedFile:
    """What a clear file of `size` bytes becomes: segments, one after the other, and behind the last one the front."""

    def __init__(self, read_at: ReadAt, size: int) -> None:
        """Raises BadFileError when it has no moov."""
        self._head, self._track = read_head(read_at, size)
        self._fragments = read_fragments(read_at, size)
        self._spans: list[Span] = []

    def segments(self) -> Iterator[Segment]:
        """Once, in order. Raises BadFileError."""
        for number, group in enumerate(_groups(self._fragments, self._track), 1):
            made = _segment(group, self._track, number)
            self._spans.append(made.span)
            yield made

    @property
    def duration_s(self) -> float:
        """From the first picture to the end of the last."""
        spans = self._spans
        return (spans[-1].end_time - spans[0].time) / self._track.timescale if spans else 0.0

    @property
    def front(self) -> bytes:
        """Head and index, which are served before the first segment."""
        return with_duration(self._head, self.duration_s) + segment_index(self._spans, self._track)


class IndexedFile:
    """The served shape of one clear file; immutable, so it may be shared by readers."""

    def __init__(self, read_at: ReadAt, size: int) -> None:
        """Read head and fragments of the clear file. Raises BadFileError when it has no moov."""
        served = ServedFile(read_at, size)
        segments = list(served.segments())
        self.duration_s = served.duration_s
        """From the first picture to the end of the last."""
        self._starts: list[int] = []
        self._sources: list[bytes | int] = []
        self.size = 0
        """Length of the file as it is served."""
        self._add(served.front)
        for segment in segments:
            self._add(segment.front)
            for start, end in segment.pieces:
                self._add(start, end - start)

    def _add(self, source: bytes | int, length: int = 0) -> None:
        """Append made bytes, or `length` bytes of the clear file from an offset."""
        self._starts.append(self.size)
        self._sources.append(source)
        self.size += len(source) if isinstance(source, bytes) else length

    def read(self, read_at: ReadAt, start: int, length: int) -> bytes:
        """Bytes of the served file; `read_at` reads the clear one."""
        parts = self.parts(start, length)
        return b"".join(part if isinstance(part, bytes) else read_at(*part) for part in parts)

    def parts(self, start: int, length: int) -> Iterator[Part]:
        """What a range of the served file consists of."""
        end = min(self.size, start + length)
        number = bisect_right(self._starts, start) - 1
        while 0 <= start < end:
            following = self._starts[number + 1] if number + 1 < len(self._starts) else self.size
            skip, wanted = start - self._starts[number], min(end, following) - start
            source = self._sources[number]
            yield source[skip : skip + wanted] if isinstance(source, bytes) else (source + skip, wanted)
            start += wanted
            number += 1


def segment_index(spans: Sequence[Span], track: Track) -> bytes:
    """The sidx box over all segments; empty where there are none, or more than a box can name."""
    if not 0 < len(spans) <= _MAX_ENTRIES:
        return b""
    head = struct.pack(">IIQQHH", track.number, track.timescale, spans[0].time, 0, 0, len(spans))
    ends = [span.time for span in spans[1:]] + [spans[-1].end_time]
    entries = [
        struct.pack(">III", span.size, max(0, end - span.time), _STARTS_WITH_SAP if span.is_keyframe else 0)
        for span, end in zip(spans, ends, strict=True)
    ]
    return full_box(b"sidx", 1, 0, head, *entries)


def with_duration(head: bytes, duration_s: float) -> bytes:
    """`head` (ftyp, moov) with the duration of the whole presentation in mvhd (8.2.2)."""
    changed = bytearray(head)
    for found in boxes(head):
        if found.kind == b"mvhd":
            is_long = head[found.content] == 1
            (timescale,) = struct.unpack_from(">I", head, found.content + (20 if is_long else 12))
            units = round(duration_s * timescale)
            struct.pack_into(">Q" if is_long else ">I", changed, found.content + (24 if is_long else 16), units)
    return bytes(changed)


def _groups(fragments: Iterator[Fragment], track: Track) -> Iterator[list[Fragment]]:
    """Fragments from one keyframe to the next; one that does not follow on in time begins a group too."""
    group: list[Fragment] = []
    size = 0
    ends: dict[int, int] = {}
    for fragment in fragments:
        video = fragment.of(track.number)
        begins = _is_keyframe(video)
        follows = all(ends.get(run.track, run.time) == run.time for run in fragment.runs)
        if group and (begins or not follows or size > _MAX_GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(fragment)
        size += fragment.end - fragment.payload
        ends.update({run.track: run.end_time for run in fragment.runs})
    if group:
        yield group


def _segment(group: Sequence[Fragment], track: Track, number: int) -> Segment:
    """One fragment for the samples of all in the group.

    The media data of each track are put together, so that one trun can describe them: FFmpeg misplaces samples of
    further truns after a seek backwards.
    """
    placed: dict[int, list[tuple[Run, int]]] = {}
    for fragment in group:
        for run in fragment.runs:
            placed.setdefault(run.track, []).append((run, fragment.payload + run.payload_offset))
    tracks = {number: _join([run for run, _ in runs]) for number, runs in sorted(placed.items())}
    pieces = [(start, start + sum(run.sizes)) for joined in tracks.values() for run, start in placed[joined.track]]
    front = movie_fragment(list(tracks.values()), number, sum(end - start for start, end in pieces))
    video = tracks.get(track.number)
    size = len(front) + sum(end - start for start, end in pieces)
    if video is None:
        return Segment(front, tuple(pieces), Span(size, 0, 0, is_keyframe=False))
    return Segment(front, tuple(pieces), Span(size, video.time, video.end_time, _is_keyframe([video])))


def _join(runs: Sequence[Run]) -> Run:
    """One run of several that follow each other."""
    return Run(
        runs[0].track,
        runs[0].time,
        tuple(value for run in runs for value in run.durations),
        tuple(value for run in runs for value in run.sizes),
        tuple(value for run in runs for value in run.flags),
        0,
    )


def _is_keyframe(video: Sequence[Run]) -> bool:
    """Whether the first sample can be decoded by itself."""
    return bool(video) and bool(video[0].flags) and not video[0].flags[0] & NON_SYNC
