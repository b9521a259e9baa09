"""The stored index: the same bytes as without it, few reads however long the recording, and no lie unnoticed."""

from __future__ import annotations

import random
import tracemalloc
from array import array
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.keys import MasterKey
from crypto.sealing import ScannedPlaces, SealReader
from mcu.worker.messages import StartRecording
from recorder.disk_storage import DiskStorage, OpenFile
from recorder.errors import BadFileError, BadIndexError
from recorder.index import PAGE_BYTES, StoredIndex
from recorder.indexing import write_index
from recorder.library import Library
from recorder.mp4 import IndexedFile
from recorder.shelf import Shelf
from recorder.table import RECORD_BYTES, Table, serialize
from recorder.tape import Tape
from store.recordings import Recording
from tests.recorder.media import frames
from tests.recorder.test_library import SETTINGS, Archive

MASTER = MasterKey(bytes(32))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "recordings")


def long_recording(archive: Archive, order: StartRecording, turns: int) -> None:
    """Eight seconds of sound and pictures, over and over, not in real time."""
    given = frames(8)
    with Path(order.path).open("wb") as file:
        tape = Tape(order, 1.0, lambda data, _mark: file.write(data))
        for turn in range(turns):
            for frame in given:
                tape.accept(replace(frame, capture_us=frame.capture_us + turn * 8_000_000))
        tape.finish()


async def recorded(archive: Archive, turns: int) -> Recording:
    """A recording that has ended, with its index."""
    archive.folder.mkdir(exist_ok=True)
    order = await archive.begin()
    long_recording(archive, order, turns)
    await archive.library.recover()
    return archive.rows.rows[order.recording]


@given(st.lists(st.integers(1, 1 << 40), min_size=1, max_size=700), st.integers(0, 1 << 50))
@settings(max_examples=150, deadline=None)
def test_a_table_finds_what_a_list_would(gaps: list[int], asked: int) -> None:
    keys = array("Q")
    for gap in gaps:
        keys.append((keys[-1] if keys else 0) + gap)
    values = array("Q", range(len(keys)))
    data = b"junk" + b"".join(serialize(keys, values))
    table = Table(lambda start, length: data[start : start + length], 4, len(keys))
    chance = random.Random(asked)
    for key in [asked, *chance.choices(keys, k=5), keys[0] - 1, keys[-1] + 1, *(each - 1 for each in keys[::97])]:
        wanted = max((number for number, each in enumerate(keys) if each <= key), default=None)
        found = table.find(key)
        assert (found is None) == (wanted is None)
        if found is not None and wanted is not None:
            following = keys[wanted + 1] if wanted + 1 < len(keys) else None
            assert (found.number, found.key, found.value, found.next_key) == (wanted, keys[wanted], wanted, following)


def test_a_large_table_takes_few_reads() -> None:
    keys = array("Q", range(0, 3_000_000, 3))
    data = b"".join(serialize(keys, keys))
    assert len(data) < len(keys) * RECORD_BYTES * 1.01
    reads = []

    def read_at(start: int, length: int) -> bytes:
        reads.append(length)
        return data[start : start + length]

    table = Table(read_at, 0, len(keys))
    found = table.find(2_000_000)
    assert found is not None
    assert (found.key, found.next_key) == (1_999_998, 2_000_001)
    assert len(reads) == 3
    assert max(reads) <= 129 * RECORD_BYTES
    table.find(2_000_001)
    assert len(reads) == 3


async def test_ranges_are_those_of_a_file_that_was_looked_through(archive: Archive) -> None:
    recording = await recorded(archive, 4)
    sealed = Shelf(DiskStorage(archive.folder), MASTER).open(recording.id)
    reader = SealReader(sealed.file.read_at, sealed.file.size, sealed.key)
    whole = IndexedFile(reader.read, reader.size)
    wanted = whole.read(reader.read, 0, whole.size)
    opened = archive.library.open(recording)
    assert archive.index(recording).exists()
    assert (opened.size, opened.duration_s) == (whole.size, whole.duration_s)
    assert opened.read(0, opened.size) == wanted
    chance = random.Random(1)
    for _ in range(300):
        start = chance.randrange(whole.size + 10)
        length = chance.choice((1, 100, 5000, 300_000))
        assert opened.read(start, length) == wanted[start : start + length]
    opened.close()
    sealed.file.close()


class Counted:
    """What is read of files, how often and how much at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lengths: list[int] = []
        real = OpenFile.read_at

        def read_at(file: OpenFile, offset: int, length: int) -> bytes:
            self.lengths.append(length)
            return real(file, offset, length)

        monkeypatch.setattr(OpenFile, "read_at", read_at)


async def _reads(archive: Archive, turns: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int, int, int]:
    """Of a recording: reads to open it, most reads of a range, bytes of an index, most memory."""
    recording = await recorded(archive, turns)
    with monkeypatch.context() as patch:
        counted = Counted(patch)
        tracemalloc.start()
        opened = archive.library.open(recording)
        opening, most = len(counted.lengths), 0
        chance = random.Random(2)
        for _ in range(60):
            counted.lengths.clear()
            opened.read(chance.randrange(opened.size), 100_000)
            most = max(most, len(counted.lengths))
            assert max(counted.lengths, default=0) < 70_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        opened.close()
    return opening, most, archive.index(recording).stat().st_size, peak


async def test_opening_and_ranges_take_as_much_of_a_long_recording_as_of_a_short_one(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = await _reads(archive, 4, monkeypatch)
    long = await _reads(archive, 150, monkeypatch)
    assert long[2] > 20 * short[2]
    assert long[0] == short[0] <= 5
    assert long[1] <= short[1] + 4
    assert long[3] < short[3] + 600_000
    print(f"opening {long[0]} reads, a range {long[1]}, {long[3] / 1e6:.1f} MB; short: {short}")


async def test_a_changed_index_is_found_said_and_made_again(archive: Archive) -> None:
    recording = await recorded(archive, 4)
    path = archive.index(recording)
    good = path.read_bytes()
    for position in (5, 30, 80, len(good) // 3, len(good) // 2, len(good) - 60, len(good) - 1):
        changed = bytearray(good)
        changed[position] ^= 1
        path.write_bytes(changed)
        verdict = archive.library.verify(recording)
        assert not verdict.is_intact
        assert verdict.file == path.name
        assert verdict.first_bad is not None
        assert verdict.first_bad[0] <= position < verdict.first_bad[1]
        opened = archive.library.open(recording)
        try:
            opened.read(0, opened.size)
        except BadIndexError:
            opened.close()
            opened = archive.library.open(recording)
            assert len(opened.read(0, opened.size)) == opened.size
        opened.close()
        assert archive.library.verify(recording).is_intact


async def test_an_index_of_another_recording_key_or_end_is_not_used(archive: Archive, tmp_path: Path) -> None:
    one, two = await recorded(archive, 2), await recorded(archive, 3)
    own = archive.index(one).read_bytes()
    stranger = Archive(tmp_path / "elsewhere")
    stranger.library = Library(stranger.rows, stranger.folder, MasterKey(b"x" * 32), SETTINGS)
    other = await recorded(stranger, 2)
    for data in (
        archive.index(two).read_bytes(),
        stranger.index(other).read_bytes(),
        own[: -PAGE_BYTES - 52],
        b"",
        own[:100],
    ):
        archive.index(one).write_bytes(data)
        assert not archive.library.verify(one).is_intact
        archive.library.open(one).close()
        assert archive.library.verify(one).is_intact


async def test_an_index_of_a_file_that_was_cut_is_made_again(archive: Archive) -> None:
    recording = await recorded(archive, 3)
    path = archive.path(recording)
    sealed = Shelf(DiskStorage(archive.folder), MASTER).open(recording.id)
    index = StoredIndex(DiskStorage(archive.folder).open(archive.index(recording).name), sealed.key)
    assert index.belongs_to(recording.size_bytes, recording.chain_head)
    assert index.belongs_to(recording.size_bytes, "")
    assert not index.belongs_to(recording.size_bytes - 1, recording.chain_head)
    assert not index.belongs_to(recording.size_bytes, "ab" * 32)
    index.close()
    chunks = ScannedPlaces(sealed.file.read_at, len(sealed.head.serialize()), sealed.file.size)
    sealed.file.close()
    path.write_bytes(path.read_bytes()[: chunks[len(chunks) // 2].end])
    assert "ends elsewhere" in archive.library.verify(recording).reason
    opened = archive.library.open(replace(recording, chain_head=""))
    assert opened.duration_s < 16
    assert len(opened.read(0, opened.size)) == opened.size
    opened.close()


async def test_every_region_of_a_recording_is_named_when_it_is_changed(archive: Archive) -> None:
    recording = await recorded(archive, 1)
    path = archive.path(recording)
    good = path.read_bytes()
    chance = random.Random(4)
    for position in [*range(0, 420, 3), *chance.sample(range(420, len(good)), 150), *range(len(good) - 60, len(good))]:
        changed = bytearray(good)
        changed[position] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        verdict = archive.library.verify(recording)
        assert not verdict.is_intact, position
        assert verdict.file == path.name
        assert verdict.first_bad is not None
        assert verdict.first_bad[0] <= position < verdict.first_bad[1], position
        assert verdict.first_bad[1] - verdict.first_bad[0] < 70_000
    path.write_bytes(good)
    assert archive.library.verify(recording).is_intact


async def test_a_damaged_recording_gets_no_index(archive: Archive) -> None:
    recording = await recorded(archive, 2)
    path = archive.path(recording)
    data = bytearray(path.read_bytes())
    data[-5000] ^= 1
    path.write_bytes(data[:-60])
    archive.index(recording).unlink()
    sealed = Shelf(DiskStorage(archive.folder), MASTER).open(recording.id)
    with pytest.raises(BadFileError):
        write_index(DiskStorage(archive.folder), sealed)
    sealed.file.close()
    assert not archive.index(recording).exists()
