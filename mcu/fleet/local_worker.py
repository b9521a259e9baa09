"""A worker on this machine: its processes are started, wired to each other, watched and started again."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from mcu.fleet.answers import Answers, within_time
from mcu.fleet.crashes import Crashes
from mcu.fleet.observers import Observers
from mcu.fleet.process import WorkerProcess
from mcu.fleet.replay import Replay
from mcu.fleet.spare import Ended, Heard, Spare
from mcu.fleet.worker import LegObserver, WorkerError
from mcu.worker.channel import channel_pair
from mcu.worker.inflight import InFlight
from mcu.worker.messages import (
    AddAudioLeg,
    AnyMessage,
    BanSource,
    CameraFrame,
    CannotStart,
    Channel,
    CloseLeg,
    CloseRoom,
    ConfigureLeg,
    Dtmf,
    KeyframeWanted,
    LegBandwidth,
    LegConfigured,
    LegConnected,
    LegFailed,
    LegOpened,
    LegSilent,
    LegStats,
    Levels,
    Message,
    OpenLeg,
    PeerLimit,
    ProcessStats,
    RecordingEnded,
    RecordingProgress,
    RemoveAudioLeg,
    RestartIce,
)

logger = logging.getLogger(__name__)

_START_TIMEOUT_S = 30.0
_NEIGHBOURS = ("video", "audio", "recorder")
_SAYS: dict[str, tuple[type[Message], ...]] = {
    "video": (ProcessStats,),
    "audio": (ProcessStats, Dtmf, Levels),
    "recorder": (ProcessStats, RecordingProgress, RecordingEnded),
}
"""All that these say. One that a stranger's picture has taken over must not speak for legs: admit, end, key in."""
_MOVES_LISTENERS = (AddAudioLeg, RemoveAudioLeg, CloseRoom)


@dataclass(frozen=True, slots=True)
class WorkerModules:
    """Which module each process runs."""

    net: str = "mcu.net.process"
    video: str = "mcu.video.process"
    audio: str = "mcu.audio.process"
    recorder: str = "recorder.process"

    def of(self, name: str) -> str:
        """The module of the process `name`."""
        return str(getattr(self, name))


class LocalWorker:
    """The net, video, audio and (while something records) recorder process of one worker."""

    def __init__(
        self, number: int, settings: Mapping[str, dict[str, object]], modules: WorkerModules = WorkerModules()
    ) -> None:
        """`settings` has a table for each process name."""
        self.number = number
        self.stats: dict[str, ProcessStats] = {}
        self.restarts: Counter[str] = Counter()
        self._settings = settings
        self._modules = modules
        self._processes: dict[str, WorkerProcess] = {}
        self._replay = {"video": Replay(), "audio": Replay()}
        self._crashes = {name: Crashes() for name in ("net", *_NEIGHBOURS)}
        self._spare = Spare(lambda heard, ended: self._make("audio", heard, ended))
        self._in_flight = InFlight.create()
        self._answers = Answers()
        self._observers = Observers()
        self._is_stopping = False
        self._restarts_pending: dict[str, asyncio.TimerHandle] = {}
        self._is_answering: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Start the processes that always run."""
        self._is_answering = asyncio.get_running_loop().create_future()
        for name in ("net", "video", "audio"):
            self._start(name)

    async def ready(self) -> None:
        """Return when the net process has its ports. Raises WorkerError with what it says when it cannot have them."""
        if self._is_answering is None:
            raise WorkerError("not-started")
        try:
            await asyncio.wait_for(asyncio.shield(self._is_answering), _START_TIMEOUT_S)
        except TimeoutError:
            raise WorkerError("the net process does not answer") from None

    async def stop(self) -> None:
        """Stop all processes; the recorder gets the time to finish its files."""
        self._is_stopping = True
        for timer in self._restarts_pending.values():
            timer.cancel()
        await self._spare.stop()
        if recorder := self._processes.get("recorder"):
            await recorder.stop()
        await asyncio.gather(*(process.stop() for process in list(self._processes.values())))
        self._in_flight.close()

    @property
    def is_whole(self) -> bool:
        """Whether the processes that always run do run."""
        return {"net", "video", "audio"} <= self.pids().keys()

    def pids(self) -> dict[str, int]:
        """Process ids by name, of those that run."""
        return {name: process.pid for name, process in self._processes.items() if process.is_running}

    # ---- Worker

    async def open_leg(self, request: OpenLeg) -> LegOpened:
        """Reserve ports or ICE credentials. Raises WorkerError."""
        opened = await self._ask(request, LegOpened, request.leg)
        assert isinstance(opened, LegOpened)
        return opened

    async def configure_leg(self, request: ConfigureLeg) -> None:
        """Apply what was negotiated. Raises WorkerError."""
        await self._ask(request, LegConfigured, request.leg)

    async def restart_ice(self, leg: int) -> LegOpened:
        """New ICE credentials for the same leg. Raises WorkerError."""
        opened = await self._ask(RestartIce(leg), LegOpened, leg)
        assert isinstance(opened, LegOpened)
        return opened

    def close_leg(self, leg: int) -> None:
        """Free everything the leg holds; unknown legs are ignored."""
        self._observers.forget(leg)
        self.send("net", CloseLeg(leg))

    def observe_leg(self, leg: int, observer: LegObserver) -> None:
        """Call `observer` with the events of this leg until it is closed."""
        self._observers.observe_leg(leg, observer)

    def observe(self, observer: LegObserver) -> None:
        """Call `observer` with Levels, RecordingProgress and RecordingEnded."""
        self._observers.observe(observer)

    def send(self, process: str, message: Message) -> None:
        """Tell a process something; standing orders are repeated where it is restarted."""
        if replay := self._replay.get(process):
            replay.note(message)
            if process == "audio" and isinstance(message, _MOVES_LISTENERS):
                self._spare.want(replay.has_listeners)
        running = self._processes.get(process)
        if running is None and process == "recorder":
            running = self._start(process)
        if running is not None:
            running.send(message)

    # ---- processes

    def _make(self, name: str, heard: Heard, ended: Ended) -> WorkerProcess:
        extra = [("inflight", self._in_flight.fileno())] if name == "video" else []
        return WorkerProcess(name, self._modules.of(name), self._settings.get(name, {}), heard, ended, extra)

    def _start(self, name: str) -> WorkerProcess:
        heard, ended = partial(self._heard, name), partial(self._ended, name)
        process = self._spare.take(heard, ended) if name == "audio" else None
        process = process or self._make(name, heard, ended)
        self._processes[name] = process
        logger.info("worker=%d process=%s pid=%d started", self.number, name, process.pid)
        for neighbour in _NEIGHBOURS if name == "net" else (name,):
            self._connect(neighbour)
        if replay := self._replay.get(name):
            for message in replay.messages():
                process.send(message)
        return process

    def _connect(self, neighbour: str) -> None:
        net, other = self._processes.get("net"), self._processes.get(neighbour)
        if net is None or other is None or not (net.is_running and other.is_running):
            return
        ours, theirs = channel_pair()
        with ours, theirs:
            net.send(Channel(neighbour), [ours.fileno()])
            other.send(Channel("net"), [theirs.fileno()])

    def _ended(self, name: str, status: int) -> None:
        self._processes.pop(name, None)
        if self._is_stopping:
            return
        if name == "net" and self._never_answered(f"the net process ended with status {status}"):
            self._lose_legs()
            return
        logger.error("worker=%d process=%s ended with status %d, starting it again", self.number, name, status)
        self.restarts[name] += 1
        if name == "video":
            self._judge_sources()
        elif name == "net":
            self._lose_legs()
        elif name == "recorder":
            self._observers.tell(RecordingEnded("", 0, 0.0, "", error="recorder process ended"))
            return
        self._restart_later(name)

    def _restart_later(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        delay_s = self._crashes[name].delay_s(loop.time())
        self._restarts_pending[name] = loop.call_later(delay_s, self._restart, name)

    def _restart(self, name: str) -> None:
        self._restarts_pending.pop(name, None)
        if self._is_stopping or name in self._processes:
            return
        try:
            self._start(name)
        except OSError as error:  # no memory, no processes left: that may pass
            logger.error("worker=%d process=%s cannot be started again: %s", self.number, name, error)
            self._restart_later(name)

    def _judge_sources(self) -> None:
        """A source that was being decoded at two crashes is not decoded again until a host allows it."""
        for stream in self._crashes["video"].guilty(self._in_flight.take()):
            logger.error("worker=%d stream=%d crashed the decoder twice, banned", self.number, stream)
            self.send("video", BanSource(stream, is_banned=True))
            self._observers.tell(BanSource(stream, is_banned=True))

    def _lose_legs(self) -> None:
        self._answers.lose()
        for leg in self._observers.legs:
            self._observers.tell_leg(leg, LegFailed(leg, "worker-lost"))

    # ---- messages

    async def _ask(self, request: Message, answer: type[Message], leg: int) -> AnyMessage:
        process = self._processes.get("net")
        if process is None:
            raise WorkerError("worker-lost")
        future = self._answers.expect(answer, leg)
        process.send(request)
        return await within_time(future)

    def _never_answered(self, reason: str) -> bool:
        """Whether the net process has not said anything useful yet; who waits for it is told why."""
        future = self._is_answering
        if future is None:
            return False
        if not future.done():
            future.set_exception(WorkerError(reason))
        return future.exception() is not None

    def _heard(self, process: str, message: AnyMessage) -> None:
        if not isinstance(message, _SAYS.get(process, Message)):
            logger.warning("worker=%d process=%s may not say %s", self.number, process, type(message).__name__)
            return
        if isinstance(message, CannotStart):
            self._never_answered(message.reason)
            return
        if process == "net" and self._is_answering is not None and not self._is_answering.done():
            self._is_answering.set_result(None)
        match message:
            case LegOpened() | LegConfigured():
                self._answers.take(message)
            case LegFailed():
                if not self._answers.fail(message):
                    self._observers.tell_leg(message.leg, message)
            case (
                LegConnected()
                | LegSilent()
                | KeyframeWanted()
                | Dtmf()
                | LegStats()
                | PeerLimit()
                | CameraFrame()
                | LegBandwidth()
            ):
                self._observers.tell_leg(message.leg, message)
            case ProcessStats():
                self.stats[process] = message
            case Levels() | RecordingProgress() | RecordingEnded():
                self._observers.tell(message)
            case _:
                logger.warning("worker=%d process=%s sent an unexpected %s", self.number, process, type(message))
