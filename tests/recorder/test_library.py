"""The library: identity and keys, watching by ranges, verifying, and mending what was cut off."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.recording import RecordingSettings
from crypto.keys import MasterKey
from mcu.policy import RoomPolicy
from mcu.worker.messages import RecordingEnded, StartRecording
from recorder.deck import Deck
from recorder.disk_storage import DiskStorage
from recorder.errors import BadFileError, DiskFullError, NoSuchFileError, RecordingError
from recorder.library import Library
from store.errors import Unavailable
from store.recordings import Recording
from tests.recorder.media import LEG, frames
from tests.recorder.rows import Rows
from tests.recorder.test_deck import ended, wait
from tests.recorder.test_tape import decode

SETTINGS = RecordingSettings(min_free_bytes=0)


class Archive:
    """A library on a real directory, and a recorder that feeds it."""

    def __init__(self, folder: Path, settings: RecordingSettings = SETTINGS) -> None:
        self.folder = folder
        self.rows = Rows()
        self.library = Library(self.rows, folder, MasterKey(bytes(32)), settings)

    async def begin(self) -> StartRecording:
        return await self.library.begin(RoomPolicy("1001", "Demo"), LEG, "admin", (320, 180, 25))

    async def record(self, seconds: int) -> Recording:
        order = await self.begin()
        deck = Deck(SETTINGS)
        deck.start(order)
        for frame in frames(seconds):
            deck.feed(frame)
        deck.stop(LEG)
        (end,) = ended(wait(deck, lambda told: bool(ended(told))))
        # The index comes behind the end.
        deck.stop_all(10)
        await self.library.finish(end, ["Ward 3", "Dr. Wang"])
        return self.rows.rows[order.recording]

    def path(self, recording: Recording) -> Path:
        (path,) = self.folder.glob(f"{recording.id}.dtr")
        return path

    def index(self, recording: Recording) -> Path:
        return self.path(recording).with_suffix(".dti")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "recordings")


async def test_a_recording_is_listed_and_watched_by_ranges(archive: Archive) -> None:
    recording = await archive.record(6)
    assert (recording.room_number, recording.started_by, recording.state) == ("1001", "admin", "complete")
    assert recording.participants == ("Ward 3", "Dr. Wang")
    assert recording.duration_s == pytest.approx(6, abs=0.1)
    assert recording.size_bytes == archive.path(recording).stat().st_size
    reader = archive.library.open(recording)
    whole = reader.read(0, reader.size)
    assert len(whole) == reader.size
    pieces = [reader.read(start, 777) for start in range(0, reader.size, 777)]
    assert b"".join(pieces) == whole
    assert reader.read(reader.size, 10) == b""
    assert reader.duration_s == pytest.approx(6, abs=0.05)
    reader.close()
    assert len(decode(whole)[0]) == 150
    assert archive.library.verify(recording).is_intact


async def test_neither_clear_media_nor_the_key_are_on_the_disk(archive: Archive) -> None:
    order = await archive.begin()
    recording = await archive.record(3)
    data = archive.path(recording).read_bytes()
    assert b"moov" not in data
    assert b"avc1" not in data
    assert order.key not in order.header
    assert frames(3)[0].payload[:40] not in data


async def test_damage_is_found_and_not_played(archive: Archive) -> None:
    recording = await archive.record(5)
    path = archive.path(recording)
    good = path.read_bytes()
    middle = len(good) // 2
    path.write_bytes(good[:middle] + bytes((good[middle] ^ 1,)) + good[middle + 1 :])
    verdict = archive.library.verify(recording)
    assert not verdict.is_intact
    assert verdict.first_bad_byte is not None
    assert verdict.first_bad_byte <= middle
    reader = archive.library.open(recording)
    assert reader.duration_s == pytest.approx(5, abs=0.05)
    with pytest.raises(BadFileError):
        reader.read(0, reader.size)
    assert len(reader.read(0, 2000)) == len(reader.read(reader.size - 2000, 2000)) == 2000
    reader.close()
    archive.index(recording).unlink()
    reader = Archive(archive.folder).library.open(recording)
    assert 2.0 <= reader.duration_s <= 4.0
    assert len(decode(reader.read(0, reader.size))[0]) >= 50
    reader.close()
    path.write_bytes(good[: verdict.first_bad_byte])
    assert not archive.library.verify(recording).is_intact


async def test_a_file_under_another_name_or_key_is_refused(archive: Archive, tmp_path: Path) -> None:
    one, two = await archive.record(1), await archive.record(1)
    archive.path(one).write_bytes(archive.path(two).read_bytes())
    with pytest.raises(BadFileError):
        archive.library.open(one)
    assert not archive.library.verify(one).is_intact
    stranger = Library(Rows(), archive.folder, MasterKey(b"x" * 32), SETTINGS)
    with pytest.raises(BadFileError):
        stranger.open(two)
    assert not stranger.verify(two).is_intact
    archive.library.delete(two.id)
    for name in (two.id, "../../etc/passwd", ""):
        with pytest.raises(NoSuchFileError):
            archive.library.open(Recording(name, "", "", datetime.now(UTC), ""))


@pytest.mark.parametrize("lost", [0, 20, 3000])
async def test_what_was_cut_off_is_mended_at_the_next_start(archive: Archive, lost: int) -> None:
    order = await archive.begin()
    deck = Deck(SETTINGS)
    deck.start(order)
    for frame in frames(8):
        deck.feed(frame)
    wait(deck, lambda told: any(getattr(message, "duration_s", 0) > 6 for message in told))
    path = Path(order.path)
    data = path.read_bytes()
    deck.stop_all(2)
    path.write_bytes(data[: len(data) - lost] + (bytes(4096) if lost == 20 else b""))
    assert await archive.library.recover() == [order.recording]
    row = archive.rows.rows[order.recording]
    assert row.state == "interrupted"
    assert row.duration_s > 4.5
    assert row.ended_at is not None
    assert row.size_bytes == path.stat().st_size
    assert archive.library.verify(row).is_intact
    reader = archive.library.open(row)
    assert len(decode(reader.read(0, reader.size))[0]) > 110
    reader.close()
    assert await archive.library.recover() == []


async def test_mending_waits_for_a_recorder_that_is_still_writing(archive: Archive) -> None:
    order = await archive.begin()
    deck = Deck(SETTINGS)
    deck.start(order)
    for frame in frames(4):
        deck.feed(frame)
    recovering = asyncio.ensure_future(archive.library.recover())
    await asyncio.sleep(0.3)
    assert not recovering.done()
    deck.stop_all(2)
    assert await recovering == [order.recording]
    assert archive.rows.rows[order.recording].duration_s > 3.9


async def test_damage_in_the_middle_is_kept_as_evidence(archive: Archive) -> None:
    recording = await archive.record(5)
    path = archive.path(recording)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    archive.rows.rows[recording.id] = dataclasses.replace(recording, ended_at=None, state="running")
    await archive.library.recover()
    assert path.stat().st_size == len(data)
    assert not archive.library.verify(recording).is_intact


async def test_a_recorder_that_was_lost_leaves_what_the_disk_holds(archive: Archive) -> None:
    order = await archive.begin()
    await archive.library.finish(RecordingEnded(order.recording, 0, 0.0, "", "process-lost"), [])
    row = archive.rows.rows[order.recording]
    assert (row.state, row.error) == ("failed", "process-lost")
    other = await archive.begin()
    deck = Deck(SETTINGS)
    deck.start(other)
    for frame in frames(4):
        deck.feed(frame)
    deck.stop_all(2)
    await archive.library.finish(RecordingEnded(other.recording, 0, 0.0, "", "process-lost"), [])
    row = archive.rows.rows[other.recording]
    assert row.duration_s > 3.9
    assert archive.library.verify(row).is_intact


async def test_no_recording_begins_on_a_full_disk(tmp_path: Path) -> None:
    archive = Archive(tmp_path, RecordingSettings(min_free_bytes=1 << 60))
    with pytest.raises(DiskFullError):
        await archive.begin()
    assert not archive.rows.rows


async def test_a_database_that_is_away_is_a_reason_not_to_record(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    """Whoever asked is told, and a room that has to be recorded tries again."""

    async def add(_: Recording) -> None:
        raise Unavailable("the database cannot be used: locked")

    monkeypatch.setattr(archive.rows, "add", add)
    with pytest.raises(RecordingError) as caught:
        await archive.begin()
    assert caught.value.reason == "cannot-register"
    assert list(archive.folder.glob("*.dtr")) == []


async def test_a_file_without_a_row_is_taken_in_again(archive: Archive) -> None:
    """As after a database that was lost, or taken back to an older copy."""
    whole = await archive.record(3)
    cut = await archive.begin()
    deck = Deck(SETTINGS)
    deck.start(cut)
    for frame in frames(8):
        deck.feed(frame)
    wait(deck, lambda told: any(getattr(message, "duration_s", 0) > 6 for message in told))
    data = Path(cut.path).read_bytes()
    deck.stop_all(2)
    Path(cut.path).write_bytes(data)
    archive.rows.rows.clear()
    assert await archive.library.recover() == sorted([whole.id, cut.recording])
    again, mended = archive.rows.rows[whole.id], archive.rows.rows[cut.recording]
    assert (again.room_number, again.room_name, again.started_by) == ("1001", "Demo", "admin")
    assert (again.started_at, again.state, again.chain_head) == (whole.started_at, "complete", whole.chain_head)
    assert (mended.room_number, mended.state) == ("1001", "interrupted")
    assert mended.duration_s > 4.5
    for row in (again, mended):
        assert archive.library.verify(row).is_intact
    assert await archive.library.recover() == []


async def test_what_cannot_be_read_is_listed_and_what_holds_nothing_goes(archive: Archive) -> None:
    whole = await archive.record(3)
    path = archive.path(whole)
    data = bytearray(path.read_bytes())
    for name, content in (
        ("20300501T120000Z-aa", b""),
        ("20300501T120000Z-bb", bytes(300)),
        ("20300501T120000Z-cc", bytes(data[:100])),
        ("20300501T120000Z-dd", b"x" + bytes(data[1:])),
    ):
        (archive.folder / f"{name}.dtr").write_bytes(content)
    (archive.folder / "notes.txt").write_text("not ours")
    assert await archive.library.recover() == ["20300501T120000Z-dd"]
    row = archive.rows.rows["20300501T120000Z-dd"]
    assert (row.state, row.error, row.room_number) == ("failed", "unreadable", "")
    assert row.started_at == datetime(2030, 5, 1, 12, tzinfo=UTC)
    assert sorted(path.name for path in archive.folder.iterdir()) == sorted(
        [f"{row.id}.dtr", path.name, f"{whole.id}.dti", "notes.txt"]
    )


async def test_a_row_whose_file_is_gone_says_so_until_it_is_back(archive: Archive, tmp_path: Path) -> None:
    ended, running = await archive.record(1), await archive.begin()
    path = archive.path(ended)
    path.rename(tmp_path / "elsewhere")
    await archive.library.recover()
    assert (archive.rows.rows[ended.id].state, archive.rows.rows[ended.id].error) == ("complete", "file-missing")
    row = archive.rows.rows[running.recording]
    assert (row.state, row.error) == ("failed", "file-missing")
    (tmp_path / "elsewhere").rename(path)
    await archive.library.recover()
    assert archive.rows.rows[ended.id] == ended


async def test_a_disk_that_cannot_be_read_keeps_nobody_from_starting(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    running = await archive.begin()

    def names(_: DiskStorage) -> list[str]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(DiskStorage, "names", names)
    assert await archive.library.recover() == [running.recording]
    assert archive.rows.rows[running.recording].error == "file-missing"
    assert "cannot be read" in caplog.text


async def test_one_that_ended_in_good_order_is_not_read_again(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    """A whole file of many hours, only because it lasted too long."""
    order = await archive.begin()
    deck = Deck(RecordingSettings(min_free_bytes=0, max_duration_s=2))
    deck.start(order)
    for frame in frames(4):
        deck.feed(frame)
    (end,) = ended(wait(deck, lambda told: bool(ended(told))))
    deck.stop_all(10)
    monkeypatch.setattr("recorder.recovery.salvage", lambda *_: pytest.fail("it was read"))
    await archive.library.finish(end, ["Ward 3"])
    row = archive.rows.rows[order.recording]
    assert (row.state, row.error, row.chain_head) == ("failed", "longest-duration", end.chain_head)
    assert row.duration_s == pytest.approx(2, abs=0.1)
    assert archive.library.verify(row).is_intact
