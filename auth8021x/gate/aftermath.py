"""What follows when a session ends or changes: registrations go, and calls after a grace time, by policy. Pure.

A terminal that authenticates again, at the same address and as the same, keeps its calls. A switch that merely fell
silent cuts none, unless the policy says so: a consultation is not ended by lost updates. After a restart of ours, which
closed our own ports, who is back in time keeps its registration, too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from auth8021x.directory.events import Bound, Changed, EndCause, Ended, Event, Opened, Revoked
from auth8021x.directory.session import Entry, Session
from auth8021x.gate.decision import Decision
from config.dot1x_sites import Dot1xGateSettings

MAX_PENDING: Final = 20_000
"""Addresses in their grace time; past it there is none."""
Place = tuple[str, str]
"""Site and address."""


@dataclass(frozen=True, slots=True)
class Unregister:
    """What was registered from this address of this site is to be forgotten, or asked to prove itself again."""

    site: str
    address: str
    session: Session


@dataclass(frozen=True, slots=True)
class DropCalls:
    """Calls from this address of this site are to be ended."""

    site: str
    address: str
    session: Session


Order = Unregister | DropCalls


@dataclass(frozen=True, slots=True)
class _Pending:
    due_at: float
    session: Session
    makes: type[Unregister | DropCalls] = DropCalls
    """The order that follows."""


class Aftermath:
    """Events of the directory in, orders out. `now` is monotonic."""

    def __init__(self, settings: Dot1xGateSettings, decision: Decision) -> None:
        self._decision = decision
        self._policy = settings.drops_calls
        self._grace_s = settings.drop_after_s
        self._pending: dict[Place, _Pending] = {}
        self._orders: deque[Order] = deque()

    def happened(self, event: Event, now: float) -> None:
        """Something happened in the directory."""
        match event:
            case Ended(session, EndCause.RESTARTED):
                for held in session.addresses:
                    self._closed_by_us(session, held.address, now)
            case Ended(session, cause):
                for held in session.addresses:
                    self._lost(session, held.address, now, is_told=cause is not EndCause.EXPIRED)
            case Revoked(session, held):
                self._lost(session, held.address, now, is_told=True)
            case Changed(before, session) if not _is_as_good(before, session):
                for held in session.addresses:
                    self._lost(before, held.address, now, is_told=True)
            case Opened(session) | Changed(_, session):
                for held in session.addresses:
                    self._found(session, held.address)
            case Bound(session, held):
                self._found(session, held.address)

    def next_order(self) -> Order | None:
        """What is to be done, in its order."""
        return self._orders.popleft() if self._orders else None

    def next_timeout(self) -> float | None:
        """When the next grace time is over."""
        return next((each.due_at for each in self._pending.values()), None)

    def handle_timeout(self, now: float) -> None:
        """Calls whose terminal did not come back."""
        while self._pending:
            place, oldest = next(iter(self._pending.items()))
            if oldest.due_at > now:
                return
            del self._pending[place]
            self._orders.append(oldest.makes(*place, oldest.session))

    def _lost(self, session: Session, address: str, now: float, *, is_told: bool) -> None:
        place = (session.site, address)
        if not self._decision.needs_session(*place):
            return
        self._orders.append(Unregister(*place, session))
        if self._drops_already(place) or self._policy == "never" or (self._policy == "ended" and not is_told):
            return
        if len(self._pending) >= MAX_PENDING:
            self._orders.append(DropCalls(*place, session))
        else:
            self._pending.pop(place, None)
            self._pending[place] = _Pending(now + self._grace_s, session)

    def _closed_by_us(self, session: Session, address: str, now: float) -> None:
        """Its calls ended with us. It is asked anew, and does not know that it should register anew, too."""
        place = (session.site, address)
        if not self._decision.needs_session(*place) or place in self._pending:
            return
        if len(self._pending) >= MAX_PENDING:
            self._orders.append(Unregister(*place, session))
        else:
            self._pending[place] = _Pending(now + self._grace_s, session, Unregister)

    def _drops_already(self, place: Place) -> bool:
        pending = self._pending.get(place)
        return pending is not None and pending.makes is DropCalls

    def _found(self, session: Session, address: str) -> None:
        """The same terminal is back; at the address of another the grace time goes on."""
        pending = self._pending.get((session.site, address))
        if pending is None:
            return
        if session.mac == pending.session.mac and _is_as_good(pending.session, session):
            del self._pending[session.site, address]
        elif pending.makes is Unregister:
            # Now, before the other one registers there.
            del self._pending[session.site, address]
            self._orders.append(Unregister(session.site, address, pending.session))


def _is_as_good(before: Session, session: Session) -> bool:
    """Whether what was allowed before is allowed still."""
    return session.identity == before.identity and session.role == before.role and session.entry is not Entry.GUEST
