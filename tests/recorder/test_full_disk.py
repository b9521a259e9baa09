"""A full disk: said before it is full, and at whichever operation it is, what was recorded until then is kept."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.recording import RecordingSettings
from crypto.keys import MasterKey
from mcu.policy import RoomPolicy
from mcu.worker.messages import RecordingProgress
from recorder import appender
from recorder.deck import Deck
from recorder.disk_storage import DiskStorage
from recorder.errors import RecordingError
from recorder.forecast import SpaceForecast
from recorder.library import Library
from tests.recorder.media import LEG, frames
from tests.recorder.power_cut import Disk, Operation
from tests.recorder.rows import Rows
from tests.recorder.test_deck import ended, order, wait
from tests.recorder.test_power_cut import Session

SECONDS = 4
_OPERATIONS = 22
"""So many change the disk while so much is recorded."""


def full_at(number: int, folder: Path) -> Callable[[Operation], None]:
    """The disk is full from this operation on; what is written then is written in part."""
    count = 0

    def before(operation: Operation) -> None:
        nonlocal count
        if operation.kind in ("rows", "cut", "remove"):
            return
        count += 1
        if count > number:
            if operation.kind == "write":
                with (folder / operation.name).open("ab") as file:
                    file.write(operation.data[: len(operation.data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return before


@pytest.mark.parametrize("number", range(_OPERATIONS))
async def test_what_was_recorded_until_the_disk_was_full_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(appender, "SYNC_INTERVAL_S", 0.9)
    session = Session(tmp_path / "real")
    session.watched.before = full_at(number, session.folder)
    with session.watched.watching():
        await session.record(frames(SECONDS))
    row = session.rows.rows[session.recording]
    written = [each for each in session.watched.operations if each.kind == "write"]
    assert await session.rows.running() == []
    # Behind its end only the index is missing, which is made when there is room.
    assert (row.state, row.error) in (("failed", "disk-full"), ("failed", "cannot-write"), ("complete", ""))
    if len(written) > 2:
        assert row.duration_s >= min(SECONDS - 0.1, len(written) - 3)
        assert session.library.verify(row).is_intact
        session.library.open(row).close()
    assert await session.library.recover() == []


async def test_there_are_no_more_operations_than_were_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appender, "SYNC_INTERVAL_S", 0.9)
    session = Session(tmp_path / "real")
    with session.watched.watching():
        await session.record(frames(SECONDS))
    assert sum(each.kind != "rows" for each in session.watched.operations) <= _OPERATIONS


async def test_what_was_written_before_the_disk_was_full_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut right behind it takes nothing more."""
    monkeypatch.setattr(appender, "SYNC_INTERVAL_S", 60)
    session = Session(tmp_path / "real")
    written = 0

    def before(operation: Operation) -> None:
        nonlocal written
        written += operation.kind == "write"
        if operation.kind == "write" and written > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    session.watched.before = before
    with session.watched.watching():
        await session.record(frames(SECONDS))
    assert session.rows.rows[session.recording].error == "disk-full"
    disk = Disk()
    for operation in session.watched.operations:
        disk.apply(operation)
    file = disk.kept_names[f"{session.recording}.dtr"]
    assert file.kept == file.now
    assert len(file.kept) > 1000


@pytest.mark.interop
async def test_a_small_disk_that_really_fills(tmp_path: Path) -> None:
    """Two recordings on a tmpfs: both keep what there is, and more can be recorded when there is room again."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    mount = await asyncio.create_subprocess_exec("mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(mounted))
    assert await mount.wait() == 0
    try:
        rows = Rows()
        settings = RecordingSettings(min_free_bytes=0)
        library = Library(rows, mounted / "recordings", MasterKey(bytes(32)), settings)
        deck = Deck(settings)
        for leg in (LEG, LEG + 1):
            deck.start(await library.begin(RoomPolicy("1001", "Demo"), leg, "admin", (320, 180, 25)))
        for one, two in zip(frames(60), frames(60, leg=LEG + 1), strict=True):
            deck.feed(one)
            deck.feed(two)
        ends = ended(await asyncio.to_thread(wait, deck, lambda told: len(ended(told)) == 2))
        assert {end.error for end in ends} == {"disk-full"}
        for end in ends:
            await library.finish(end, ["Ward 3"])
        for row in rows.rows.values():
            assert row.error == "disk-full"
            assert row.duration_s > 2
            assert library.verify(row).is_intact
            library.open(row).close()
        library.delete(ends[0].recording)
        deck.start(await library.begin(RoomPolicy("1001", "Demo"), LEG, "admin", (320, 180, 25)))
        for frame in frames(2):
            deck.feed(frame)
        deck.stop(LEG)
        (end,) = ended(await asyncio.to_thread(wait, deck, lambda told: bool(ended(told))))
        assert end.error == ""
    finally:
        unmount = await asyncio.create_subprocess_exec("umount", str(mounted))
        assert await unmount.wait() == 0


def test_a_forecast_needs_time_and_counts_whoever_writes() -> None:
    forecast = SpaceForecast(min_free_bytes=1000)
    assert forecast.left_s is None
    forecast.note(0, 11_000, 0)
    forecast.note(4, 10_900, 100)
    assert forecast.left_s is None
    forecast.note(10, 10_000, 100)
    assert forecast.left_s == pytest.approx(90)
    forecast.note(20, 10_000, 4000)
    assert forecast.left_s == pytest.approx(9000 / 200)
    assert not forecast.is_low
    forecast.note(30, 900, 4000)
    assert (forecast.left_s, forecast.is_low) == (0.0, True)
    forecast.note(200, 900_000, 4000)
    assert forecast.left_s is None


def test_the_deck_warns_in_time_and_takes_it_back_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deck = Deck(RecordingSettings(min_free_bytes=0))
    deck.start(order(tmp_path / "one.dtr"))
    given, heard = frames(8), []
    for number, left_s in enumerate([None, 1000.0, 899.0, 1100.0, 1400.0, 1000.0]):
        monkeypatch.setattr("recorder.disk.DiskWriter.left_s", left_s)
        for frame in given[number * 90 : number * 90 + 90]:
            deck.feed(frame)
        told = wait(deck, lambda told: any(isinstance(message, RecordingProgress) for message in told))
        heard += [message.left_s for message in told if isinstance(message, RecordingProgress)][-1:]
    deck.stop_all(2)
    assert heard == [None, None, 899.0, 1100.0, None, None]


async def test_no_recording_begins_where_the_disk_cannot_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def free_bytes(_: DiskStorage) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(DiskStorage, "free_bytes", free_bytes)
    library = Library(Rows(), tmp_path, MasterKey(bytes(32)), RecordingSettings())
    with pytest.raises(RecordingError) as caught:
        await library.begin(RoomPolicy("1001", "Demo"), LEG, "admin", (320, 180, 25))
    assert caught.value.reason == "cannot-write"
