"""The stay of an answered call in its room, whoever called: into the conference, the keys of its menu, and out."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from mcu.fleet.worker import Worker
from mcu.leg import Leg
from mcu.participant import Participant
from signaling.admission import Admission, Refusal, Refused
from signaling.attendant.remote import RemoteControl
from signaling.services import CallServices


class Talk(Protocol):
    """An answered call of any protocol (signaling.conversation)."""

    room: str
    """Where its leg is, for the log."""
    admission: Admission | None
    """Set when the room is known: its demand on the lock then holds for every negotiation."""
    on_digit: Callable[[str], None]
    """Called once for each key press, whatever way it came."""
    on_media: Callable[[], None]
    """Called after each renegotiation that took effect."""

    @property
    def leg(self) -> Leg:
        """As conferences see the call."""

    async def run(self, beside: Coroutine[Any, Any, None]) -> None:
        """Follow the call to its end, `beside` no longer than that; then it is over and its leg is free."""

    def entered(self, room: str, person: Participant) -> None:
        """The leg is in a room: from now on it may present, and its camera may be moved."""

    def hang_up(self) -> None:
        """End the call whatever its state."""


class RoomStay:
    """One call whose media is agreed; leave() gives back what connect() took."""

    def __init__(self, talk: Talk, services: CallServices, worker: Worker, name: str) -> None:
        self._talk = talk
        self._services = services
        self._worker = worker
        self._name = name
        self._remote: RemoteControl | None = None
        self._has_joined = False

    async def connect(self, admission: Admission) -> None:
        """Into the conference; from here on media flows. Raises Refused, WorkerError."""
        number = admission.policy.number
        if await self._services.fleet.worker_for(number) is not self._worker:
            # The ports of the leg are elsewhere than the room: only a new call gets others.
            raise Refused(Refusal.CAPACITY)
        talk = self._talk
        # Before it is in, so that nothing is agreed on meanwhile that the room does not allow.
        talk.room, talk.admission = number, admission
        self._has_joined = True
        person = await self._services.calls.connect(talk.leg, admission, self._name)
        self._services.calls.follow(talk.leg.id, admission, self._settle)
        self._settle(admission, person)

    def _settle(self, admission: Admission, person: Participant) -> None:
        """The leg is in a room now, the first or another one."""
        talk, desk, number = self._talk, self._services.desk, admission.policy.number
        talk.room, talk.admission = number, admission
        talk.entered(number, person)
        talk.on_media = lambda: self._services.calls.leg_changed(number, talk.leg.id)
        if self._remote is not None:
            self._remote.close()
        if desk is not None:
            self._remote = RemoteControl(desk, admission, talk.leg.id, talk.hang_up)
            talk.on_digit = self._remote.receive_digit

    async def leave(self) -> None:
        """The call is over."""
        if self._remote is not None:
            self._remote.close()
        if self._has_joined:
            await self._services.calls.leave(self._talk.room, self._talk.leg.id)
