"""What is on a tape: played back, cut off at any place, with gaps, and as browsers want it."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
import pytest

from crypto.sealing import Head, SealReader
from mcu.worker.channel import Frame
from mcu.worker.messages import StartRecording
from recorder.boxes import boxes
from recorder.errors import BadFileError
from recorder.fragments import NON_SYNC, Track, read_fragments, read_head
from recorder.mp4 import IndexedFile
from recorder.tape import Mark, Tape
from tests.recorder.media import LEG, START_US, frames

KEY = bytes(range(32))


class Recorded:
    """A tape that wrote to memory."""

    def __init__(self, given: list[Frame], is_finished: bool = True) -> None:
        self.sealed = bytearray()
        self.marks: list[tuple[int, Mark]] = []
        order = StartRecording(LEG, "one", "", KEY, Head("one", b"").serialize(), 320, 180, 25)
        self.tape = Tape(order, 1.0, self._emit)
        for frame in given:
            self.tape.accept(frame)
        if is_finished:
            self.tape.finish()

    def _emit(self, data: bytes, mark: Mark) -> None:
        self.sealed += data
        self.marks.append((len(self.sealed), mark))

    def reader(self, size: int | None = None) -> SealReader:
        data = bytes(self.sealed[:size])
        return SealReader(lambda offset, length: data[offset : offset + length], len(data), KEY)

    def clear(self, size: int | None = None) -> bytes:
        reader = self.reader(size)
        return reader.read(0, reader.size)

    def indexed(self) -> bytes:
        reader = self.reader()
        index = IndexedFile(reader.read, reader.size)
        return index.read(reader.read, 0, index.size)


def in_memory(data: bytes):  # type: ignore[no-untyped-def]
    return lambda offset, length: data[offset : offset + length]


def decode(data: bytes) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """(time, mean luma) of every picture and (time, loudness) of every 20 ms of sound."""
    seen, heard = [], []
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode(container.streams.video[0], container.streams.audio[0]):
            values = frame.to_ndarray()
            if isinstance(frame, av.VideoFrame):
                seen.append((frame.time, float(values[: frame.height].mean())))
            else:
                heard.append((frame.time, float(np.abs(values).mean())))
    return seen, heard


def test_flash_and_beep_are_recorded_together() -> None:
    seen, heard = decode(Recorded(frames(6)).clear())
    assert len(seen) == 150
    assert len(heard) >= 298
    flashes = [time for time, luma in seen if luma > 180]
    beeps = [time for (time, level), (_, before) in zip(heard[1:], heard, strict=False) if level > 0.1 >= before]
    assert len(flashes) == 6
    assert flashes == pytest.approx([float(second) for second in range(6)], abs=0.001)
    for flash, beep in zip(flashes[1:], beeps[-5:], strict=True):
        assert abs(flash - beep) <= 0.03


def test_fragments_are_at_most_a_second_and_begin_at_keyframes() -> None:
    clear = Recorded(frames(9)).clear()
    read_at = in_memory(clear)
    _, track = read_head(read_at, len(clear))
    assert track == Track(1, 90_000)
    runs = [fragment.of(1)[0] for fragment in read_fragments(read_at, len(clear))]
    assert all(0 < run.end_time - run.time <= 93_600 for run in runs)
    assert [run.time for run in runs if not run.flags[0] & NON_SYNC] == [0, 360_000, 720_000]
    assert not any(not flag & NON_SYNC for run in runs for flag in run.flags[1:])
    assert runs[-1].end_time == 9 * 90_000


def test_a_file_cut_off_anywhere_plays_to_within_a_fragment() -> None:
    recorded = Recorded(frames(6), is_finished=False)
    for size, mark in recorded.marks[3::2]:
        for cut in (size, size + 30):
            clear = recorded.clear(cut)
            assert IndexedFile(in_memory(clear), len(clear)).duration_s >= mark.duration_s - 1.2
    last = recorded.clear()
    assert len(decode(last)[0]) >= 125


def test_the_indexed_file_has_its_duration_and_seeks() -> None:
    data = Recorded(frames(10)).indexed()
    assert [box.kind for box in boxes(data)][:2] == [b"ftyp", b"moov"]
    assert b"mfra" not in data
    with av.open(io.BytesIO(data)) as container:
        assert container.duration == pytest.approx(10_000_000, abs=50_000)
        for wanted, keyframe in ((9.02, 8.0), (5.5, 4.0), (0.5, 0.0), (7.9, 4.0)):
            container.seek(round(wanted * 1_000_000))
            times = [
                float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.pts is not None
            ]
            assert times == pytest.approx(np.arange(keyframe, 10, 0.04), abs=0.001)
    assert len(decode(data)[0]) == 250


def test_index_entries_cover_the_file() -> None:
    data = Recorded(frames(9)).indexed()
    sidx = next(box for box in boxes(data) if box.kind == b"sidx")
    (count,) = struct.unpack_from(">H", data, sidx.content + 30)
    entries = [struct.unpack_from(">III", data, sidx.content + 32 + 12 * index) for index in range(count)]
    assert sidx.end + sum(size for size, _, _ in entries) == len(data)
    assert sum(duration for _, duration, _ in entries) == 9 * 90_000
    assert all(flags >> 31 for _, _, flags in entries)


def test_nothing_is_written_before_the_first_keyframe() -> None:
    given = frames(5)
    late = [frame for frame in given if frame.capture_us >= START_US + 1_000_000]
    recorded = Recorded(late)
    seen, heard = decode(recorded.clear())
    # The next keyframe comes at 4 s; sound that waited for it and is younger is kept.
    assert len(seen) == 25
    assert 48 <= len(heard) <= 51
    assert recorded.tape.counters["before_keyframe"] == 75
    empty = Recorded([])
    assert empty.clear() == b""
    with pytest.raises(BadFileError):
        IndexedFile(empty.reader().read, 0)


def test_a_gap_of_both_or_of_one_stream_stays_in_sync() -> None:
    first, second = frames(4), frames(4, first_second=7)
    recorded = Recorded(first + second)
    for data in (recorded.clear(), recorded.indexed()):
        seen, heard = decode(data)
        assert [time for time, luma in seen if luma > 180] == pytest.approx([0, 1, 2, 3, 7, 8, 9, 10], abs=0.001)
        assert max(time for time, _ in heard) == pytest.approx(10.98, abs=0.05)
    silent = [frame for frame in frames(4) if frame.codec.is_video]
    assert len(decode(Recorded(silent).clear())[0]) == 100


def test_another_resolution_does_not_break_the_file() -> None:
    given = frames(4) + frames(4, first_second=4, size=(640, 360))
    seen, _ = decode(Recorded(given).clear())
    assert len(seen) == 200
    assert [round(time) for time, luma in seen if luma > 180] == list(range(8))


def test_a_broken_keyframe_is_passed_over() -> None:
    given = frames(8)
    given[0] = Frame(given[0].stream, given[0].codec, b"\0\0\0\1\x65junk", capture_us=START_US, is_keyframe=True)
    recorded = Recorded(given)
    assert recorded.tape.counters["bad_keyframe"] == 1
    assert len(decode(recorded.clear())[0]) == 100


def test_frames_that_go_back_in_time_are_dropped() -> None:
    given = frames(4)
    recorded = Recorded([*given, *given[:20], *frames(4, first_second=4)])
    assert recorded.tape.counters["out_of_order"] > 0
    assert len(decode(recorded.clear())[0]) == 200


@pytest.mark.parametrize("cut", range(0, 1400, 97))
def test_any_truncated_head_is_an_error_or_a_structure(cut: int) -> None:
    clear = Recorded(frames(2)).clear()[:cut]
    try:
        assert IndexedFile(in_memory(clear), cut).duration_s < 1
    except BadFileError:
        assert cut < 1300
