"""The recording of a running room: by order or by its policy, taken up again when it is lost, and announced to all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from mcu.fleet.worker import Worker
from mcu.hearing import Hearing
from mcu.participant import Participant
from mcu.policy import RecordPolicy, RoomPolicy
from mcu.record_duty import RecordDuty
from mcu.recording_notice import RecordingNotice
from mcu.stage import Stage
from mcu.taping import RecordingRegister, Taping
from mcu.worker.messages import AnyMessage

logger = logging.getLogger(__name__)
_AGAIN_AFTER_S = 1.0
_FULL = "disk-full"
_FULL_SHOWN_S = 30.0
"""So long a picture says that the recording has ended, because the disk is full."""


class Room(Protocol):
    """The conference that is recorded."""

    policy: RoomPolicy

    @property
    def is_closed(self) -> bool:
        """Whether it has ended, or is ending."""

    @property
    def participants(self) -> Mapping[int, Participant]:
        """Who is in it."""

    def recording_changed(self, kind: str, **data: object) -> None:
        """It runs now, or no longer; `kind` and `data` are for all who look on."""


class RoomRecording:
    """At most one at a time."""

    def __init__(
        self,
        room: Room,
        worker: Worker,
        stage: Stage,
        hearing: Hearing,
        register: RecordingRegister,
        next_leg_id: Callable[[], int],
    ) -> None:
        self._room = room
        self._hearing = hearing
        self._taping = Taping(worker, stage, register, next_leg_id, self._lost, self._take_disk)
        self._duty = RecordDuty(room.policy.number, self.start, self._has_to_be)
        self._stopping: asyncio.Task[None] | None = None
        self._notice: RecordingNotice | None = None
        self._notice_timer: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether the room is being recorded now."""
        return self._taping.is_running

    @property
    def notice(self) -> RecordingNotice | None:
        """What all are told of the disk now."""
        return self._notice

    async def start(self, by: str) -> None:
        """From now on; all are told. Nothing while it runs or where the policy forbids it. Raises RegisterError."""
        policy = self._room.policy
        if policy.record is RecordPolicy.OFF:
            return
        if await self._taping.start(policy, by, self._names):
            self._set_notice(None)
            self._hearing.announce("recording-started")
            self._room.recording_changed("recording-started", by=by)

    async def stop(self) -> None:
        """Finish it; all are told."""
        self.forget()
        if await self._taping.stop():
            self._set_notice(None)
            self._hearing.announce("recording-stopped")
            self._room.recording_changed("recording-ended")

    def welcome(self, person: Participant) -> None:
        """Somebody has come, who is to know that it runs; the first one of some rooms has it begin."""
        self._taping.note_participant(person.name)
        if self.is_running:
            self._hearing.announce("recording-started", leg=person.id)
        elif self._room.policy.record is RecordPolicy.ALWAYS:
            self._duty.later("policy")

    def policy_changed(self, record: RecordPolicy) -> None:
        """The administrator wants it otherwise than before."""
        if record is RecordPolicy.OFF:
            self._stopping = asyncio.get_running_loop().create_task(self.stop())
        elif record is RecordPolicy.ALWAYS:
            self._duty.later("policy")

    def heard(self, message: AnyMessage) -> None:
        """RecordingProgress or RecordingEnded, of any recording."""
        self._taping.heard(message)

    def forget(self) -> None:
        """Begin none by itself any more."""
        self._duty.forget()
        self._set_notice(None)

    async def finish(self) -> bool:
        """The room ends: whether one ran, whose file is complete now."""
        return await self._taping.stop()

    def _names(self) -> list[str]:
        return [person.name for person in self._room.participants.values()]

    def _take_disk(self, left_s: float | None) -> None:
        """The disk lasts so long; all are told, and again with every minute."""
        notice = None if left_s is None else RecordingNotice.of(left_s)
        if notice != self._notice and not self._room.is_closed:
            is_first, self._notice = self._notice is None, notice
            if notice is None:
                self._room.recording_changed("recording-disk-enough")
            elif is_first:
                logger.warning(
                    "room=%s the disk ends the recording in %d min", self._room.policy.number, notice.ends_in_min
                )
                self._room.recording_changed("recording-disk-low", ends_in_min=notice.ends_in_min)
            else:
                self._room.recording_changed("changed")

    def _set_notice(self, notice: RecordingNotice | None) -> None:
        if self._notice_timer is not None:
            self._notice_timer.cancel()
            self._notice_timer = None
        self._notice = notice

    def _full_was_seen(self) -> None:
        self._set_notice(None)
        self._room.recording_changed("changed")

    def _lost(self, reason: str) -> None:
        """One that ended by itself is taken up again in a new file."""
        if not self._room.is_closed:
            self._set_notice(RecordingNotice() if reason == _FULL else None)
            if reason == _FULL:
                self._hearing.announce("recording-stopped")
                loop = asyncio.get_running_loop()
                self._notice_timer = loop.call_later(_FULL_SHOWN_S, self._full_was_seen)
            self._room.recording_changed("recording-ended", reason=reason)
            self._duty.later("recovery", _AGAIN_AFTER_S)

    def _has_to_be(self) -> bool:
        return self._room.policy.record is RecordPolicy.ALWAYS and not self._room.is_closed
