"""Addresses of the terminals on one port, told to the directory while they are in: also what was seen before. Pure.

A terminal says its address when its own ARP cache is empty, not when it was let in (again).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from auth8021x.directory.report import Granted
from auth8021x.directory.session import Source
from auth8021x.snooping.sighting import Sighting
from auth8021x.wire.dictionary import TerminateCause

MAX_SIGHTINGS: Final = 64
"""Past it the one seen longest ago is forgotten."""


class LastSeen:
    """One port. Stands behind the directory's feed (`ports.runner.Enforcement`): who is told of must be known there."""

    def __init__(self, tell: Callable[[bytes, str, Source], None], is_free: Callable[[bytes, str], bool]) -> None:
        """`is_free`: whether no other device has the address by now; what is old takes it from nobody."""
        self._tell = tell
        self._is_free = is_free
        self._sources: dict[tuple[bytes, str], Source] = {}
        self._inside: dict[bytes, str] = {}
        """Session of each terminal."""

    def seen(self, found: Sighting) -> None:
        """Now."""
        for key in [key for key in self._sources if key[1] == found.address]:
            del self._sources[key]
        self._sources[found.mac, found.address] = found.source
        if len(self._sources) > MAX_SIGHTINGS:
            del self._sources[next(iter(self._sources))]
        if found.mac in self._inside:
            self._tell(found.mac, found.address, found.source)

    def admit(self, _port: str, mac: bytes, _grant: Granted, session: str) -> None:
        """A terminal was let in, or what it may do has changed."""
        is_new = self._inside.get(mac) != session
        self._inside[mac] = session
        for (owner, address), source in list(self._sources.items()) if is_new else ():
            if owner == mac and self._is_free(mac, address):
                self._tell(mac, address, source)

    def expel(self, _port: str, mac: bytes, _session: str, _cause: TerminateCause) -> None:
        """It is in no longer."""
        self._inside.pop(mac, None)

    def line_lost(self) -> None:
        """Whoever was there may be gone."""
        self._sources.clear()
        self._inside.clear()
