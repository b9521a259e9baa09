"""Who is registered now: a bounded table of endpoints by identifier, alias and source (H.225.0 7.9, H.323 7.2.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Protocol

from config.h323 import H323Settings
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.ras.registration import Registration
from signaling.tries import source_key

_RESTART_S: Final = 120
"""A machine that starts again is back by then."""
_RESPITE_S: Final = 20
"""After it; what terminals said meanwhile was lost, and some repeat it after 10 s (chan_ooh323)."""


class RegistrationStore(Protocol):
    """Keeps registrations over a restart; it must not block."""

    def put(self, registration: Registration) -> None:
        """Keep it, in the place of what its identifier had before."""

    def remove(self, identifier: str) -> None:
        """Forget it."""


def kept_until(registration: Registration) -> float:
    """When not even a restart is a reason for its silence; seconds UTC."""
    return registration.expires_at + _RESTART_S


class Registrations:
    """Registered endpoints; no two of them have an alias in common."""

    def __init__(self, settings: H323Settings, store: RegistrationStore | None = None) -> None:
        self._settings = settings
        self._store = store
        self._endpoints: dict[str, Registration] = {}
        self._aliases: dict[tuple[AliasKind, str], str] = {}
        self._signalling: dict[tuple[Address, str], str] = {}
        self._sources: Counter[str] = Counter()
        self._kept_until: dict[str, float] = {}
        """When what the store has expires."""
        self._respite_until = 0.0

    def get(self, identifier: str) -> Registration | None:
        """The endpoint of an endpointIdentifier."""
        return self._endpoints.get(identifier)

    def find(self, aliases: Iterable[Alias]) -> Registration | None:
        """The endpoint that has the first of these aliases that anybody has."""
        for alias in aliases:
            identifier = self._aliases.get(alias.key)
            if identifier is not None:
                return self._endpoints[identifier]
        return None

    def holders(self, aliases: Iterable[Alias]) -> list[Registration]:
        """All endpoints that have any of them, each once."""
        found = (self._aliases.get(alias.key) for alias in aliases)
        return [self._endpoints[identifier] for identifier in dict.fromkeys(found) if identifier is not None]

    def at(self, signalling: Address, source: Address) -> Registration | None:
        """The endpoint that registered this call signalling address from this host."""
        identifier = self._signalling.get((signalling, source[0]))
        return self._endpoints[identifier] if identifier is not None else None

    def all(self) -> list[Registration]:
        """Everybody, by time of registration."""
        return list(self._endpoints.values())

    def due(self, now: float) -> list[Registration]:
        """Those whose time to live is over; nobody soon after a restart."""
        if now < self._respite_until:
            return []
        return [registration for registration in self._endpoints.values() if registration.expires_at <= now]

    def has_room(self, source: Address) -> bool:
        """Whether one more may register from there."""
        if len(self._endpoints) >= self._settings.max_registrations:
            return False
        return self._sources[source_key(source[0])] < self._settings.max_registrations_per_source

    def has_source(self, source: Address) -> bool:
        """Whether anybody is registered from there."""
        return source_key(source[0]) in self._sources

    def put(self, registration: Registration) -> None:
        """Add, or replace what has the same identifier. Nobody else may have its aliases any more."""
        self._forget(registration.identifier)
        self._keep(registration)
        self._write(registration)

    def remove(self, identifier: str) -> Registration | None:
        """Forget it; None where it was not there."""
        old = self._forget(identifier)
        if old is not None and self._store is not None:
            self._store.remove(identifier)
        return old

    def touch(self, registration: Registration, now: float) -> Registration:
        """It is still there, with the same aliases at the same host.

        Of mere time the store is told once in half a time to live: some terminals say every few seconds that they live.
        """
        fresh = replace(registration, refreshed_at=now)
        before = self._endpoints.get(registration.identifier)
        self._endpoints[registration.identifier] = fresh
        is_moved = before is None or replace(before, refreshed_at=now) != fresh
        if is_moved or now >= self._kept_until.get(registration.identifier, now) - fresh.time_to_live_s / 2:
            self._write(fresh)
        return fresh

    def load(self, kept: Iterable[Registration], now: float) -> None:
        """Take what was kept over a restart; what has long been over or does not fit is left out.

        Whose time ran out while nobody listened may be there: it is asked like all whose time is over, after a while.
        """
        for registration in kept:
            is_over = kept_until(registration) <= now or registration.identifier in self._endpoints
            if not is_over and self.has_room(registration.source) and not self.holders(registration.aliases):
                self._keep(registration)
                self._kept_until[registration.identifier] = registration.expires_at
                self._respite_until = now + _RESPITE_S

    def __len__(self) -> int:
        return len(self._endpoints)

    def _keep(self, registration: Registration) -> None:
        identifier = registration.identifier
        self._endpoints[identifier] = registration
        self._aliases.update((alias.key, identifier) for alias in registration.aliases)
        self._signalling[registration.signalling, registration.source[0]] = identifier
        self._sources[source_key(registration.source[0])] += 1

    def _write(self, registration: Registration) -> None:
        if self._store is not None:
            self._kept_until[registration.identifier] = registration.expires_at
            self._store.put(registration)

    def _forget(self, identifier: str) -> Registration | None:
        old = self._endpoints.pop(identifier, None)
        self._kept_until.pop(identifier, None)
        if old is None:
            return None
        for alias in old.aliases:
            if self._aliases.get(alias.key) == identifier:
                del self._aliases[alias.key]
        place = (old.signalling, old.source[0])
        if self._signalling.get(place) == identifier:
            del self._signalling[place]
        source = source_key(old.source[0])
        self._sources[source] -= 1
        if self._sources[source] <= 0:
            del self._sources[source]
        return old
