"""A spare process for the sound: there while somebody listens, the next one when it is needed, gone with the last."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable

import pytest

from mcu.fleet import spare
from mcu.fleet.local_worker import LocalWorker, WorkerModules
from mcu.media import Codec
from mcu.worker.messages import AddAudioLeg, CloseRoom, RemoveAudioLeg

STAND_IN = "tests.mcu.fleet.stand_in"


@pytest.fixture
async def worker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalWorker]:
    monkeypatch.setattr(spare, "_START_DELAY_S", 0.0)
    monkeypatch.setattr(spare, "_RETRY_DELAY_S", 0.0)
    running = LocalWorker(1, {}, WorkerModules(STAND_IN, STAND_IN, STAND_IN, STAND_IN))
    running.start()
    yield running
    await running.stop()
    assert running._spare.pid == 0
    assert not running._spare._ending


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_it_waits_only_while_somebody_listens(worker: LocalWorker) -> None:
    await worker.ready()
    await asyncio.sleep(0.05)
    assert worker._spare.pid == 0
    worker.send("audio", AddAudioLeg("1001", 1, Codec.OPUS))
    worker.send("audio", AddAudioLeg("1001", 2, Codec.OPUS))
    await until(lambda: worker._spare.pid > 0)
    waiting = worker._spare.pid
    worker.send("audio", RemoveAudioLeg(1))
    assert worker._spare.pid == waiting
    worker.send("audio", CloseRoom("1001"))
    assert worker._spare.pid == 0
    await until(lambda: is_gone(waiting))


async def test_it_takes_over_and_the_next_one_is_made_ready(worker: LocalWorker) -> None:
    worker.send("audio", AddAudioLeg("1001", 1, Codec.OPUS))
    await until(lambda: worker._spare.pid > 0)
    first, waiting = worker.pids()["audio"], worker._spare.pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: worker.pids().get("audio") == waiting)

    def is_told() -> bool:
        said = worker.stats.get("audio")
        return said is not None and said.process == str(waiting) and said.counters.get("AddAudioLeg") == 1

    await until(is_told)
    assert worker.stats["audio"].gauges["neighbours"] == 1
    await until(lambda: worker._spare.pid not in (0, waiting))
    assert worker.restarts == {"audio": 1}


async def test_one_that_dies_in_waiting_is_replaced_and_nobody_hears_of_it(worker: LocalWorker) -> None:
    worker.send("audio", AddAudioLeg("1001", 1, Codec.OPUS))
    await until(lambda: worker._spare.pid > 0)
    working, waiting = worker.pids(), worker._spare.pid
    os.kill(waiting, signal.SIGKILL)
    await until(lambda: worker._spare.pid not in (0, waiting))
    assert (worker.pids(), worker.restarts) == (working, {})


async def test_one_that_takes_its_time_to_end_is_not_taken_for_its_successor(worker: LocalWorker) -> None:
    worker.send("audio", AddAudioLeg("1001", 1, Codec.OPUS))
    await until(lambda: worker._spare.pid > 0)
    first = worker._spare.pid
    os.kill(first, signal.SIGSTOP)
    worker.send("audio", CloseRoom("1001"))
    worker.send("audio", AddAudioLeg("1002", 2, Codec.OPUS))
    await until(lambda: worker._spare.pid not in (0, first))
    second = worker._spare.pid
    os.kill(first, signal.SIGCONT)
    await until(lambda: is_gone(first))
    await asyncio.sleep(0.05)
    assert worker._spare.pid == second
    worker.send("audio", CloseRoom("1002"))
    await until(lambda: is_gone(second))


async def test_one_that_cannot_be_started_is_tried_again(worker: LocalWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    make, tries = worker._make, []

    def fail_twice(*arguments: object) -> object:
        tries.append(arguments)
        if len(tries) < 3:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return make(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "_make", fail_twice)
    worker.send("audio", AddAudioLeg("1001", 1, Codec.OPUS))
    await until(lambda: worker._spare.pid > 0)
    assert len(tries) == 3
