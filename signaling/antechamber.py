"""The antechamber of the gate: callers wait here for a host or for the lock, are checked again, and are let in."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from config.gate import GateSettings
from signaling.call_request import Admission
from signaling.changes import Changes
from signaling.faces import Clock, RunningRooms
from signaling.lines import LineFull
from signaling.refusal import Refusal, Refused, WaitReason
from signaling.waiting import Told, Verdict, Waiting, WaitingRooms

CheckAgain = Callable[[Admission], Awaitable[Admission]]
_TOO_LATE = {WaitReason.HOST: Refusal.HOST_ABSENT, WaitReason.LOCKED: Refusal.LOCKED}


class Antechamber:
    """Where all who were admitted wait until nothing stands in their way any more."""

    def __init__(
        self,
        running: RunningRooms,
        settings: GateSettings,
        clock: Clock,
        check_again: CheckAgain,
        check_network: CheckAgain,
    ) -> None:
        """`check_network` is asked of those who may come in; whose session ends while they wait is told by others."""
        self.people = WaitingRooms(most_per_room=settings.max_waiting_per_room)
        self.changes = Changes(running, clock, most=settings.max_waiting, recheck_s=settings.recheck_s)
        self._running = running
        self._settings = settings
        self._clock = clock
        self._check_again = check_again
        self._check_network = check_network

    def let_in(self, room: str, waiting: int) -> bool:
        """A host says yes; False when nobody of that number waits."""
        return self._decide(room, waiting, Verdict.LET_IN)

    def turn_away(self, room: str, waiting: int) -> bool:
        """A host says no; False when nobody of that number waits."""
        return self._decide(room, waiting, Verdict.TURNED_AWAY)

    def is_locked_for(self, admission: Admission) -> bool:
        """Whether the lock keeps this one out: that of the running conference, else that of the stored room."""
        number = admission.policy.number
        is_locked = self._running.is_locked(number) or (admission.policy.is_locked and self._running.count(number) == 0)
        return is_locked and not admission.is_above_the_lock

    async def wait(self, admission: Admission, told: Told) -> Admission:
        """Return once the caller may join now. Raises Refused."""
        deadline = self._clock.now() + self._settings.host_wait_s
        one: Waiting | None = None
        try:
            while True:
                # The version is read before the check, so that no change in between is slept through.
                version = self.changes.version
                admission = await self._check_again(self._judged(admission, one))
                reason = self._reason(admission)
                if reason is None:
                    return await self._check_network(admission)
                if self._clock.now() >= deadline:
                    raise Refused(_TOO_LATE[reason])
                if one is None or one.reason is not reason:
                    one = self._note(admission, one, reason)
                    told(reason)
                await self._wait_for_change(admission, version)
        finally:
            if one is not None:
                self.people.leave(one)

    def _judged(self, admission: Admission, one: Waiting | None) -> Admission:
        verdict = self.people.verdict(one) if one is not None else None
        if verdict is Verdict.TURNED_AWAY:
            raise Refused(Refusal.NOT_LET_IN)
        return replace(admission, is_let_in=True) if verdict is Verdict.LET_IN else admission

    def _reason(self, admission: Admission) -> WaitReason | None:
        if admission.is_above_the_lock:
            return None
        if admission.policy.waits_for_host and not self._running.host_is_in(admission.policy.number):
            return WaitReason.HOST
        return WaitReason.LOCKED if self.is_locked_for(admission) else None

    def _note(self, admission: Admission, one: Waiting | None, reason: WaitReason) -> Waiting:
        if one is not None:
            return self.people.turn_to(one, reason)
        try:
            return self.people.enter(admission.request, admission.policy.number, reason, time.time())
        except LineFull:
            raise self._no_room_to_wait() from None

    async def _wait_for_change(self, admission: Admission, version: int) -> None:
        try:
            await self.changes.wait(admission.policy.number, since=version)
        except LineFull:
            raise self._no_room_to_wait() from None

    def _no_room_to_wait(self) -> Refused:
        return Refused(Refusal.CAPACITY, retry_after_s=self._settings.recheck_s)

    def _decide(self, room: str, waiting: int, verdict: Verdict) -> bool:
        is_known = self.people.decide(room, waiting, verdict)
        if is_known:
            self.changes.report(room)
        return is_known
