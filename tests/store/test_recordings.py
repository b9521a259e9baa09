"""Recordings: begin, progress in batches, end, and what a killed server leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from store.batch import Batch
from store.database import Database
from store.errors import AlreadyExists, Invalid, NotFound, Unavailable
from store.recordings import Recording

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)


def recording(name: str, minutes: int = 0, room: str = "1001") -> Recording:
    return Recording(name, room, "病房", NOW + timedelta(minutes=minutes), "admin")


async def test_from_begin_to_end(database: Database) -> None:
    recordings = database.recordings
    await recordings.add(recording("r1"))
    with pytest.raises(AlreadyExists):
        await recordings.add(recording("r1"))
    await recordings.took_part("r1", ("Dr. 王", "Terminal 3"))
    ended = await recordings.end(
        "r1", ended_at=NOW + timedelta(hours=1), size_bytes=5 << 30, duration_s=3600.5, chain_head="ab", error="x" * 999
    )
    assert ended == await recordings.get("r1")
    assert (ended.state, ended.size_bytes, ended.duration_s, ended.chain_head) == ("complete", 5 << 30, 3600.5, "ab")
    assert ended.participants == ("Dr. 王", "Terminal 3")
    assert len(ended.error) == 256
    assert await recordings.running() == []
    values = {"ended_at": NOW, "size_bytes": 0, "duration_s": 0.0, "chain_head": ""}
    with pytest.raises(NotFound):
        await recordings.end("r9", **values)
    with pytest.raises(Invalid):
        await recordings.end("r1", **values, state="lost")
    assert await recordings.delete("r1")
    assert not await recordings.delete("r1")


async def test_pages(database: Database) -> None:
    for minute in range(6):
        await database.recordings.add(recording(f"r{minute}", minute, "1001" if minute % 2 else "1002"))
    first = await database.recordings.page(limit=4)
    assert [found.id for found in first] == ["r5", "r4", "r3", "r2"]
    assert [found.id for found in await database.recordings.page(before=first[-1].started_at)] == ["r1", "r0"]
    assert [found.id for found in await database.recordings.page(room="1002")] == ["r4", "r2", "r0"]
    assert len(await database.recordings.page(limit=0)) == 1


async def test_progress_survives_a_stop_and_never_overwrites_the_end(database: Database) -> None:
    recordings = database.recordings
    for name in ("r1", "r2"):
        await recordings.add(recording(name))
        for second in range(5):
            await recordings.progress(name, size_bytes=second, duration_s=float(second), chain_head=f"h{second}")
    await recordings.end("r2", ended_at=NOW, size_bytes=9, duration_s=9.0, chain_head="end", state="failed")
    await recordings.progress("r2", size_bytes=1, duration_s=1.0, chain_head="late")
    await recordings.close()
    assert [found.id for found in await recordings.running()] == ["r1"]
    first, second = await recordings.get("r1"), await recordings.get("r2")
    assert first is not None
    assert second is not None
    assert (first.size_bytes, first.chain_head) == (4, "h4")
    assert (second.size_bytes, second.chain_head) == (9, "end")


async def test_batch_writes_the_newest_together() -> None:
    written: list[dict[str, int]] = []

    async def write(values: Mapping[str, int]) -> None:
        written.append(dict(values))

    batch: Batch[int] = Batch(write, 0.01)
    for number in range(100):
        batch.put("a", number)
        batch.put("b", -number)
    batch.discard("b")
    await asyncio.sleep(0.05)
    assert written == [{"a": 99}]
    batch.put("c", 1)
    await batch.close()
    assert written == [{"a": 99}, {"c": 1}]


async def test_batch_counts_what_a_lost_database_costs() -> None:
    async def write(_values: Mapping[str, int]) -> None:
        raise Unavailable("gone")

    batch: Batch[int] = Batch(write, 0.01)
    for number in range(10_050):
        batch.put(str(number), number)
    assert batch.dropped == 50
    await batch.close()
    assert batch.dropped == 10_050


async def test_what_is_wrong_is_noted_beside_the_end(database: Database) -> None:
    recordings = database.recordings
    for name in ("r1", "r2"):
        await recordings.add(recording(name))
    ended = await recordings.end(
        "r1", ended_at=NOW, size_bytes=9, duration_s=9.0, chain_head="end", participants=("Ward 3",)
    )
    assert ended.participants == ("Ward 3",)
    await recordings.note_error("r1", "file-missing")
    await recordings.note_error("r9", "file-missing")
    assert await recordings.errors() == {"r1": "file-missing", "r2": ""}
    found = await recordings.get("r1")
    assert found is not None
    assert (found.state, found.chain_head, found.error) == ("complete", "end", "file-missing")


async def test_durable_transactions_leave_the_others_as_they_were(database: Database) -> None:
    connections = database.connections
    if not connections.is_sqlite:
        pytest.skip("of SQLite")
    for is_durable, level in ((False, 1), (True, 2), (False, 1)):
        async with connections.write(is_durable=is_durable) as connection:
            assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == level
