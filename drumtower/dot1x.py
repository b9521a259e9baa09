"""802.1X put together: the directory of sessions, the accounting listener that feeds it, and the gate that asks it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from auth8021x.accounting.udp import AccountingSockets, server
from auth8021x.directory.audit import DirectoryAudit
from auth8021x.directory.directory import Directory
from auth8021x.directory.keeper import DirectoryKeeper
from auth8021x.directory.orders import OrderDesk
from auth8021x.directory.session import Session
from auth8021x.gate.aftermath import Aftermath
from auth8021x.gate.audit import GateAudit
from auth8021x.gate.consequences import Calls, Consequences
from auth8021x.gate.decision import Decision
from auth8021x.gate.gate import Notes, SessionGate
from auth8021x.gate.recent import Answer, RecentAnswers
from auth8021x.gate.verdict import Question, Verdict
from auth8021x.sites import Sites
from config.dot1x import Dot1xSettings
from drumtower.switches import SwitchOffice
from store.database import Database
from store.errors import StoreError


class AccessOffice:
    """Started after the database, before whoever asks the gate; stopped after them."""

    def __init__(
        self, settings: Dot1xSettings, database: Database, catch_up: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Read the secrets of the switches. Raises crypto.secret_file.SecretFault.

        `catch_up` comes before what an administrator ends: whoever was switched off before must not be let in again.
        """
        self._catch_up = catch_up
        self._settings = settings
        sites = self.sites = Sites(settings.sites)
        self._decision = Decision(settings.gate, sites)
        self.directory = DirectoryKeeper(Directory(settings.directory, sites), database.port_sessions)
        self._directory_audit = DirectoryAudit(settings.directory, time.monotonic)
        self._gate_audit = GateAudit(settings.gate, time.monotonic)
        self._recent = RecentAnswers(time.time)
        notes = _Both(self._gate_audit, self._recent)
        self.gate = SessionGate(self._decision, self.directory, notes, settings.gate.answer_s)
        self._accounting = server(settings)
        self._rows = database.port_sessions
        self.switches = SwitchOffice(settings, self.directory, self._rows)
        self._sockets: AccountingSockets | None = None
        self._consequences: Consequences | None = None
        self._orders = OrderDesk(database.port_sessions, self.directory.core, self.directory.end, catch_up=catch_up)
        self._looking: asyncio.Task[None] | None = None
        self.directory.observe(self._directory_audit.happened)

    async def start(self, calls: Calls) -> None:
        """`calls`: who ends registrations and calls of sessions that are over. Raises StoreError, OSError."""
        self._consequences = Consequences(Aftermath(self._settings.gate, self._decision), calls)
        self.directory.observe(self._consequences.happened)
        await self.switches.start()
        orders = await self._orders.find()
        await self.directory.start()
        self.switches.resume()
        self._orders.carry_out(orders)
        try:
            await self._orders.done(orders)
            self._sockets = AccountingSockets(self._accounting, self.directory, self._settings)
        except (OSError, StoreError):
            self.stop()
            raise
        self._looking = asyncio.get_running_loop().create_task(self._orders.run())

    def stop(self) -> None:
        """Leave no socket and no timer behind; from now on nobody is known."""
        if self._looking is not None:
            self._looking.cancel()
        for each in (self._sockets, self._consequences, self.switches, self.directory):
            if each is not None:
                each.close()

    # ---- for people

    def sessions(self) -> list[Session]:
        """All that are live."""
        return self.directory.core.sessions()

    def answers(self) -> list[Answer]:
        """Whom the gate let in or not of late, newest first."""
        return self._recent.newest()

    async def end(self, site: str, mac: bytes) -> bool:
        """An administrator ends a session, and what was said to be done is on the disk; False where there is none."""
        await self.catch_up()
        is_ended = self.directory.end(site, mac)
        await self._rows.flush()
        return is_ended

    async def catch_up(self) -> None:
        """Take it in now who was switched off."""
        if self._catch_up is not None:
            await self._catch_up()

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when a session or an answer is new or another; returns "stop observing"."""
        stops = (self.directory.observe(lambda _: callback()), self._recent.observe(callback))

        def stop() -> None:
            for each in stops:
                each()

        return stop

    # ---- for the metrics

    @property
    def ports(self) -> list[int]:
        """Where accounting is listened for, in the order of the addresses."""
        return self._sockets.ports if self._sockets is not None else []

    def counters(self) -> Counter[str]:
        """What was dropped, refused or allowed, by reason; cumulative."""
        found = Counter({f"accounting-{name}": count for name, count in self._accounting.counters.items()})
        found.update({f"directory-{name}": count for name, count in self.directory.core.counters.items()})
        found.update({f"gate-{name}": count for name, count in self.gate.counters.items()})
        found.update(self.switches.counters())
        found["audit-suppressed"] = self._gate_audit.suppressed + self._directory_audit.suppressed
        return found

    def gauges(self) -> dict[str, int]:
        """Sizes of the directory's tables, and orders to switches that wait."""
        return {**self.directory.core.gauges(), **self.switches.gauges()}


def has_directory(settings: Dot1xSettings) -> bool:
    """Whether there is anything to know of sessions."""
    return bool(settings.sites or settings.listener.listen) or is_asking(settings)


def is_asking(settings: Dot1xSettings) -> bool:
    """Whether calls are asked for a session anywhere; where not the gate is not there."""
    modes = (settings.gate.elsewhere, *(site.mode for site in settings.sites))
    return bool(settings.gate.protocols) and any(mode != "off" for mode in modes)


class _Both:
    """Two who take note."""

    def __init__(self, *notes: Notes) -> None:
        self._notes = notes

    def answered(self, question: Question, verdict: Verdict) -> None:
        for each in self._notes:
            each.answered(question, verdict)
