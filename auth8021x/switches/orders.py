"""What switches are told: which session, in which words, how often, and what became of it (RFC 5176). Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from auth8021x.directory.events import EndCause, Ended, Event, Opened
from auth8021x.directory.session import Key, Session
from auth8021x.radius.dynamic_outcome import Outcome
from auth8021x.switches.session_attributes import MISUNDERSTOOD, wordings
from auth8021x.switches.switch_book import Switch, SwitchBook
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import ErrorCause

MAX_WAITING: Final = 20_000
"""Devices; past it the order is refused, and counted."""
MAX_IN_FLIGHT: Final = 64
RETRY_S: Final = 60.0
"""A switch that did not answer is told again after this time: it may be starting."""
MAX_ROUNDS: Final = 5


class Result(Enum):
    """What became of an order; the value is for counters and the audit."""

    DONE = "done"
    GONE = "no-such-session"
    """The switch has it no more."""
    REFUSED = "refused"
    NO_ANSWER = "no-answer"
    """For the moment, or, when the order is over, at all."""
    NO_SWITCH = "no-switch"
    """The settings have none of that address: its port stays as it is."""
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True)
class Order:
    """One session is to be ended, or changed."""

    session: Session
    switch: Switch
    words: tuple[tuple[Attribute, ...], ...]
    """Ways to name the session, the next one first."""
    change: tuple[Attribute, ...] = ()
    """What becomes different; nothing: it ends."""
    rounds: int = 0
    """Times that there was no answer."""

    @property
    def kind(self) -> str:
        """For counters and the audit."""
        return "change" if self.change else "disconnect"


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of it; an order without an answer may come again."""

    session: Session
    kind: str
    result: Result
    switch: Switch | None = None
    error_cause: int | None = None
    change: tuple[Attribute, ...] = ()


class SwitchOrders:
    """Events of the directory in, orders out, each to be given back by finished(). `now` is monotonic."""

    def __init__(self, book: SwitchBook) -> None:
        self._book = book
        self._ready: OrderedDict[Key, Order] = OrderedDict()
        self._resting: OrderedDict[Key, tuple[float, Order]] = OrderedDict()
        """Until when; all rest for the same time, so that the first is due first."""
        self._in_flight = 0
        self._events: deque[Settled] = deque()
        self.counters: Counter[str] = Counter()
        """What became of orders, by kind and result; cumulative."""

    # ---- in

    def happened(self, event: Event) -> None:
        """Something happened in the directory."""
        match event:
            case Ended(session, cause):
                self._forget(session)
                if cause is EndCause.ORDERED and not session.is_own:
                    self._begin(session)
            case Opened(session):
                # What was ordered about its earlier session must not hit this one.
                self._forget(session)

    def change(self, session: Session, change: tuple[Attribute, ...]) -> None:
        """Change a session that is live; where its switch cannot, it is ended there, and begins anew."""
        self._begin(session, change)

    def finished(self, order: Order, outcome: Outcome, now: float) -> None:
        """What came of an order that next_order() gave."""
        self._in_flight -= 1
        if outcome.is_done:
            self._settle(order, Result.DONE)
        elif not outcome.has_answer:
            self._settle(order, Result.NO_ANSWER)
            if order.rounds + 1 < MAX_ROUNDS:
                self._resting[order.session.key] = (now + RETRY_S, replace(order, rounds=order.rounds + 1))
        elif outcome.error_cause in MISUNDERSTOOD and len(order.words) > 1:
            self._ready[order.session.key] = replace(order, words=order.words[1:])
        elif outcome.error_cause == ErrorCause.SESSION_CONTEXT_NOT_FOUND:
            self._settle(order, Result.GONE)
        else:
            self._settle(order, Result.REFUSED, outcome.error_cause)
            if order.change:
                self._begin(order.session)

    # ---- out

    def next_order(self, now: float) -> Order | None:
        """What is to be sent now."""
        while self._resting and next(iter(self._resting.values()))[0] <= now:
            key, (_, order) = self._resting.popitem(last=False)
            self._ready.setdefault(key, order)
        if not self._ready or self._in_flight >= MAX_IN_FLIGHT:
            return None
        self._in_flight += 1
        return self._ready.popitem(last=False)[1]

    def next_event(self) -> Settled | None:
        """What became of orders, in its order."""
        return self._events.popleft() if self._events else None

    def next_timeout(self) -> float | None:
        """When next_order() may have something without anything having happened."""
        return next(iter(self._resting.values()))[0] if self._resting else None

    def gauges(self) -> dict[str, int]:
        """Orders that wait."""
        return {"switch-orders": len(self._ready) + len(self._resting) + self._in_flight}

    def _begin(self, session: Session, change: tuple[Attribute, ...] = ()) -> None:
        switch = self._book.find(session)
        if switch is None:
            self._note(Settled(session, "change" if change else "disconnect", Result.NO_SWITCH))
            return
        order = Order(session, switch, tuple(wordings(session, switch.settings.named_by)), change)
        if len(self._ready) + len(self._resting) >= MAX_WAITING:
            self._settle(order, Result.TOO_MANY)
            return
        self._forget(session)
        self._ready[session.key] = order

    def _forget(self, session: Session) -> None:
        """What waits for its device."""
        self._ready.pop(session.key, None)
        self._resting.pop(session.key, None)

    def _settle(self, order: Order, result: Result, cause: int | None = None) -> None:
        self._note(Settled(order.session, order.kind, result, order.switch, cause, order.change))

    def _note(self, settled: Settled) -> None:
        self.counters[f"{settled.kind}-{settled.result.value}"] += 1
        self._events.append(settled)
