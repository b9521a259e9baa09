"""A call with a leg until its end, the same for every protocol: its media plane, keys, silence and camera.

A protocol's conversation follows the messages of its peer. Whoever sets the call up gives it a worker:

    talk.watch(worker)                   # before the leg is opened there
    await talk.run(set_up)               # `set_up` goes on beside it, and calls configure(media)
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Generic, Protocol, TypeVar

from mcu.fleet.worker import Worker
from mcu.leg import Leg
from mcu.media import LegMedia
from mcu.participant import Participant
from mcu.worker.messages import AnyMessage, CameraFrame, ConfigureLeg, Dtmf, LegFailed, LegSilent, LegStats
from signaling.admission import Admission
from signaling.digits import DigitPairs
from signaling.services import Gate
from signaling.silence import SilenceWatch

logger = logging.getLogger(__name__)


class OwnLeg(Leg, Protocol):
    """A leg whose media is set by its conversation."""

    media: LegMedia


AnyLeg = TypeVar("AnyLeg", bound=OwnLeg)


class Conversation(ABC, Generic[AnyLeg]):
    """Follows one call; the media plane of its leg is kept in step with what is agreed."""

    def __init__(self, leg: AnyLeg, gate: Gate, silent_s: float) -> None:
        self.leg: AnyLeg = leg
        self.room: str = ""
        """Where the leg is, for the log."""
        self.admission: Admission | None = None
        """Set when the room is known: its demand on the lock then holds for all that is agreed."""
        self.on_digit: Callable[[str], None] = ignore
        """Called once for each key press, whatever way it came."""
        self.on_media: Callable[[], None] = _nothing
        """Called after each change of the media that took effect; `leg.media` is what holds now."""
        self._worker: Worker | None = None
        self._gate = gate
        self._digits = DigitPairs()
        self._silence = SilenceWatch(silent_s, self._went_silent)

    async def run(self, beside: Coroutine[Any, Any, None]) -> None:
        """Follow the call to its end, `beside` no longer than that; then it is over and its leg is free."""
        try:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(beside)
                await self.follow()
                task.cancel()
        finally:
            try:
                self.close()
            finally:
                self.hang_up()

    def watch(self, worker: Worker) -> None:
        """The leg is about to be opened on `worker`; its events are followed, and close() frees it there."""
        self._worker = worker
        worker.observe_leg(self.leg.id, self._leg_event)

    def close(self) -> None:
        """Watch no more and free the leg, once."""
        self._silence.stop()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close_leg(self.leg.id)

    async def configure(self, media: LegMedia) -> None:
        """Put what was agreed into effect. Raises Refused, WorkerError.

        The lock is checked first: keys of a leg that is refused never reach the media plane.
        """
        assert self._worker is not None
        if self.admission is not None:
            self._gate.check_media(self.admission, media.grade)
        await self._worker.configure_leg(ConfigureLeg(self.leg.id, media.streams))
        self.leg.media = media
        self._silence.expects_media = any(stream.receive for stream in media.streams)

    @abstractmethod
    async def follow(self) -> None:
        """Until the call is over."""

    @abstractmethod
    def entered(self, room: str, person: Participant) -> None:
        """The leg is in a room: from now on it may present, and its camera may be moved."""

    @abstractmethod
    def hang_up(self) -> None:
        """End the call whatever its state."""

    @abstractmethod
    def _camera_frame(self, data: bytes) -> None:
        """An H.224 frame of the terminal."""

    @abstractmethod
    def _count(self, event: str) -> None:
        """Count something that happened in this call."""

    def _leg_event(self, message: AnyMessage) -> None:
        """What concerns the call; KeyframeWanted is for the conference."""
        if isinstance(message, Dtmf):
            self._keys(message.digit, "rfc4733")
        elif isinstance(message, CameraFrame):
            self._camera_frame(message.data)
        elif isinstance(message, LegSilent):
            self._silence.silent(message.silent_s)
        elif isinstance(message, LegStats):
            if not message.is_silent:
                self._silence.stop()
        elif isinstance(message, LegFailed):
            logger.warning("leg=%d room=%s media failed: %s", self.leg.id, self.room, message.reason)
            self.hang_up()

    def _keys(self, digits: Iterable[str], way: str) -> None:
        """Digits are counted, never logged: they may be a passcode."""
        for digit in digits:
            self._count(f"digit-{way}")
            if self._digits.receive(digit, way, asyncio.get_running_loop().time()):
                self.on_digit(digit)

    def _went_silent(self) -> None:
        logger.info("leg=%d room=%s ended: the peer is silent", self.leg.id, self.room)
        self.hang_up()


def ignore(_text: str) -> None:
    """Nobody takes it yet."""


def _nothing() -> None:
    """Nobody has to know."""
