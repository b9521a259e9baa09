"""Power cuts at every operation: at the next start each recording plays, verifies, and lacks 3 s at the most."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.recording import RecordingSettings
from crypto.keys import MasterKey
from mcu.policy import RoomPolicy
from mcu.worker.channel import Frame
from mcu.worker.messages import RecordingEnded, RecordingProgress
from recorder.appender import Appender
from recorder.deck import Deck
from recorder.library import Library
from recorder.storage import Storage
from recorder.tape import Mark
from tests.recorder.media import LEG, START_US, frames
from tests.recorder.power_cut import Disk, Operation, Watched, put_down
from tests.recorder.rows import Rows, Snapshot
from tests.recorder.test_tape import decode

SETTINGS = RecordingSettings(min_free_bytes=0)
MASTER = MasterKey(bytes(32))
MOST_LOST_S = 3.0
_FETCH_STEPS, _STEP_S = 5, 0.1
"""The process fetches what net has sent every 0.5 s."""


@pytest.fixture(autouse=True)
def _synced_often() -> None:
    """As often as on a real disk: what is lost depends on it."""


class SlowClock:
    """Seconds since the first picture."""

    now_s = 0.0


class InlineWriter:
    """recorder.disk.DiskWriter without its thread, by the clock of the test."""

    def __init__(
        self, storage: Storage, name: str, min_free_bytes: int, afterwards: Callable[[], object], clock: SlowClock
    ) -> None:
        self._afterwards = afterwards
        self._appender = Appender(storage, name, min_free_bytes)
        self._clock = clock
        self.is_done = False

    @property
    def synced(self) -> Mark:
        return self._appender.synced

    @property
    def error(self) -> str:
        return self._appender.error

    @property
    def is_low(self) -> bool:
        return self._appender.is_low

    @property
    def left_s(self) -> float | None:
        return self._appender.left_s

    @property
    def is_gone(self) -> bool:
        return self.is_done

    def put(self, data: bytes, mark: Mark) -> None:
        self._appender.append(data, mark, self._clock.now_s)

    def tick(self) -> None:
        self._appender.handle_timeout(self._clock.now_s)

    def finish(self) -> None:
        self._appender.finish()
        self.is_done = True

    def leave(self) -> None:
        """What comes behind the end, which nobody waits for."""
        if not self.error:
            self._afterwards()

    def join(self, timeout_s: float) -> None:
        pass


class Session:
    """A server that records, by a clock of its own, on a folder that is watched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SlowClock()
        self.watched = Watched(folder, lambda: self.clock.now_s)
        self.rows = Rows()
        self.rows.on_change = lambda rows, is_durable: self.watched.note("rows", data=(rows, is_durable))
        self.library = Library(self.rows, folder, MASTER, SETTINGS)
        self._writers: list[InlineWriter] = []
        self.deck = Deck(SETTINGS, self._writer)
        self.recording = ""

    def _writer(
        self, storage: Storage, name: str, min_free_bytes: int, afterwards: Callable[[], object]
    ) -> InlineWriter:
        self._writers.append(InlineWriter(storage, name, min_free_bytes, afterwards, self.clock))
        return self._writers[-1]

    async def record(self, given: list[Frame]) -> None:
        """From the first frame to the last, and to the end of the row."""
        order = await self.library.begin(RoomPolicy("1001", "Demo"), LEG, "admin", (320, 180, 25))
        self.recording = order.recording
        self.deck.start(order)
        waiting, step = list(reversed(given)), 0
        while waiting:
            step += 1
            self.clock.now_s = step * _STEP_S
            if step % _FETCH_STEPS == 0:
                while waiting and waiting[-1].capture_us <= START_US + self.clock.now_s * 1e6:
                    self.deck.feed(waiting.pop())
            for writer in self._writers:
                writer.tick()
            await self._tell()
        self.deck.stop(LEG)
        await self._tell()
        for writer in self._writers:
            writer.leave()

    async def _tell(self) -> None:
        for message in self.deck.messages(round(self.clock.now_s * 1e6)):
            if isinstance(message, RecordingProgress):
                await self.library.progress(message)
            elif isinstance(message, RecordingEnded):
                await self.library.finish(message, ["Ward 3"])


async def recorded(folder: Path, given: list[Frame]) -> Session:
    session = Session(folder)
    with session.watched.watching():
        await session.record(given)
    return session


def cuts(operations: list[Operation]) -> Iterator[tuple[int, Disk, float]]:
    """Before each operation, and behind the last: the disk, and how late it may be then."""
    disk = Disk()
    for number, operation in enumerate(operations):
        yield number, disk, operation.at_s
        disk.apply(operation)
    yield len(operations), disk, operations[-1].at_s


async def check(folder: Path, rows: Snapshot | None, recording: str, now_s: float, *, is_played: bool) -> Rows:
    """Start again on what is left; everything that is promised holds."""
    kept = Rows(rows)
    library = Library(kept, folder, MASTER, SETTINGS)
    await library.recover()
    assert await library.recover() == []
    assert await kept.running() == []
    files = {path.stem for path in folder.glob("*.dtr")}
    assert files <= kept.rows.keys()
    assert not list(folder.glob("*.part"))
    assert all(row.id in files or row.error == "file-missing" for row in kept.rows.values())
    assert rows is None or rows.keys() <= kept.rows.keys()
    if now_s <= MOST_LOST_S:
        return kept
    row = kept.rows[recording]
    assert row.duration_s >= now_s - MOST_LOST_S
    assert library.verify(row).is_intact
    assert row.size_bytes == (folder / f"{recording}.dtr").stat().st_size
    reader = library.open(row)
    assert reader.duration_s == pytest.approx(row.duration_s, abs=0.05)
    data = reader.read(0, reader.size)
    assert len(data) == reader.size
    if is_played:
        assert len(decode(data)[0]) == pytest.approx(row.duration_s * 25, abs=1)
    reader.close()
    return kept


@pytest.mark.parametrize(("seconds", "is_played"), [(8, False), pytest.param(13, True, marks=pytest.mark.exhaustive)])
async def test_every_cut_leaves_all_but_the_last_three_seconds(tmp_path: Path, seconds: int, is_played: bool) -> None:
    session = await recorded(tmp_path / "real", frames(seconds))
    operations, chance, tried = session.watched.operations, random.Random(7), 0
    for number, disk, now_s in cuts(operations):
        for image, rows in disk.after_a_cut(chance, 8 if is_played else 2):
            folder = tmp_path / f"cut-{tried}"
            tried += 1
            put_down(image, folder)
            kept = await check(folder, rows, session.recording, now_s, is_played=is_played)
            if rows and rows[session.recording].ended_at is not None:
                assert kept.rows == rows, number
    assert tried > 100
    row = session.rows.rows[session.recording]
    assert (row.state, row.participants) == ("complete", ("Ward 3",))


@pytest.mark.exhaustive
async def test_cuts_by_chance_of_a_long_recording(tmp_path: Path) -> None:
    """Ten minutes, of pictures that repeat."""
    once = frames(20)
    given = [replace(each, capture_us=each.capture_us + turn * 20_000_000) for turn in range(30) for each in once]
    session = await recorded(tmp_path / "real", given)
    chance = random.Random(11)
    wanted = set(chance.sample(range(len(session.watched.operations)), 12))
    for number, disk, now_s in cuts(session.watched.operations):
        if number in wanted:
            for turn, (image, rows) in enumerate(disk.after_a_cut(chance, 2)):
                folder = tmp_path / f"cut-{number}-{turn}"
                put_down(image, folder)
                await check(folder, rows, session.recording, now_s, is_played=False)


async def test_a_recovery_that_is_cut_off_is_done_again(tmp_path: Path) -> None:
    session = await recorded(tmp_path / "real", frames(6))
    operations, chance, tried = session.watched.operations, random.Random(3), 0
    last_sync = max(number for number, each in enumerate(operations) if each.kind == "write")
    for number, disk, now_s in cuts(operations):
        if number not in (last_sync - 1, last_sync):
            continue
        for image, rows in disk.after_a_cut(chance, 3):
            if rows is None:
                continue
            mended = tmp_path / f"mended-{tried}"
            tried += 1
            put_down(image, mended)
            watched, kept = Watched(mended), Rows(rows)
            kept.on_change = lambda rows, is_durable, watched=watched: watched.note("rows", data=(rows, is_durable))
            with watched.watching():
                await Library(kept, mended, MASTER, SETTINGS).recover()
            again = Disk.of(image, rows)
            for step, operation in enumerate(watched.operations):
                for turn, (left, rows_left) in enumerate(again.after_a_cut(chance)):
                    folder = tmp_path / f"again-{tried}-{step}-{turn}"
                    put_down(left, folder)
                    await check(folder, rows_left, session.recording, now_s, is_played=False)
                again.apply(operation)
    assert tried


async def test_files_of_a_lost_database_are_taken_in_after_every_cut(tmp_path: Path) -> None:
    session = await recorded(tmp_path / "real", frames(6))
    for number, disk, now_s in cuts(session.watched.operations):
        image = {name: file.kept for name, file in disk.kept_names.items()}
        folder = tmp_path / f"cut-{number}"
        put_down(image, folder)
        kept = await check(folder, {}, session.recording, now_s, is_played=False)
        if now_s > MOST_LOST_S:
            assert kept.rows[session.recording].room_name == "Demo"
