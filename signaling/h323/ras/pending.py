"""Our own requests that wait for their answers: sent again, and given up (H.225.0 7.19). Bounded and pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from signaling.h323.ras.address import Address
from signaling.h323.ras.answers import Datagram
from signaling.h323.ras.registration import Registration

TIMERS: Final[dict[str, tuple[float, int]]] = {
    "unregistrationRequest": (3.0, 1),
    "bandwidthRequest": (3.0, 2),
    "disengageRequest": (3.0, 2),
    "infoRequest": (3.0, 1),
    "serviceControlIndication": (3.0, 2),
}
"""Request -> seconds until it is sent again, and how often (H.225.0 7.19)."""
ANSWERS: Final[dict[str, str]] = {
    "unregistrationConfirm": "unregistrationRequest",
    "unregistrationReject": "unregistrationRequest",
    "bandwidthConfirm": "bandwidthRequest",
    "bandwidthReject": "bandwidthRequest",
    "disengageConfirm": "disengageRequest",
    "disengageReject": "disengageRequest",
    "infoRequestResponse": "infoRequest",
    "serviceControlResponse": "serviceControlIndication",
}
"""Answer -> the request that it answers."""
_MAX_PROGRESS_S = 30.0
"""A RequestInProgress puts the end off by this much at most."""
_MAX_PROGRESS = 4


@dataclass(slots=True)
class Waiting:
    """A request that was sent."""

    ticket: int
    name: str
    number: int
    """requestSeqNum."""
    datagram: Datagram
    to: Registration
    """As it was registered then."""
    next_at: float
    tries_left: int
    call_id: bytes = b""
    """Of the call that it is about, "" where it is about none."""
    progress_left: int = _MAX_PROGRESS


class PendingRequests:
    """Requests by their number; at most `size` at once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: dict[int, Waiting] = {}
        self._last_number = 0
        self._last_ticket = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be asked now."""
        return len(self._waiting) >= self._size

    def number(self) -> int:
        """A requestSeqNum that no waiting request has."""
        while True:
            self._last_number = self._last_number % 65_535 + 1
            if self._last_number not in self._waiting:
                return self._last_number

    def add(
        self, name: str, number: int, datagram: Datagram, to: Registration, now: float, call_id: bytes = b""
    ) -> int:
        """It was sent; its ticket."""
        after_s, again = TIMERS[name]
        self._last_ticket += 1
        self._waiting[number] = Waiting(self._last_ticket, name, number, datagram, to, now + after_s, again, call_id)
        return self._last_ticket

    def find(self, name: str, number: int, source: Address) -> Waiting | None:
        """The request that an answer from this source belongs to."""
        found = self._waiting.get(number)
        if found is None or found.datagram.remote[0] != source[0] or ANSWERS.get(name, found.name) != found.name:
            return None
        return found

    def answered(self, waiting: Waiting) -> None:
        """It waits no longer."""
        del self._waiting[waiting.number]

    def progress(self, number: int, delay_s: float, source: Address, now: float) -> bool:
        """The endpoint needs longer (RequestInProgress, 7.19); False where nothing waits for that."""
        found = self._waiting.get(number)
        if found is None or found.datagram.remote[0] != source[0] or not found.progress_left:
            return False
        found.progress_left -= 1
        found.next_at = now + min(delay_s, _MAX_PROGRESS_S)
        return True

    def repeat(self, now: float) -> Iterator[Waiting]:
        """Those that are to be sent again now."""
        for waiting in self._waiting.values():
            if waiting.next_at <= now and waiting.tries_left:
                waiting.tries_left -= 1
                waiting.next_at = now + TIMERS[waiting.name][0]
                yield waiting

    def given_up(self, now: float) -> list[Waiting]:
        """Those that were not answered however often they were sent; they wait no longer."""
        over = [waiting for waiting in self._waiting.values() if waiting.next_at <= now and not waiting.tries_left]
        for waiting in over:
            del self._waiting[waiting.number]
        return over

    def next_timeout(self) -> float | None:
        """When repeat() or given_up() have something next."""
        return min((waiting.next_at for waiting in self._waiting.values()), default=None)

    def __len__(self) -> int:
        return len(self._waiting)
