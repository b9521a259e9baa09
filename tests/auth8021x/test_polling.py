"""Reading by readiness and by the clock: when which, and that neither loses anything nor goes on after its end."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from auth8021x import polling
from auth8021x.polling import Load, PolledReader


@pytest.mark.parametrize(
    ("rounds", "lasts_s", "reads", "is_high"),
    [(300, 0.1, 1, True), (150, 0.1, 1, False), (300, 10.0, 1, False), (300, 0.1, 5, True)],
    ids=["many rounds", "few rounds", "many rounds in a long time", "many rounds and much in each"],
)
def test_polling_begins_where_the_loop_goes_round_for_each_frame(
    rounds: int, lasts_s: float, reads: int, is_high: bool
):
    load = Load()
    load.looked(1, 1000.0)
    for number in range(1, rounds + 1):
        load.looked(reads, 1000.0 + number * lasts_s * 1.0001 / rounds)
    assert load.is_high is is_high


@pytest.mark.parametrize(("reads", "is_high"), [(0, False), (1, False), (2, True), (20, True)])
def test_polling_ends_where_polls_find_little(reads: int, is_high: bool):
    load = Load()
    load.is_high = True
    load.looked(reads, 1000.0)
    for number in range(1, 102):
        load.looked(reads, 1000.0 + number / 1000)
    assert load.is_high is is_high


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


class Drained:
    def __init__(self, ours: socket.socket, most: int = 4) -> None:
        self.found: list[bytes] = []
        self._socket = ours
        self._most = most
        self.reader = PolledReader(ours, self.drain, most)

    def drain(self) -> int:
        for count in range(self._most):
            try:
                self.found.append(self._socket.recv(100))
            except BlockingIOError:
                return count
            if self.found[-1] == b"end":
                self.reader.close()
        return self._most

    async def has(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.found) < count:
                await asyncio.sleep(0.001)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "_WINDOW_S", 0.0)
    monkeypatch.setattr(polling, "_BUSY_ROUNDS_PER_S", 0.0)
    monkeypatch.setattr(polling, "_WORTH_READS", 0.0)


@pytest.mark.usefixtures("always")
async def test_nothing_is_lost_between_the_two(pair, monkeypatch: pytest.MonkeyPatch):
    ours, theirs = pair
    drained = Drained(ours)
    theirs.send(b"0")
    await drained.has(1)
    assert drained.reader.polls
    for number in range(1, 10):
        theirs.send(b"%d" % number)
    await drained.has(10)
    monkeypatch.setattr(polling, "_WORTH_READS", 100.0)
    async with asyncio.timeout(5):
        while drained.reader.polls:
            await asyncio.sleep(0.001)
    monkeypatch.setattr(polling, "_BUSY_ROUNDS_PER_S", 1e9)
    theirs.send(b"10")
    await drained.has(11)
    assert not drained.reader.polls
    assert drained.found == [b"%d" % number for number in range(11)]
    drained.reader.close()


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("before", [0, 1])
async def test_who_is_closed_by_what_came_reads_no_more(pair, before: int):
    ours, theirs = pair
    drained = Drained(ours, most=1)
    for number in range(before):
        theirs.send(b"%d" % number)
        await drained.has(number + 1)
    theirs.send(b"end")
    await drained.has(before + 1)
    theirs.send(b"late")
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert drained.found[before:] == [b"end"]


async def test_without_load_nothing_is_polled(pair):
    ours, theirs = pair
    drained = Drained(ours)
    theirs.send(b"0")
    await drained.has(1)
    assert not drained.reader.polls
    drained.reader.close()
