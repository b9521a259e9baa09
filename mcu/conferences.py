"""All running conferences: opened by the first who comes, closed behind the last who leaves."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from mcu.capacity import Allowance, Demand
from mcu.conference import Conference, ConferenceEvent
from mcu.fleet.worker import Fleet, Worker
from mcu.leg import HangUp
from mcu.policy import RoomPolicy
from mcu.recovery import Waiting
from mcu.taping import RecordingRegister
from mcu.worker.messages import AnyMessage, BanSource, Levels

logger = logging.getLogger(__name__)
Observer = Callable[[ConferenceEvent], None]


class Conferences:
    """Finds a running conference by its room number, and tells observers what happens in all of them."""

    def __init__(self, fleet: Fleet, register: RecordingRegister) -> None:
        self._fleet = fleet
        self._register = register
        self._running: dict[str, Conference] = {}
        self._workers: dict[int, Worker] = {}
        self._observers: list[Observer] = []
        self._host_came: dict[str, asyncio.Event] = {}
        self.counters: Counter[str] = Counter()
        self.spare: Callable[[], Allowance] = lambda: Allowance.FULL
        """What the machine has left for another participant."""

    def get(self, number: str) -> Conference | None:
        """The conference that runs in this room."""
        return self._running.get(number)

    def running(self) -> list[Conference]:
        """All of them, oldest first."""
        return list(self._running.values())

    async def open(self, policy: RoomPolicy) -> Conference:
        """The conference of a room, started where none runs; one that is ending is waited for. Raises WorkerError."""
        worker = await self._fleet.worker_for(policy.number)
        while running := self._running.get(policy.number):
            if not running.is_closed:
                return running
            await self.wait(policy.number)
            worker = await self._fleet.worker_for(policy.number)
        if id(worker) not in self._workers:
            self._workers[id(worker)] = worker
            worker.observe(self._heard)
        conference = Conference(
            policy, worker, self._register, self._fleet.next_leg_id, self._happened, self.spare
        )  # fmt: skip
        self._running[policy.number] = conference
        self._happened(ConferenceEvent("opened", policy.number))
        return conference

    def demands(self) -> dict[str, Demand]:
        """What each running conference needs of the machine, by number."""
        return {number: conference.demand() for number, conference in self._running.items()}

    def waiting_for_more(self) -> list[Waiting]:
        """Those who have less than everything, in each room the first who came first."""
        return [
            Waiting(number, person.id, person.allowance)
            for number, conference in self._running.items()
            for person in conference.participants.values()
            if person.allowance < Allowance.FULL
        ]

    def observe(self, callback: Observer) -> Callable[[], None]:
        """Call back on every event; the result stops it."""
        self._observers.append(callback)
        return lambda: self._observers.remove(callback)

    async def close(self) -> None:
        """End all conferences, because the server stops."""
        await asyncio.gather(*(conference.close(HangUp.SHUTDOWN) for conference in self.running()))

    # ---- what the gate asks (signaling.admission.RunningRooms)

    def follow(self, policy: RoomPolicy) -> None:
        """Let a running conference know what is stored of its room now; what was read before that is ignored."""
        conference = self.get(policy.number)
        if conference is not None and policy.changed_at > conference.policy.changed_at:
            conference.policy_changed(policy)

    def host_is_in(self, number: str) -> bool:
        """Whether a host is in the room."""
        conference = self.get(number)
        return conference is not None and conference.host_is_in

    def count(self, number: str) -> int:
        """How many are in the room."""
        conference = self.get(number)
        return len(conference.participants) if conference is not None else 0

    def is_locked(self, number: str) -> bool:
        """Whether a host locked the running conference."""
        conference = self.get(number)
        return conference is not None and conference.is_locked

    async def wait(self, number: str) -> None:
        """Return at the next change of the room: somebody came, left, locked or unlocked it."""
        event = self._host_came.setdefault(number, asyncio.Event())
        await event.wait()

    # ---- events

    def _happened(self, event: ConferenceEvent) -> None:
        self.counters[event.kind] += 1
        if event.kind == "closed":
            self._running.pop(event.room, None)
            self._fleet.release(event.room)
        if event.kind != "levels" and (waiting := self._host_came.pop(event.room, None)):
            waiting.set()
        for observer in list(self._observers):
            try:
                observer(event)
            except Exception:
                logger.exception("room=%s an observer failed on %s", event.room, event.kind)

    def _heard(self, message: AnyMessage) -> None:
        match message:
            case Levels():
                if conference := self.get(message.room):
                    conference.heard(message)
            case BanSource():
                for conference in self.running():
                    if conference.owns(message.stream):
                        conference.heard(message)
            case _:
                for conference in self.running():
                    conference.heard(message)
