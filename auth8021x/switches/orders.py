"""What switches are told: which session, in which words, how often, and what became of it (RFC 5176). Pure.

An order waits until it is done, refused or too old; what next_change() says of those that wait outlives us.
"""

from __future__ import annotations

import heapq
import itertools
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
"""A switch that did not answer is told again after this time, and then after twice that: it may be starting."""
MAX_RETRY_S: Final = 3600.0
MAX_AGE_S: Final = 86_400.0
"""Then an order is given up: as with those of the command line, the device has begun anew by then, or is gone."""


class Result(Enum):
    """What became of an order; the value is for counters and the audit."""

    DONE = "done"
    GONE = "no-such-session"
    """The switch has it no more."""
    REFUSED = "refused"
    NO_ANSWER = "no-answer"
    """For the moment: it is told again."""
    TOO_OLD = "too-old"
    """There was no answer in all the time that an order may wait."""
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
    given_at: float = 0.0
    """When, in monotonic seconds; before we were started where it was kept."""
    number: int = 0
    """Of the orders about its device the newest counts."""

    @property
    def kind(self) -> str:
        """For counters and the audit."""
        return "change" if self.change else "disconnect"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What there is to keep of a device: the order that waits, or none any more."""

    key: Key
    order: Order | None


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
        self._resting: dict[Key, Order] = {}
        self._alarms: list[tuple[float, int, Key]] = []
        """When each that rests is due, by its number; those that rest no more are passed over."""
        self._current: dict[Key, int] = {}
        """Number of the order that counts, waiting or on its way."""
        self._numbers = itertools.count(1)
        self._in_flight = 0
        self._events: deque[Settled] = deque()
        self._changes: deque[Waiting] = deque()
        self.counters: Counter[str] = Counter()
        """What became of orders, by kind and result; cumulative."""

    # ---- in

    def happened(self, event: Event, now: float) -> None:
        """Something happened in the directory."""
        match event:
            case Ended(session, cause):
                self._forget(session.key)
                if cause is EndCause.ORDERED and not session.is_own:
                    self._begin(session, (), now)
            case Opened(session):
                # What was ordered about its earlier session must not hit this one.
                self._forget(session.key)

    def change(self, session: Session, change: tuple[Attribute, ...], now: float) -> None:
        """Change a session that is live; where its switch cannot, it is ended there, and begins anew."""
        self._begin(session, change, now)

    def resume(self, session: Session, change: tuple[Attribute, ...], given_at: float, now: float) -> None:
        """An order of before a restart. It may have been done without our hearing of it: then its switch says so."""
        kept = self._begin(session, change, given_at)
        if kept is not None and now - given_at >= MAX_AGE_S:
            self._give_up(kept)

    def finished(self, order: Order, outcome: Outcome, now: float) -> None:
        """What came of an order that next_order() gave."""
        self._in_flight -= 1
        key, counts = order.session.key, self._current.get(order.session.key) == order.number
        if outcome.is_done:
            self._settle(order, Result.DONE)
        elif not outcome.has_answer:
            self._settle(order, Result.NO_ANSWER)
            if counts:
                self._rest(order, now)
            return
        elif outcome.error_cause in MISUNDERSTOOD and len(order.words) > 1:
            if counts:
                self._ready[key] = replace(order, words=order.words[1:])
            return
        elif outcome.error_cause == ErrorCause.SESSION_CONTEXT_NOT_FOUND:
            self._settle(order, Result.GONE)
        else:
            self._settle(order, Result.REFUSED, outcome.error_cause)
            if order.change and counts:
                self._begin(order.session, (), order.given_at)
                return
        if counts:
            self._forget(key)

    # ---- out

    def next_order(self, now: float) -> Order | None:
        """What is to be sent now."""
        while self._alarms and self._alarms[0][0] <= now:
            _, number, key = heapq.heappop(self._alarms)
            if self._current.get(key) == number and (order := self._resting.pop(key, None)) is not None:
                self._ready[key] = order
        if not self._ready or self._in_flight >= MAX_IN_FLIGHT:
            return None
        self._in_flight += 1
        return self._ready.popitem(last=False)[1]

    def next_event(self) -> Settled | None:
        """What became of orders, in its order."""
        return self._events.popleft() if self._events else None

    def next_change(self) -> Waiting | None:
        """What is to be kept over a restart, or no more, in its order."""
        return self._changes.popleft() if self._changes else None

    def next_timeout(self) -> float | None:
        """When next_order() may have something without anything having happened."""
        return self._alarms[0][0] if self._alarms else None

    def gauges(self) -> dict[str, int]:
        """Orders that wait."""
        return {"switch-orders": len(self._ready) + len(self._resting) + self._in_flight}

    def _begin(self, session: Session, change: tuple[Attribute, ...], given_at: float) -> Order | None:
        switch = self._book.find(session)
        if switch is None:
            self._note(Settled(session, "change" if change else "disconnect", Result.NO_SWITCH))
            return None
        words = tuple(wordings(session, switch.settings.named_by))
        order = Order(session, switch, words, change, given_at=given_at, number=next(self._numbers))
        if session.key not in self._current and len(self._current) >= MAX_WAITING:
            self._settle(order, Result.TOO_MANY)
            return None
        self._forget(session.key)
        self._ready[session.key] = order
        self._current[session.key] = order.number
        self._changes.append(Waiting(session.key, order))
        return order

    def _rest(self, order: Order, now: float) -> None:
        due = now + min(RETRY_S * 2.0 ** min(order.rounds, 30), MAX_RETRY_S)
        if due - order.given_at >= MAX_AGE_S:
            self._give_up(order)
            return
        self._resting[order.session.key] = replace(order, rounds=order.rounds + 1)
        heapq.heappush(self._alarms, (due, order.number, order.session.key))

    def _give_up(self, order: Order) -> None:
        self._settle(order, Result.TOO_OLD)
        self._forget(order.session.key)

    def _forget(self, key: Key) -> None:
        """What waits for this device, and what is on its way to be done again."""
        if self._current.pop(key, None) is None:
            return
        self._ready.pop(key, None)
        self._resting.pop(key, None)
        if len(self._alarms) > 2 * len(self._resting) + MAX_IN_FLIGHT:
            self._alarms = [each for each in self._alarms if self._is_set(each)]
            heapq.heapify(self._alarms)
        self._changes.append(Waiting(key, None))

    def _is_set(self, alarm: tuple[float, int, Key]) -> bool:
        _, number, key = alarm
        return key in self._resting and self._current.get(key) == number

    def _settle(self, order: Order, result: Result, cause: int | None = None) -> None:
        self._note(Settled(order.session, order.kind, result, order.switch, cause, order.change))

    def _note(self, settled: Settled) -> None:
        self.counters[f"{settled.kind}-{settled.result.value}"] += 1
        self._events.append(settled)
