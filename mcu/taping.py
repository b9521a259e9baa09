"""The recording of one conference: one more receiver of what everybody gets, and its entry in the register."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from mcu.fleet.worker import Worker
from mcu.media import Codec
from mcu.policy import RoomPolicy
from mcu.stage import Stage
from mcu.worker.messages import (
    AddAudioLeg,
    AnyMessage,
    LegFailed,
    OpenRecorderLeg,
    RecordingEnded,
    RecordingProgress,
    RemoveAudioLeg,
    StartRecording,
    StopRecording,
)

logger = logging.getLogger(__name__)
_STOP_PATIENCE_S = 10.0
_MAX_NAMES = 500


class RegisterError(Exception):
    """What a register raises; `reason` is a word for logs, pages and the database: disk-full, cannot-write."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RecordingRegister(Protocol):
    """Where recordings are listed and their keys are made; implemented on the recorder's library."""

    async def begin(self, policy: RoomPolicy, leg: int, by: str, picture: tuple[int, int, int]) -> StartRecording:
        """Make identity, key and file name of a recording; `picture` is width, height, frames per second.

        Raises RegisterError.
        """

    async def progress(self, message: RecordingProgress) -> None:
        """It grew."""

    async def took_part(self, recording_id: str, participants: Sequence[str]) -> None:
        """Who is in it so far; what is known of one that is cut off."""

    async def finish(self, message: RecordingEnded, participants: Sequence[str]) -> None:
        """It ended, in good order or not."""


class Taping:
    """Starts and stops the recorder of one conference, and notices when a recording ended by itself."""

    def __init__(
        self,
        worker: Worker,
        stage: Stage,
        register: RecordingRegister,
        next_leg_id: Callable[[], int],
        on_lost: Callable[[str], None],
        on_disk: Callable[[float | None], None] = lambda _: None,
    ) -> None:
        """`on_lost` is called, with the reason, when a running recording ended by itself; nothing is recorded then.

        `on_disk` is told how many seconds the disk lasts; None while that is long enough.
        """
        self._worker = worker
        self._stage = stage
        self._register = register
        self._next_leg_id = next_leg_id
        self._on_lost = on_lost
        self._on_disk = on_disk
        self._turn = asyncio.Lock()
        self._running: StartRecording | None = None
        self._rendition = 0
        self._names: dict[str, list[str]] = {}
        """Recording -> who took part, until its file is complete."""
        self._all_ended = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_running(self) -> bool:
        """Whether something is being recorded."""
        return self._running is not None

    def note_participant(self, name: str) -> None:
        """Somebody came in while it records."""
        if self._running is None:
            return
        names = self._names.get(self._running.recording, [])
        if name not in names and len(names) < _MAX_NAMES:
            names.append(name)
            self._note_names(self._running.recording)

    async def start(self, policy: RoomPolicy, by: str, names: Callable[[], Sequence[str]]) -> bool:
        """Begin a recording of the main picture and of what all together say; False when one runs, or nobody is here.

        Two that are asked for at once are one. `names` tells who is here. Raises RegisterError.
        """
        async with self._turn:
            if self.is_running or not names():
                return False
            leg = self._next_leg_id()
            rung = self._stage.largest
            order = await self._register.begin(policy, leg, by, (rung.width, rung.height, rung.frame_rate))
            self._running = order
            self._names[order.recording] = list(dict.fromkeys(names()))[:_MAX_NAMES]
            self._all_ended.clear()
            self._rendition = self._stage.acquire_recorded(rung)
            self._worker.observe_leg(leg, self._leg_event)
            self._worker.send("recorder", order)
            self._worker.send("net", OpenRecorderLeg(leg, policy.number, self._rendition))
            self._worker.send("audio", AddAudioLeg(policy.number, leg, Codec.OPUS, is_recorder=True))
            self._note_names(order.recording)
            logger.info("room=%s recording=%s started", policy.number, order.recording)
            return True

    async def stop(self) -> bool:
        """Finish the file; it, and those lost before it, are complete and registered then. False where none ran."""
        async with self._turn:
            was_running = self._running is not None
            self._release()
            if self._names:
                await self._wait_for_files()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_STOP_PATIENCE_S)
            return was_running

    async def _wait_for_files(self) -> None:
        try:
            await asyncio.wait_for(self._all_ended.wait(), _STOP_PATIENCE_S)
        except TimeoutError:
            logger.error("recordings=%s did not end in time", ",".join(self._names))

    def heard(self, message: AnyMessage) -> None:
        """RecordingProgress or RecordingEnded of any recording ("" means all: the process was lost)."""
        if isinstance(message, RecordingProgress) and message.recording in self._names:
            self._spawn(self._register.progress(message))
            if self._running is not None and self._running.recording == message.recording:
                self._on_disk(message.left_s)
        elif isinstance(message, RecordingEnded):
            for recording in [message.recording] if message.recording else list(self._names):
                self._take_end(replace(message, recording=recording))

    def _take_end(self, message: RecordingEnded) -> None:
        names = self._names.pop(message.recording, None)
        if names is None:
            return
        self._spawn(self._register.finish(message, names))
        if message.error:
            logger.error("recording=%s ended: %s", message.recording, message.error)
        if not self._names:
            self._all_ended.set()
        if self._running is not None and self._running.recording == message.recording:
            self._release(has_ended=True)
            self._on_lost(message.error)

    def _leg_event(self, message: AnyMessage) -> None:
        if isinstance(message, LegFailed) and self._running is not None and message.leg == self._running.leg:
            self._release()
            self._on_lost(message.reason)

    def _release(self, *, has_ended: bool = False) -> None:
        """Let the recorder finish the file, unless it has, and free what fed it."""
        order, self._running = self._running, None
        if order is None:
            return
        if not has_ended:
            self._worker.send("recorder", StopRecording(order.leg))
        self._worker.close_leg(order.leg)
        self._worker.send("audio", RemoveAudioLeg(order.leg))
        self._stage.release_recorded(self._rendition)

    def _note_names(self, recording: str) -> None:
        self._spawn(self._register.took_part(recording, tuple(self._names[recording])))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a recording could not be registered: %s", error)
