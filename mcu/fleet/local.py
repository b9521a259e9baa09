"""Workers on this machine: their processes are started, wired to each other, watched and started again."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

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

_ANSWER_TIMEOUT_S = 10.0
_START_TIMEOUT_S = 30.0
_RESTART_DELAYS_S = (0.0, 0.2, 0.5, 1.0)
_CALM_S = 30.0
_CRASHES_BEFORE_BAN = 2
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


@dataclass(slots=True)
class _Crashes:
    """How often a process died lately, and which sources it was decoding then."""

    recent: int = 0
    last_s: float = 0.0
    in_flight: Counter[int] = field(default_factory=Counter)

    def delay_s(self, now: float) -> float:
        """How long to wait before the next start."""
        self.recent = self.recent + 1 if now - self.last_s < _CALM_S else 0
        self.last_s = now
        return _RESTART_DELAYS_S[min(self.recent, len(_RESTART_DELAYS_S) - 1)]


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
        self._crashes = {name: _Crashes() for name in ("net", *_NEIGHBOURS)}
        self._spare = Spare(lambda heard, ended: self._make("audio", heard, ended))
        self._in_flight = InFlight.create()
        self._answers: dict[tuple[type[Message], int], asyncio.Future[AnyMessage]] = {}
        self._leg_observers: dict[int, list[LegObserver]] = {}
        self._observers: list[LegObserver] = []
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
        self._leg_observers.pop(leg, None)
        self.send("net", CloseLeg(leg))

    def observe_leg(self, leg: int, observer: LegObserver) -> None:
        """Call `observer` with the events of this leg until it is closed."""
        self._leg_observers.setdefault(leg, []).append(observer)

    def observe(self, observer: LegObserver) -> None:
        """Call `observer` with Levels, RecordingProgress and RecordingEnded."""
        self._observers.append(observer)

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
            self._tell(RecordingEnded("", 0, 0.0, "", error="recorder process ended"))
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
        crashes = self._crashes["video"]
        for stream in self._in_flight.take():
            crashes.in_flight[stream] += 1
            if crashes.in_flight[stream] == _CRASHES_BEFORE_BAN:
                logger.error("worker=%d stream=%d crashed the decoder twice, banned", self.number, stream)
                self.send("video", BanSource(stream, is_banned=True))
                self._tell(BanSource(stream, is_banned=True))

    def _lose_legs(self) -> None:
        for future in self._answers.values():
            if not future.done():
                future.set_exception(WorkerError("worker-lost"))
        for leg in list(self._leg_observers):
            self._tell_leg(leg, LegFailed(leg, "worker-lost"))

    # ---- messages

    async def _ask(self, request: Message, answer: type[Message], leg: int) -> AnyMessage:
        process = self._processes.get("net")
        if process is None:
            raise WorkerError("worker-lost")
        key = (answer, leg)
        if key in self._answers:
            raise WorkerError("busy")
        future: asyncio.Future[AnyMessage] = asyncio.get_running_loop().create_future()
        self._answers[key] = future
        process.send(request)
        try:
            return await asyncio.wait_for(future, _ANSWER_TIMEOUT_S)
        except TimeoutError:
            raise WorkerError("worker-timeout") from None
        finally:
            self._answers.pop(key, None)

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
                self._answer(type(message), message.leg, message)
            case LegFailed():
                if not self._fail(message):
                    self._tell_leg(message.leg, message)
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
                self._tell_leg(message.leg, message)
            case ProcessStats():
                self.stats[process] = message
            case Levels() | RecordingProgress() | RecordingEnded():
                self._tell(message)
            case _:
                logger.warning("worker=%d process=%s sent an unexpected %s", self.number, process, type(message))

    def _answer(self, kind: type[Message], leg: int, message: AnyMessage) -> None:
        future = self._answers.get((kind, leg))
        if future is not None and not future.done():
            future.set_result(message)

    def _fail(self, message: LegFailed) -> bool:
        for kind in (LegOpened, LegConfigured):
            future = self._answers.get((kind, message.leg))
            if future is not None and not future.done():
                future.set_exception(WorkerError(message.reason))
                return True
        return False

    def _tell_leg(self, leg: int, message: AnyMessage) -> None:
        for observer in list(self._leg_observers.get(leg, ())):
            _call(observer, message)

    def _tell(self, message: AnyMessage) -> None:
        for observer in list(self._observers):
            _call(observer, message)


class LocalFleet:
    """All workers of this machine; a room stays with the worker that it was given."""

    def __init__(self, workers: list[LocalWorker]) -> None:
        if not workers:
            raise ValueError("a fleet needs a worker")
        self.workers = workers
        self._rooms: dict[str, LocalWorker] = {}
        self._legs = itertools.count(1)

    def start(self) -> None:
        """Start all workers."""
        for worker in self.workers:
            worker.start()

    async def ready(self) -> None:
        """Return when all workers can take calls. Raises WorkerError."""
        await asyncio.gather(*(worker.ready() for worker in self.workers))

    async def stop(self) -> None:
        """Stop all workers."""
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    def next_leg_id(self) -> int:
        """A leg number that was never used since the server started."""
        return next(self._legs)

    async def worker_for(self, room: str) -> LocalWorker:
        """The worker that holds `room`; a new room goes where the fewest rooms are."""
        if room not in self._rooms:
            load = Counter(worker.number for worker in self._rooms.values())
            self._rooms[room] = min(self.workers, key=lambda worker: load[worker.number])
        return self._rooms[room]

    def release(self, room: str) -> None:
        """The room is closed; its next conference may live elsewhere."""
        self._rooms.pop(room, None)


def _call(observer: Callable[[AnyMessage], None], message: AnyMessage) -> None:
    try:
        observer(message)
    except Exception:
        logger.exception("an observer failed on %s", type(message).__name__)
