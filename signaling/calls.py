"""The last steps into a conference, the same for every protocol: the gate has opened, the leg is configured.

Before that it knows who is on the way: callers with the attendant, and those who wait outside a room.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from mcu.camera import CameraMove
from mcu.cameras import Steering
from mcu.conference import Conference
from mcu.conferences import Conferences
from mcu.leg import Leg
from mcu.participant import Participant
from mcu.policy import RoomPolicy
from signaling.admission import Admission
from signaling.call_request import CallRequest
from signaling.refusal import Refusal, Refused

_MAX_REMEMBERED: Final = 10_000
"""Far above what one machine carries; past it those that are over are forgotten."""


class Calls:
    """Puts admitted legs into their conference and takes them out again."""

    def __init__(self, conferences: Conferences, settled: Callable[[str], None] | None = None) -> None:
        """`settled` is called with the id of each call that is in its room (mcu.load.Load.settled)."""
        self.conferences = conferences
        self._settled = settled
        self._came: dict[int, tuple[str, str, str]] = {}
        """Protocol, source and address of ours of those in rooms, by leg."""
        self._outside: dict[int, _Outside] = {}
        self._stays: dict[int, _Stay] = {}

    def arrived(self, leg: int, request: CallRequest, end: Callable[[], None]) -> None:
        """A call came in that is in no room yet, until connect() or gone(); `end` tells its caller why it ends."""
        self._outside[leg] = _Outside(_origin(request), end)

    def gone(self, leg: int) -> None:
        """A call is over that may never have been in a room."""
        self._outside.pop(leg, None)

    async def connect(self, leg: Leg, admission: Admission, name: str) -> Participant:
        """Let a configured leg into its room; from here on media flows. Raises WorkerError, Refused.

        Seats and lock are looked at once more, because several callers may have passed the gate at the same moment.
        """
        conference = await self.conferences.open(admission.policy)
        try:
            _check(conference, admission)
            participant = await conference.join(
                leg, name, admission.role, admission.request.identity, admission.allowance,
                admission.request.network_identity,
            )  # fmt: skip
        except BaseException:
            await conference.leave(leg.id)
            if not conference.participants:
                await conference.close()
            raise
        self._remember(leg.id, admission)
        if self._settled is not None:
            self._settled(admission.request.call)
        return participant

    def follow(self, leg: int, admission: Admission, moved: Callable[[Admission, Participant], None]) -> None:
        """Whoever has a leg that is in its room: `moved` is told when hosts take it to another one, until leave()."""
        self._stays[leg] = _Stay(admission, moved)

    async def move(self, room: str, leg: int, policy: RoomPolicy) -> None:
        """A host takes somebody to another room; the lock and the passcode there are the host's business.

        Raises Refused (the room is full, asks for a better lock of the media, or is on another worker) and KeyError
        where nobody of that number is in `room`.
        """
        stay = self._stays[leg]
        there = await self.conferences.open(policy)
        here = self.conferences.get(room)
        try:
            if here is None or here is there:
                raise KeyError(leg)
            person = here.participants[leg]
            admission = replace(stay.admission, policy=policy, role=person.role, is_let_in=True)
            _check(there, admission)
            if person.leg.media.grade < policy.required_grade:
                raise Refused(Refusal.ENCRYPTION_REQUIRED)
            if not here.can_hand_over_to(there):
                raise Refused(Refusal.CAPACITY)
            here.hand_over(leg, there)
        finally:
            for conference in (here, there):
                if conference is not None and not conference.participants:
                    await conference.close()
        self._stays[leg] = _Stay(admission, stay.moved)
        stay.moved(admission, person)

    async def leave(self, room: str, leg: int) -> None:
        """The peer hung up; rooms and legs that are gone already are ignored."""
        self._came.pop(leg, None)
        self._stays.pop(leg, None)
        self.gone(leg)
        if conference := self.conferences.get(room):
            await conference.leave(leg)

    async def drop(self, protocols: Collection[str], is_concerned: Callable[[str, str], bool]) -> int:
        """End the calls from somewhere: `is_concerned` is asked with the source and the address of ours; how many.

        Those outside rooms are among them.
        """
        dropped = self._drop_outside(protocols, is_concerned)
        for conference in self.conferences.running():
            for leg in list(conference.participants):
                came = self._came.get(leg)
                if came is not None and came[0] in protocols and is_concerned(*came[1:]):
                    del self._came[leg]
                    await conference.remove(leg)
                    dropped += 1
        return dropped

    def moved(self, leg: int, source: str, local: str) -> None:
        """A page came back from another address: what happens at the old one does not concern it any more."""
        if (came := self._came.get(leg)) is not None:
            self._came[leg] = (came[0], source, local)

    def _remember(self, leg: int, admission: Admission) -> None:
        if len(self._came) >= _MAX_REMEMBERED:
            # Legs that their conference has ended are not told of.
            inside = {each for conference in self.conferences.running() for each in conference.participants}
            self._came = {each: came for each, came in self._came.items() if each in inside}
        self._came[leg] = _origin(admission.request)
        self.gone(leg)

    def _drop_outside(self, protocols: Collection[str], is_concerned: Callable[[str, str], bool]) -> int:
        found = [
            leg for leg, each in self._outside.items() if each.came[0] in protocols and is_concerned(*each.came[1:])
        ]
        for leg in found:
            self._outside.pop(leg).end()
        return len(found)

    def request_floor(self, room: str, leg: int) -> bool:
        """The terminal of the leg wants to present; whether it may."""
        conference = self.conferences.get(room)
        return conference is not None and conference.request_floor(leg)

    def release_floor(self, room: str, leg: int) -> None:
        """It presents no longer."""
        if conference := self.conferences.get(room):
            conference.release_floor(leg)

    def leg_changed(self, room: str, leg: int) -> None:
        """The leg was renegotiated."""
        if conference := self.conferences.get(room):
            conference.leg_changed(leg)

    def steer_camera(self, room: str, leg: int, move: CameraMove, hold_s: float, *, is_start: bool) -> Steering:
        """The remote control of the terminal turns the camera of whom it sees large, where it may."""
        conference = self.conferences.get(room)
        if conference is None:
            return Steering.NOBODY_SEEN
        return conference.steer_camera(leg, move, hold_s, is_start=is_start)


@dataclass(frozen=True, slots=True)
class _Stay:
    """Of a call that is in a room."""

    admission: Admission
    moved: Callable[[Admission, Participant], None]


@dataclass(frozen=True, slots=True)
class _Outside:
    came: tuple[str, str, str]
    """As of those in rooms."""
    end: Callable[[], None]


def _origin(request: CallRequest) -> tuple[str, str, str]:
    return request.protocol, request.source, request.local


def _check(conference: Conference, admission: Admission) -> None:
    if len(conference.participants) >= admission.policy.max_participants:
        raise Refused(Refusal.FULL)
    if conference.is_locked and not admission.is_above_the_lock:
        raise Refused(Refusal.LOCKED)
