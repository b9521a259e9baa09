"""The recording of a running room: by order or by its policy, taken up again when it is lost, and announced to all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from mcu.fleet.worker import Worker
from mcu.hearing import Hearing
from mcu.participant import Participant
from mcu.policy import RecordPolicy, RoomPolicy
from mcu.record_duty import RecordDuty
from mcu.stage import Stage
from mcu.taping import RecordingRegister, Taping
from mcu.worker.messages import AnyMessage

_AGAIN_AFTER_S = 1.0


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
        self._taping = Taping(worker, stage, register, next_leg_id, self._lost)
        self._duty = RecordDuty(room.policy.number, self.start, self._has_to_be)
        self._stopping: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the room is being recorded now."""
        return self._taping.is_running

    async def start(self, by: str) -> None:
        """From now on; all are told. Nothing while it runs or where the policy forbids it. Raises RegisterError."""
        policy = self._room.policy
        if policy.record is RecordPolicy.OFF:
            return
        if await self._taping.start(policy, by, self._names):
            self._hearing.announce("recording-started")
            self._room.recording_changed("recording-started", by=by)

    async def stop(self) -> None:
        """Finish it; all are told."""
        self.forget()
        if await self._taping.stop():
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

    async def finish(self) -> bool:
        """The room ends: whether one ran, whose file is complete now."""
        return await self._taping.stop()

    def _names(self) -> list[str]:
        return [person.name for person in self._room.participants.values()]

    def _lost(self) -> None:
        """One that ended by itself is taken up again in a new file."""
        if not self._room.is_closed:
            self._room.recording_changed("recording-ended")
            self._duty.later("recovery", _AGAIN_AFTER_S)

    def _has_to_be(self) -> bool:
        return self._room.policy.record is RecordPolicy.ALWAYS and not self._room.is_closed
