"""The stay of a SIP call in its room, whoever dialled: into the conference, the keys of the menu, and out again."""

from __future__ import annotations

from mcu.fleet.worker import Worker
from signaling.admission import Admission, Refusal, Refused
from signaling.attendant.remote import RemoteControl
from signaling.sip.call_handle import CallHandle
from signaling.sip.calls.conversation import Conversation
from signaling.sip.services import Services


class RoomStay:
    """One call whose media is agreed; leave() gives back what connect() took."""

    def __init__(self, call: CallHandle, talk: Conversation, services: Services, worker: Worker, name: str) -> None:
        self._call = call
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
        talk, desk = self._talk, self._services.desk
        talk.room, talk.admission = number, admission
        self._has_joined = True
        await self._services.calls.connect(talk.leg, admission, self._name)
        talk.room_system.entered(number)
        talk.on_media = lambda: self._services.calls.leg_changed(number, talk.leg.id)
        if desk is not None:
            self._remote = RemoteControl(desk, admission, talk.leg.id, self._call.hang_up)
            talk.on_digit = self._remote.receive_digit

    async def leave(self) -> None:
        """The call is over."""
        if self._remote is not None:
            self._remote.close()
        if self._has_joined:
            await self._services.calls.leave(self._talk.room, self._talk.leg.id)
