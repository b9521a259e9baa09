"""802.1X put together: the directory of sessions, the accounting listener that feeds it, and the gate that asks it."""

from __future__ import annotations

import time
from collections import Counter

from auth8021x.accounting.udp import AccountingSockets, server
from auth8021x.directory.audit import DirectoryAudit
from auth8021x.directory.directory import Directory
from auth8021x.directory.keeper import DirectoryKeeper
from auth8021x.gate.aftermath import Aftermath
from auth8021x.gate.audit import GateAudit
from auth8021x.gate.consequences import Calls, Consequences
from auth8021x.gate.decision import Decision
from auth8021x.gate.gate import SessionGate
from auth8021x.sites import Sites
from config.dot1x import Dot1xSettings
from store.database import Database


class AccessOffice:
    """Started after the database, before whoever asks the gate; stopped after them."""

    def __init__(self, settings: Dot1xSettings, database: Database) -> None:
        """Read the secrets of the switches. Raises crypto.secret_file.SecretFault."""
        self._settings = settings
        sites = Sites(settings.sites)
        self._decision = Decision(settings.gate, sites)
        self.directory = DirectoryKeeper(Directory(settings.directory, sites), database.port_sessions)
        self._directory_audit = DirectoryAudit(settings.directory, time.monotonic)
        self._gate_audit = GateAudit(settings.gate, time.monotonic)
        self.gate = SessionGate(self._decision, self.directory, self._gate_audit, settings.gate.answer_s)
        self._accounting = server(settings)
        self._sockets: AccountingSockets | None = None
        self._consequences: Consequences | None = None
        self.directory.observe(self._directory_audit.happened)

    async def start(self, calls: Calls) -> None:
        """`calls`: who ends registrations and calls of sessions that are over. Raises StoreError, OSError."""
        self._consequences = Consequences(Aftermath(self._settings.gate, self._decision), calls)
        self.directory.observe(self._consequences.happened)
        await self.directory.start()
        try:
            self._sockets = AccountingSockets(self._accounting, self.directory, self._settings)
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        """Leave no socket and no timer behind; from now on nobody is known."""
        for each in (self._sockets, self._consequences, self.directory):
            if each is not None:
                each.close()

    @property
    def ports(self) -> list[int]:
        """Where accounting is listened for, in the order of the addresses."""
        return self._sockets.ports if self._sockets is not None else []

    def counters(self) -> Counter[str]:
        """What was dropped, refused or allowed, by reason; cumulative."""
        found = Counter({f"accounting-{name}": count for name, count in self._accounting.counters.items()})
        found.update({f"directory-{name}": count for name, count in self.directory.core.counters.items()})
        found.update({f"gate-{name}": count for name, count in self.gate.counters.items()})
        found["audit-suppressed"] = self._gate_audit.suppressed + self._directory_audit.suppressed
        return found

    def gauges(self) -> dict[str, int]:
        """Sizes of the directory's tables."""
        return self.directory.core.gauges()
