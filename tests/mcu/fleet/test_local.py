"""Workers on this machine, with processes that only answer."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from mcu.fleet.local import LocalFleet
from mcu.fleet.local_worker import LocalWorker, WorkerModules
from mcu.fleet.worker import WorkerError
from mcu.media import Codec, Kind
from mcu.worker.inflight import InFlight
from mcu.worker.messages import (
    AddAudioLeg,
    AnyMessage,
    BanSource,
    ConfigureLeg,
    Dtmf,
    LegFailed,
    OpenLeg,
    OpenRendition,
    RecordingEnded,
    SetScene,
    StartRecording,
    Transport,
)

STAND_IN = "tests.mcu.fleet.stand_in"


@pytest.fixture
async def worker() -> AsyncIterator[LocalWorker]:
    running = LocalWorker(1, {}, WorkerModules(STAND_IN, STAND_IN, STAND_IN, STAND_IN))
    running.start()
    yield running
    await running.stop()
    assert running.pids() == {}


def open_leg(leg: int, room: str = "1001") -> OpenLeg:
    return OpenLeg(leg, room, Transport.PORTS, (Kind.AUDIO,))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)


def neighbours(worker: LocalWorker, name: str) -> float:
    stats = worker.stats.get(name)
    return stats.gauges["neighbours"] if stats else 0


async def test_legs_are_opened_configured_and_refused(worker):
    assert (await worker.open_leg(open_leg(1))).address == "192.0.2.1"
    await worker.configure_leg(ConfigureLeg(1, ()))
    with pytest.raises(WorkerError, match="no-ports"):
        await worker.open_leg(open_leg(2, "none"))


async def test_a_killed_video_process_is_replaced_and_told_what_holds(worker):
    worker.send("video", SetScene("1001", "main", ()))
    worker.send("video", OpenRendition(1, "1001", "main", Codec.H264, 1280, 720, 25, 1))
    await until(lambda: "OpenRendition" in worker.stats.get("video", Nothing).counters)
    before = worker.pids()
    os.kill(before["video"], signal.SIGKILL)
    await until(lambda: worker.pids().get("video") not in (None, before["video"]))
    new = str(worker.pids()["video"])
    await until(lambda: worker.stats["video"].process == new and "OpenRendition" in worker.stats["video"].counters)
    assert worker.stats["video"].counters["SetScene"] == 1
    assert neighbours(worker, "video") == 1
    assert {name: pid for name, pid in worker.pids().items() if name != "video"} == {
        name: pid for name, pid in before.items() if name != "video"
    }
    assert worker.restarts == {"video": 1}


async def test_a_process_that_cannot_be_started_again_at_once_is_later(worker, monkeypatch):
    await worker.ready()
    start, tries = worker._start, []

    def start_at_the_third_try(name: str) -> object:
        tries.append(name)
        if len(tries) < 3:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return start(name)

    monkeypatch.setattr(worker, "_start", start_at_the_third_try)
    os.kill(worker.pids()["video"], signal.SIGKILL)
    await until(lambda: len(tries) == 3 and worker.is_whole)
    assert worker._restarts_pending == {}


async def test_a_lost_net_process_costs_the_legs_and_nothing_else(worker):
    heard: list[AnyMessage] = []
    await worker.open_leg(open_leg(1))
    worker.observe_leg(1, heard.append)
    worker.send("audio", AddAudioLeg("1001", 1, Codec.OPUS))
    os.kill(worker.pids()["net"], signal.SIGKILL)
    await until(lambda: bool(heard))
    assert heard == [LegFailed(1, "worker-lost")]
    await until(lambda: "net" in worker.pids())
    assert (await worker.open_leg(open_leg(2))).leg == 2
    await until(lambda: neighbours(worker, "net") == 2)


async def test_who_waits_for_an_answer_of_a_process_that_dies_is_told(worker):
    with pytest.raises(WorkerError, match="worker-lost"):
        await worker.open_leg(open_leg(1, "crash"))


async def test_a_worker_is_ready_when_its_net_process_speaks(worker):
    await worker.ready()


@pytest.mark.parametrize(
    ("settings", "module", "reason"),
    [
        ({"webrtc_port": "taken"}, "mcu.net.process", "UDP port .* of 127.0.0.1: Address already in use"),
        ({"webrtc_port": -1}, "mcu.net.process", "."),
        ({}, "no.such.module", "ended with status 1"),
    ],
)
async def test_a_net_process_that_cannot_start_says_why_and_is_not_tried_again(settings, module, reason):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        if settings.get("webrtc_port") == "taken":
            settings = {"webrtc_port": other.getsockname()[1]}
        worker = LocalWorker(1, {"net": settings}, WorkerModules(module, STAND_IN, STAND_IN, STAND_IN))
        worker.start()
        with pytest.raises(WorkerError, match=reason):
            await worker.ready()
        await until(lambda: "net" not in worker.pids())
        await asyncio.sleep(0.1)
        assert worker.restarts == {}
        await worker.stop()


async def test_the_recorder_starts_when_something_records_and_its_loss_is_told(worker):
    heard: list[AnyMessage] = []
    worker.observe(heard.append)
    await asyncio.sleep(0)
    assert "recorder" not in worker.pids()
    worker.send("recorder", StartRecording(9, "r", "p", bytes(32), b"", 1280, 720, 25))
    await until(lambda: neighbours(worker, "recorder") == 1)
    os.kill(worker.pids()["recorder"], signal.SIGKILL)
    await until(lambda: bool(heard))
    assert isinstance(heard[0], RecordingEnded)
    assert heard[0].error


async def test_a_source_that_is_decoded_at_two_crashes_is_banned(worker):
    heard: list[AnyMessage] = []
    worker.observe(heard.append)
    for crash in (1, 2):
        await until(lambda: "video" in worker.pids())
        InFlight.attach(os.dup(worker._in_flight.fileno())).enter(0, 77)
        pid = worker.pids()["video"]
        os.kill(pid, signal.SIGKILL)
        await until(lambda pid=pid: worker.pids().get("video") not in (None, pid))  # type: ignore[misc]
        assert heard == ([] if crash == 1 else [BanSource(77, is_banned=True)])
    await until(lambda: "BanSource" in worker.stats.get("video", Nothing).counters)


async def test_a_room_stays_with_its_worker_until_it_is_released():
    one, two = LocalWorker(1, {}), LocalWorker(2, {})
    fleet = LocalFleet([one, two])
    assert await fleet.worker_for("a") is one
    assert await fleet.worker_for("b") is two
    assert await fleet.worker_for("a") is one
    fleet.release("a")
    assert await fleet.worker_for("c") is one
    assert fleet.next_leg_id() < fleet.next_leg_id()


class Nothing:
    counters: dict[str, int] = {}  # noqa: RUF012


async def test_a_process_says_only_what_is_its_own_to_say(worker):
    await worker.ready()
    heard: list[AnyMessage] = []
    worker.observe_leg(1, heard.append)
    opening = asyncio.create_task(worker.open_leg(open_leg(1)))
    await asyncio.sleep(0)
    worker._heard("video", LegFailed(1, "made up"))
    worker._heard("audio", LegFailed(1, "made up"))
    worker._heard("video", Dtmf(1, "5"))
    worker._heard("recorder", Dtmf(1, "5"))
    assert (await opening).leg == 1
    assert heard == []
    worker._heard("audio", Dtmf(1, "5"))
    assert heard == [Dtmf(1, "5")]
