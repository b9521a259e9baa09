"""Who is registered now: a bounded table of bindings, with observers (RFC 3261 10.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from config.registrar import RegistrarSettings
from signaling.errors import SipError
from signaling.sip.registry.binding import Binding
from signaling.sip.transactions.transaction import Flow
from signaling.tries import source_key


class Event(StrEnum):
    """What happened to a binding."""

    ADDED = "added"
    REFRESHED = "refreshed"
    MOVED = "moved"
    """Refreshed from another address or over another connection."""
    REMOVED = "removed"
    """By the terminal."""
    REPLACED = "replaced"
    """To make room for a newer contact of the same terminal."""
    EXPIRED = "expired"
    FLOW_LOST = "flow-lost"
    REVOKED = "revoked"
    """The terminal was disabled or deleted, or has a new secret; or its session on the network is over."""


@dataclass(frozen=True, slots=True)
class Change:
    """For observers; `binding` is the new one, or the one that is gone."""

    event: Event
    binding: Binding

    @property
    def is_gone(self) -> bool:
        """Whether the binding does not hold any more."""
        return self.event not in (Event.ADDED, Event.REFRESHED, Event.MOVED)


class Registrations:
    """Bindings by terminal. `clock` gives seconds UTC."""

    def __init__(self, settings: RegistrarSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._terminals: dict[str, dict[str, Binding]] = {}
        self._count = 0
        self._sources: Counter[str] = Counter()
        self._connections: dict[int, set[tuple[str, str]]] = {}
        self._observers: list[Callable[[Change], None]] = []
        self.counters: Counter[str] = Counter()
        """Cumulative, by event."""

    def contacts(self, alias: str) -> list[Binding]:
        """The live bindings of a terminal, the preferred one first (q), then the one heard of last."""
        kept = self._terminals.get(alias)
        if kept is None:
            return []
        now = self._clock()
        live = [binding for binding in kept.values() if binding.expires_at > now]
        if len(live) > 1:
            live.sort(key=lambda binding: (-binding.q, -binding.refreshed_at))
        return live

    def all(self) -> list[Binding]:
        """Every live binding, by terminal."""
        return [binding for alias in sorted(self._terminals) for binding in self.contacts(alias)]

    def get(self, alias: str, key: str) -> Binding | None:
        """One binding, live or about to expire."""
        return self._terminals.get(alias, {}).get(key)

    def aliases(self) -> list[str]:
        """Terminals with bindings."""
        return list(self._terminals)

    def observe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call `callback` for every change; returns "stop observing"."""
        self._observers.append(callback)

        def stop() -> None:
            if callback in self._observers:
                self._observers.remove(callback)

        return stop

    def load(self, bindings: Iterable[Binding]) -> None:
        """Take what was kept over a restart; nobody is told."""
        for binding in bindings:
            if binding.expires_at > self._clock() and self._count < self._settings.max_contacts:
                self._keep(binding)

    def check_room(self, alias: str, new: Iterable[Binding]) -> None:
        """Raises SipError 503 where these bindings do not fit."""
        known = self._terminals.get(alias, {})
        added = [binding for binding in new if binding.key not in known]
        if not added:
            return
        source = source_key(added[0].flow.remote[0])
        is_full = self._count + len(added) > self._settings.max_contacts
        if is_full or self._sources[source] + len(added) > self._settings.max_contacts_per_source:
            self.counters["no-room"] += 1
            raise SipError(503, "Too many contacts", (("Retry-After", str(self._settings.min_expires_s)),))

    def put(self, binding: Binding) -> None:
        """Add or refresh; the oldest contact of the terminal leaves where it has too many."""
        known = self._terminals.get(binding.alias, {})
        old = known.get(binding.key)
        if old is not None and old.flow == binding.flow:
            known[binding.key] = binding
            self._tell(Event.REFRESHED, binding)
            return
        if old is not None:
            self._forget(old)
        elif len(known) >= self._settings.max_contacts_per_terminal:
            self.remove(min(known.values(), key=lambda other: other.refreshed_at), Event.REPLACED)
        self._keep(binding)
        self._tell(Event.ADDED if old is None else Event.MOVED, binding)

    def remove(self, binding: Binding, event: Event = Event.REMOVED) -> None:
        """It does not hold any more."""
        if self.get(binding.alias, binding.key) is not None:
            self._forget(binding)
            self._tell(event, binding)

    def remove_all(self, alias: str, event: Event = Event.REVOKED) -> None:
        """All bindings of a terminal."""
        for binding in list(self._terminals.get(alias, {}).values()):
            self.remove(binding, event)

    def revoke(self, is_concerned: Callable[[str, str], bool]) -> None:
        """Those that came from somewhere: `is_concerned` is asked with the source, and the address of ours."""
        everything = [binding for kept in self._terminals.values() for binding in kept.values()]
        for binding in everything:
            if is_concerned(binding.flow.remote[0], binding.flow.local[0]):
                self.remove(binding, Event.REVOKED)

    def flow_lost(self, connection: int) -> None:
        """A connection ended: its bindings lead nowhere (RFC 5626 5.3)."""
        for alias, key in list(self._connections.get(connection, ())):
            binding = self.get(alias, key)
            if binding is not None:
                self.remove(binding, Event.FLOW_LOST)

    def expire(self) -> None:
        """Remove what is over; call it every few seconds."""
        now = self._clock()
        over = [item for kept in self._terminals.values() for item in kept.values() if item.expires_at <= now]
        for binding in over:
            self.remove(binding, Event.EXPIRED)

    def vouches(self, alias: str, flow: Flow) -> bool:
        """Whether a request over `flow` is from this terminal: it registered over that connection, without a proxy.

        The address of a datagram proves nothing, since anybody can write it; nor does that of a stream of before a
        restart (no number), which somebody else may have by now.
        """
        if not flow.is_reliable or not flow.connection:
            return False
        same = (binding for binding in self.contacts(alias) if binding.flow.connection == flow.connection)
        return any(binding.is_direct and binding.flow.remote == flow.remote for binding in same)

    def has_source(self, alias: str, source: str) -> bool:
        """Whether the terminal is registered from this source (see tries.source_key)."""
        return any(source_key(binding.flow.remote[0]) == source for binding in self.contacts(alias))

    def __len__(self) -> int:
        return self._count

    def _keep(self, binding: Binding) -> None:
        self._terminals.setdefault(binding.alias, {})[binding.key] = binding
        self._count += 1
        self._sources[source_key(binding.flow.remote[0])] += 1
        if binding.flow.connection:
            self._connections.setdefault(binding.flow.connection, set()).add((binding.alias, binding.key))

    def _forget(self, binding: Binding) -> None:
        """Take out the binding of this key, whatever it looks like by now."""
        kept = self._terminals[binding.alias]
        old = kept.pop(binding.key)
        self._count -= 1
        if not kept:
            del self._terminals[binding.alias]
        source = source_key(old.flow.remote[0])
        self._sources[source] -= 1
        if self._sources[source] <= 0:
            del self._sources[source]
        over = self._connections.get(old.flow.connection)
        if over is not None:
            over.discard((old.alias, old.key))
            if not over:
                del self._connections[old.flow.connection]

    def _tell(self, event: Event, binding: Binding) -> None:
        self.counters[event] += 1
        for observer in list(self._observers):
            observer(Change(event, binding))
