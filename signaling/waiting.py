"""Those who wait outside a room, as its hosts see them, and what a host decided about each of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from signaling.call_request import CallRequest
from signaling.lines import LineFull
from signaling.refusal import WaitReason

Told = Callable[[WaitReason], None]


def nobody_is_told(_reason: WaitReason) -> None:
    """For callers who cannot be told anything."""


class Verdict(StrEnum):
    """What a host said about one who waits."""

    LET_IN = "let-in"
    TURNED_AWAY = "turned-away"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One caller outside a room."""

    id: int
    """Never used twice while the server runs."""
    room: str
    name: str
    """What the caller says of itself."""
    protocol: str
    address: str
    """Where the call comes from, as the transport knows it."""
    identity: str
    """What the caller proved to be; "" where it proved nothing."""
    since: float
    """Seconds since the epoch."""
    reason: WaitReason
    network_identity: str = ""
    """As whom its device signed in to the network; "" where nobody knows."""

    def snapshot(self) -> dict[str, object]:
        """JSON-ready row for portal and join page."""
        return {
            "id": self.id,
            "name": self.name,
            "protocol": self.protocol,
            "address": self.address,
            "identity": self.identity,
            "is_verified": bool(self.identity),
            "network_identity": self.network_identity,
            "since": self.since,
            "reason": str(self.reason),
        }


class WaitingRooms:
    """All of them, a bounded number for each room; observers are told the number of the room that changed."""

    def __init__(self, *, most_per_room: int) -> None:
        self._most_per_room = most_per_room
        self._rooms: dict[str, dict[int, Waiting]] = {}
        self._verdicts: dict[int, Verdict] = {}
        self._numbers = itertools.count(1)
        self._observers: list[Callable[[str], None]] = []

    def rooms(self) -> list[str]:
        """Rooms outside of which somebody waits."""
        return list(self._rooms)

    def of(self, room: str) -> list[Waiting]:
        """Who waits for this room, who came first first."""
        return list(self._rooms.get(room, {}).values())

    def enter(self, request: CallRequest, room: str, reason: WaitReason, since: float) -> Waiting:
        """One more waits. Raises LineFull."""
        line = self._rooms.get(room, {})
        if len(line) >= self._most_per_room:
            raise LineFull(room)
        one = Waiting(
            next(self._numbers), room, request.name, request.protocol, request.source, request.identity, since, reason,
            request.network_identity,
        )  # fmt: skip
        self._rooms.setdefault(room, line)[one.id] = one
        self._tell(room)
        return one

    def turn_to(self, one: Waiting, reason: WaitReason) -> Waiting:
        """The same caller waits for something else now."""
        if one.reason is reason:
            return one
        changed = self._rooms[one.room][one.id] = replace(one, reason=reason)
        self._tell(one.room)
        return changed

    def leave(self, one: Waiting) -> None:
        """Waits no more; unknown ones are ignored."""
        line = self._rooms.get(one.room, {})
        self._verdicts.pop(one.id, None)
        if line.pop(one.id, None) is not None:
            if not line:
                del self._rooms[one.room]
            self._tell(one.room)

    def decide(self, room: str, number: int, verdict: Verdict) -> bool:
        """What a host says about one who waits for `room`; False when nobody of that number does."""
        if number not in self._rooms.get(room, {}):
            return False
        self._verdicts.setdefault(number, verdict)
        return True

    def verdict(self, one: Waiting) -> Verdict | None:
        """What a host said, None for nothing yet."""
        return self._verdicts.get(one.id)

    def observe(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with a room's number when its waiting people change; returns "stop observing"."""
        self._observers.append(callback)

        def stop() -> None:
            if callback in self._observers:
                self._observers.remove(callback)

        return stop

    def __len__(self) -> int:
        return sum(len(line) for line in self._rooms.values())

    def _tell(self, room: str) -> None:
        for observer in list(self._observers):
            observer(room)
