"""The directory in this process: its clock and timer, who is told of its events, and what survives a restart."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from auth8021x.directory.directory import Directory
from auth8021x.directory.events import Event
from auth8021x.directory.orders import is_aside
from auth8021x.directory.report import Report
from auth8021x.directory.session import Key, Session, Source
from auth8021x.errors import DirectoryUnavailableError, MalformedPacketError
from store.bindings import Keepable, KeptBinding

logger = logging.getLogger(__name__)

_OWN_KEPT_S: Final = 7 * 86_400.0
"""Of a session on our own ports: long enough to tell after a restart that it is over."""


class Kept(Protocol):
    """Where sessions are kept: store.database.Database.port_sessions."""

    def put(self, binding: Keepable) -> None:
        """Keep the newest value of its key."""

    def remove(self, key: str) -> None:
        """Keep nothing under this key."""

    async def load(self, now: float) -> Sequence[KeptBinding]:
        """Those that had not expired at `now`. Raises StoreError."""


@dataclass(frozen=True, slots=True)
class KeptSession:
    """store.bindings.Keepable."""

    session: Session

    @property
    def key(self) -> str:
        """Site and MAC."""
        return _row_key(self.session.key)

    @property
    def alias(self) -> str:
        """Which terminal: its MAC."""
        return self.session.mac.hex()

    @property
    def expires_at(self) -> float:
        """UTC seconds."""
        expires_at = self.session.expires_at
        return self.session.heard_at + _OWN_KEPT_S if expires_at is None else expires_at

    @property
    def data(self) -> str:
        """The session."""
        return self.session.serialize()


class DirectoryKeeper:
    """Before start() nobody is known, so that nobody gets past a gate that enforces."""

    def __init__(self, core: Directory, kept: Kept, wall_clock: Callable[[], float] = time.time) -> None:
        self.core = core
        self._kept = kept
        self._clock = wall_clock
        self._is_ready = False
        self._observers: list[Callable[[Event], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Read what was kept. Observers should be there before. Raises StoreError."""
        sessions: list[Session] = []
        for row in await self._kept.load(0.0):
            if is_aside(row.key):
                continue
            try:
                sessions.append(Session.parse(row.data))
            except MalformedPacketError as error:
                logger.warning("session %s: %s", row.key, error)
                self._kept.remove(row.key)
        self.core.restore(sessions, self._clock())
        for session in sessions:
            if self.core.get(*session.key) is None:
                self._kept.remove(_row_key(session.key))
        self._is_ready = True
        self._work()
        if sessions:
            logger.info("802.1X: %d of %d sessions go on", len(self.core), len(sessions))

    def close(self) -> None:
        """Leave no timer behind; nobody is known any more."""
        self._is_ready = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def observe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call `callback` with everything that happens; returns "stop observing"."""
        self._observers.append(callback)

        def stop() -> None:
            if callback in self._observers:
                self._observers.remove(callback)

        return stop

    # ---- in

    def report(self, report: Report) -> bool:
        """Take what is told about a session; False when it should be told again."""
        if not self._is_ready:
            return False
        is_taken = self.core.report(report, self._clock())
        self._work()
        return is_taken

    def sighted(self, site: str, mac: bytes, address: str, source: Source) -> None:
        """An address was seen on a port of ours."""
        if self._is_ready:
            self.core.sighted(site, mac, address, source, self._clock())
            self._work()

    def end(self, site: str, mac: bytes, detail: str = "") -> bool:
        """By order of an administrator; False when there is no such session."""
        is_ended = self.core.end(site, mac, self._clock(), detail)
        self._work()
        return is_ended

    def amend(self, session: Session, role: str, vlan: str) -> None:
        """Its switch was told to change it, and has."""
        self.core.amend(session, role, vlan)
        self._work()

    # ---- questions

    def known(self, site: str, address: str) -> Session | None:
        """The session behind an address. Raises DirectoryUnavailableError."""
        if not self._is_ready:
            raise DirectoryUnavailableError("the directory of sessions has not been read")
        return self.core.find(site, address)

    async def find(self, site: str, address: str) -> Session | None:
        """The same, as auth8021x.gate.gate.Lookup wants it. Raises DirectoryUnavailableError."""
        return self.known(site, address)

    # ---- what follows

    def _work(self) -> None:
        touched: set[Key] = set()
        while (event := self.core.next_event()) is not None:
            touched.add(event.session.key)
            self._tell(event)
        for key in touched:
            session = self.core.get(*key)
            if session is None:
                self._kept.remove(_row_key(key))
            else:
                self._kept.put(KeptSession(session))
        self._arm()

    def _tell(self, event: Event) -> None:
        for observer in list(self._observers):
            try:
                observer(event)
            except Exception:
                # What follows elsewhere, and the port that told of it, must not hang on a page.
                logger.exception("site=%s an observer of sessions failed", event.session.site)

    def _arm(self) -> None:
        due = self.core.next_timeout()
        if due is None or self._timer is not None or not self._is_ready:
            return
        self._timer = asyncio.get_running_loop().call_later(max(0.0, due - self._clock()), self._due)

    def _due(self) -> None:
        self._timer = None
        self.core.handle_timeout(self._clock())
        self._work()


def _row_key(key: Key) -> str:
    return f"{key[0]}/{key[1].hex()}"
