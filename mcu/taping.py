"""The recording of one conference: one more receiver of what everybody gets, and its entry in the register."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from mcu.fleet.worker import Worker
from mcu.media import Codec
from mcu.policy import RoomPolicy
from mcu.rendition import LADDER
from mcu.stage import Stage
from mcu.worker.messages import (
    AddAudioLeg,
    AnyMessage,
    CloseLeg,
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


class RecordingRegister(Protocol):
    """Where recordings are listed and their keys are made; implemented on the recorder's library."""

    async def begin(self, policy: RoomPolicy, leg: int, by: str, picture: tuple[int, int, int]) -> StartRecording:
        """Make identity, key and file name of a recording; `picture` is width, height, frames per second."""

    async def progress(self, message: RecordingProgress) -> None:
        """It grew."""

    async def finish(self, message: RecordingEnded, participants: Sequence[str]) -> None:
        """It ended, in good order or not."""


class Taping:
    """Starts and stops the recorder of one conference, and starts it again when its process was lost."""

    def __init__(
        self,
        worker: Worker,
        register: RecordingRegister,
        next_leg_id: Callable[[], int],
        on_lost: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        """`on_lost` is called when a running recording ended by itself."""
        self._worker = worker
        self._register = register
        self._next_leg_id = next_leg_id
        self._on_lost = on_lost
        self._running: StartRecording | None = None
        self._room = ""
        self._rendition = 0
        self._names: list[str] = []
        self._ended: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_running(self) -> bool:
        """Whether something is being recorded."""
        return self._running is not None

    def note_participant(self, name: str) -> None:
        """Somebody came in while it records."""
        if self.is_running and name not in self._names and len(self._names) < _MAX_NAMES:
            self._names.append(name)

    async def start(self, policy: RoomPolicy, by: str, names: Sequence[str], stage: Stage) -> None:
        """Begin a recording of the main picture and of what all together say."""
        leg = self._next_leg_id()
        rung = LADDER[0]
        order = await self._register.begin(policy, leg, by, (rung.width, rung.height, rung.frame_rate))
        self._running, self._room, self._names = order, policy.number, list(dict.fromkeys(names))
        self._ended = asyncio.Event()
        self._rendition = stage.acquire_recorded()
        self._worker.observe_leg(leg, self._leg_event)
        self._worker.send("recorder", order)
        self._worker.send("net", OpenRecorderLeg(leg, policy.number, self._rendition))
        self._worker.send("audio", AddAudioLeg(policy.number, leg, Codec.OPUS, is_recorder=True))
        logger.info("room=%s recording=%s started by=%s", policy.number, order.recording, by)

    async def stop(self, stage: Stage) -> None:
        """Finish the file and wait until it is complete."""
        order, ended = self._running, self._ended
        if order is None or ended is None:
            return
        self._worker.send("recorder", StopRecording(order.leg))
        self._release(order, stage)
        try:
            await asyncio.wait_for(ended.wait(), _STOP_PATIENCE_S)
        except TimeoutError:
            logger.error("room=%s recording=%s did not end in time", self._room, order.recording)
        self._running = None

    def concerns(self, recording: str) -> bool:
        """Whether an event is about the recording that runs here ("" means all of a lost process)."""
        return self._running is not None and recording in ("", self._running.recording)

    def heard(self, message: AnyMessage) -> None:
        """RecordingProgress or RecordingEnded of this recording."""
        if isinstance(message, RecordingProgress):
            self._spawn(self._register.progress(message))
        elif isinstance(message, RecordingEnded) and self._running is not None:
            self._take_end(message, self._running)

    def _take_end(self, message: RecordingEnded, order: StartRecording) -> None:
        known = RecordingEnded(
            order.recording, message.size_bytes, message.duration_s, message.chain_head, message.error
        )
        self._spawn(self._register.finish(known, self._names))
        if self._ended is not None:
            self._ended.set()
        if message.error:
            logger.error("room=%s recording=%s ended: %s", self._room, order.recording, message.error)
            self._spawn(self._on_lost())

    def abandon(self, stage: Stage) -> None:
        """The recorder ended by itself: free what it used."""
        if self._running is not None:
            self._release(self._running, stage)
            self._running = None

    def _leg_event(self, message: AnyMessage) -> None:
        if isinstance(message, LegFailed) and self._running is not None:
            self._worker.send("recorder", StopRecording(self._running.leg))
            self._spawn(self._on_lost())

    def _release(self, order: StartRecording, stage: Stage) -> None:
        self._worker.send("net", CloseLeg(order.leg))
        self._worker.close_leg(order.leg)
        self._worker.send("audio", RemoveAudioLeg(order.leg))
        if self._rendition:
            stage.release_recorded(self._rendition)
            self._rendition = 0

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("room=%s recording register failed: %s", self._room, error)
