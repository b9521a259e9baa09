"""Accounting: order within a session, bounds, a journal that survives, delivery through a restart."""

import asyncio
import os
import resource
import stat
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from auth8021x.errors import NoAnswerError, QueueFullError
from auth8021x.radius import record as records
from auth8021x.radius.accounting import AccountingClient
from auth8021x.radius.accounting_queue import AccountingQueue
from auth8021x.radius.journal import Journal
from auth8021x.radius.record import Record
from auth8021x.radius.request import Answered, Request
from auth8021x.wire import attribute
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, Code, Type
from auth8021x.wire.packet import Packet
from config.dot1x import AccountingSettings

START, STOP, UPDATE = AcctStatusType.START, AcctStatusType.STOP, AcctStatusType.INTERIM_UPDATE
ON = AcctStatusType.ACCOUNTING_ON
SETTINGS = AccountingSettings(retry_s=5, max_retry_s=20, max_age_s=1000)


def record(number: int, session: str = "a", status: AcctStatusType = START, made_at: float = 0.0) -> Record:
    return Record(number, session, status, (Attribute(Type.CLASS, bytes((number,))),), made_at)


def filled(*given: Record, **settings: int) -> AccountingQueue:
    queue = AccountingQueue(AccountingSettings(retry_s=5, max_retry_s=20, max_age_s=1000, **settings))
    for each in given:
        queue.put(each)
    return queue


def numbers(found: list[Record]) -> list[int]:
    return [each.number for each in found]


def test_a_session_is_told_in_order_and_sessions_do_not_wait_for_each_other():
    queue = filled(record(1, "a"), record(2, "b"), record(3, "a", STOP))
    assert numbers(queue.ready(0)) == [1, 2]
    assert queue.ready(0) == []
    queue.delivered(record(2, "b"))
    queue.failed(record(1, "a"), 0)
    assert queue.ready(4.9) == []
    assert queue.next_timeout() == 5
    assert numbers(queue.ready(5)) == [1]
    queue.delivered(record(1, "a"))
    assert numbers(queue.ready(5)) == [3]
    queue.delivered(record(3, "a"))
    assert len(queue) == 0
    assert queue.next_timeout() is None


def test_a_record_that_nobody_takes_is_tried_less_and_less_often():
    queue, now, waits = filled(record(1)), 0.0, []
    for _ in range(5):
        queue.ready(now)
        queue.failed(record(1), now)
        due = queue.next_timeout()
        assert due is not None
        waits.append(due - now)
        now = due
    assert waits == [5, 10, 20, 20, 20]


def test_nothing_overtakes_accounting_on():
    queue = filled(record(1, "old", STOP), record(2, "", ON), record(3, "new"))
    assert numbers(queue.ready(0)) == [1, 2]
    queue.delivered(record(2, ""))
    assert numbers(queue.ready(0)) == [3]


def test_an_update_takes_the_place_of_the_one_before():
    queue = filled(record(1), record(2, status=UPDATE))
    assert numbers(queue.put(record(3, status=UPDATE))) == [2]
    assert numbers(queue.records()) == [1, 3]
    queue.ready(0)
    queue.delivered(record(1))
    assert numbers(queue.ready(0)) == [3]
    assert queue.put(record(4, status=UPDATE)) == [], "what has been sent is not taken back"
    assert numbers(queue.records()) == [3, 4]


def test_when_full_updates_make_way_and_then_nothing_more_is_taken():
    queue = filled(record(1), record(2, "b"), record(3, "b", UPDATE), max_records=3)
    assert numbers(queue.put(record(4, "c"))) == [3]
    assert numbers(queue.records()) == [1, 2, 4]
    with pytest.raises(QueueFullError):
        queue.put(record(5, "d"))
    assert numbers(queue.ready(0)) == [1, 2, 4]
    assert queue.counters["refused"] == 1


def test_the_last_update_of_a_session_makes_way_for_its_end():
    queue = filled(record(1, "a", UPDATE), max_records=1)
    assert numbers(queue.put(record(2, "a", STOP))) == [1]
    assert numbers(queue.ready(0)) == [2]


def test_what_is_too_old_is_dropped_unless_it_is_under_way():
    queue = filled(record(1, "a", made_at=0), record(2, "b", made_at=500), record(3, "c", made_at=0))
    queue.ready(0)
    queue.failed(record(3, "c"), 0)
    assert numbers(queue.expire(1001)) == [3]
    assert numbers(queue.records()) == [1, 2]


def test_no_more_than_some_are_under_way():
    queue = filled(*(record(number, str(number)) for number in range(1, 6)), max_in_flight=2)
    assert numbers(queue.ready(0)) == [1, 2]
    assert queue.next_timeout() is None
    queue.delivered(record(1, "1"))
    assert numbers(queue.ready(0)) == [3]


# ---- the journal


def test_what_was_written_is_read_after_a_restart(tmp_path: Path):
    journal = Journal(tmp_path / "accounting" / "records")
    assert journal.load() == []
    given = [record(number, "病房 3", UPDATE, 12.5) for number in range(1, 5)]
    journal.write(given, [])
    journal.write([], [2, 4])
    again = Journal(tmp_path / "accounting" / "records")
    assert again.load() == [given[0], given[2]]
    assert again.damaged == 0
    mode = stat.S_IMODE(os.stat(tmp_path / "accounting" / "records").st_mode)
    assert mode == 0o600


def test_cut_off_anywhere_the_lines_before_are_read(tmp_path: Path):
    path = tmp_path / "records"
    journal = Journal(path)
    journal.load()
    given = [record(1), record(2)]
    journal.write(given, [])
    whole = path.read_bytes()
    first = len(records.line(given[0]))
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        found = Journal(path)
        read = found.load()
        if size in (first - 1, len(whole) - 1):  # without its end of line a line is whole
            assert read == given[: 1 if size < first else 2]
        else:
            assert read == given[: 1 if size >= first else 0]
            assert found.damaged == (0 if size in (0, first) else 1)


def test_a_damaged_line_costs_itself_alone(tmp_path: Path):
    path = tmp_path / "records"
    lines = [records.line(record(number)) for number in range(1, 4)]
    for place in range(len(lines[1]) - 1):
        broken = bytearray(lines[1])
        broken[place] ^= 1
        path.write_bytes(lines[0] + bytes(broken) + lines[2])
        journal = Journal(path)
        assert numbers(journal.load())[0] == 1
        assert journal.damaged >= 1


def test_a_line_that_a_full_disk_cut_off_costs_no_other(tmp_path: Path):
    path = tmp_path / "records"
    journal = Journal(path)
    journal.load()
    room, limits = len(records.line(record(1))) // 2, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(OSError):
            journal.write([record(1)], [])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.stat().st_size == room
    journal.write([record(1), record(2)], [])
    assert Journal(path).load() == [record(1), record(2)]


def test_anything_else_is_no_record():
    import zlib

    for body in (b"", b"-", b"-x", b"{}", b"[]", b'{"number":0}', b"\xff"):
        with pytest.raises(ValueError, match="accounting"):
            records.parse(b"%08x " % zlib.crc32(body) + body)


# ---- the client


class Server:
    """Takes records, or is dead."""

    def __init__(self, is_up: bool = True) -> None:
        self.is_up = is_up
        self.taken: list[Request] = []

    async def ask(self, request: Request) -> Answered:
        await asyncio.sleep(0)
        if not self.is_up:
            raise NoAnswerError("no-answer")
        self.taken.append(request)
        return Answered(1, "r0", Packet(Code.ACCOUNTING_RESPONSE, 1), 0.0)

    def told(self) -> list[tuple[int | None, int | None]]:
        """Acct-Status-Type and Acct-Delay-Time of what was taken."""
        return [
            (
                attribute.first_number(each.attributes, Type.ACCT_STATUS_TYPE),
                attribute.first_number(each.attributes, Type.ACCT_DELAY_TIME),
            )
            for each in self.taken
        ]


async def settled(client: AccountingClient, server: Server, count: int) -> None:
    async with asyncio.timeout(5):
        while len(server.taken) < count or len(client.queue):
            await asyncio.sleep(0.005)


async def test_what_was_told_while_no_server_was_there_arrives_after_a_restart(tmp_path: Path):
    server, now = Server(is_up=False), [1000.0]
    client = AccountingClient(AccountingQueue(SETTINGS), Journal(tmp_path / "records"), server, lambda: now[0])
    await client.load()
    running = asyncio.create_task(client.run())
    client.put("s1", START, (attribute.text(Type.ACCT_SESSION_ID, "s1"),))
    client.put("s1", STOP, ())
    async with asyncio.timeout(5):
        while client.queue.counters["failed"] == 0:
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert server.taken == []

    server.is_up, now[0] = True, 1090.0
    again = AccountingClient(AccountingQueue(SETTINGS), Journal(tmp_path / "records"), server, lambda: now[0])
    await again.load()
    again.put("s2", START, ())
    running = asyncio.create_task(again.run())
    await settled(again, server, 3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert sorted(server.told()) == [(START, 0), (START, 90), (STOP, 90)]
    assert server.told().index((START, 90)) < server.told().index((STOP, 90))
    assert Journal(tmp_path / "records").load() == []


async def test_a_disk_that_fails_costs_no_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server, journal = Server(), Journal(tmp_path / "records")
    client = AccountingClient(AccountingQueue(SETTINGS), journal, server)
    await client.load()
    monkeypatch.setattr("auth8021x.radius.accounting._DISK_RETRY_S", 0.01)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "write", full)
    running = asyncio.create_task(client.run())
    client.put("s1", START, ())
    await settled(client, server, 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class SlowJournal(Journal):
    """Writes the file anew after the first write, in its own time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.is_at_it, self.goes_on, self.is_done = threading.Event(), threading.Event(), threading.Event()

    def is_wasteful(self, size: int, kept: int) -> bool:  # type: ignore[override]
        return not self.is_at_it.is_set()

    def compact(self, kept: Iterable[Record]) -> None:
        self.is_at_it.set()
        assert self.goes_on.wait(10)
        super().compact(kept)
        self.is_done.set()


async def test_what_is_told_at_the_end_outlives_a_file_that_is_being_written_anew(tmp_path: Path):
    journal = SlowJournal(tmp_path / "records")
    client = AccountingClient(AccountingQueue(SETTINGS), journal, Server(is_up=False))
    client.put("a", START, ())
    running = asyncio.create_task(client.run())
    await asyncio.to_thread(journal.is_at_it.wait, 10)
    client.put("a", STOP, ())
    running.cancel()
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, journal.goes_on.set)
    await asyncio.wait([running])
    await asyncio.to_thread(journal.is_done.wait, 10)
    assert [each.status for each in Journal(tmp_path / "records").load()] == [START, STOP]


async def test_a_record_that_fails_in_an_odd_way_keeps_the_others_from_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    class Odd(Server):
        async def ask(self, request: Request) -> Answered:
            if attribute.first(request.attributes, Type.CLASS) == b"odd":
                raise RuntimeError("an odd record")
            return await super().ask(request)

    server = Odd()
    client = AccountingClient(AccountingQueue(SETTINGS), Journal(tmp_path / "records"), server)
    running = asyncio.create_task(client.run())
    client.put("a", START, (Attribute(Type.CLASS, b"odd"),))
    client.put("b", START, ())
    async with asyncio.timeout(5):
        while not server.taken:
            await asyncio.sleep(0.005)
    assert len(client.queue) == 1, "it is tried again"
    assert "an odd record" in caplog.text
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
