"""The audit of the directory: who was let in where, and which address was whose."""

from __future__ import annotations

import logging
from collections.abc import Callable

from audit.lines import shown
from auth8021x.audit_lines import AuditLines
from auth8021x.directory.events import Bound, Changed, Ended, Event, Heard, Opened, Revoked
from auth8021x.directory.session import Session
from auth8021x.wire import mac_address
from config.dot1x_sites import DirectorySettings


class DirectoryAudit:
    """Give happened() to DirectoryKeeper.observe(). `clock` gives monotonic seconds."""

    def __init__(self, settings: DirectorySettings, clock: Callable[[], float]) -> None:
        self._lines = AuditLines(settings.audit_lines_per_minute, clock)

    @property
    def suppressed(self) -> int:
        """Lines that were too many in their minute; cumulative."""
        return self._lines.suppressed

    def happened(self, event: Event) -> None:
        """One line, unless nothing is new. An address that went from one device to another is a warning."""
        match event:
            case Heard():
                return
            case Opened(session):
                self._write(logging.INFO, session, "opened nas=%s port=%s vlan=%s role=%s entry=%s", *_facts(session))
            case Changed(_, session):
                self._write(logging.INFO, session, "changed nas=%s port=%s vlan=%s role=%s entry=%s", *_facts(session))
            case Ended(session, cause, detail):
                self._write(logging.INFO, session, "ended: %s %s", cause.value, shown(detail))
            case Bound(session, held):
                self._write(logging.INFO, session, "has %s (%s)", held.address, held.source.value)
            case Revoked(session, held, cause, by):
                taker = mac_address.plain(by) if by else "-"
                level = logging.WARNING if by else logging.INFO
                self._write(level, session, "has %s no more: %s by=%s", held.address, cause.value, taker)

    def _write(self, level: int, session: Session, text: str, *values: object) -> None:
        who = (session.site, mac_address.plain(session.mac), shown(session.identity))
        self._lines.write(level, f"site=%s mac=%s identity=%r {text}", *who, *values)


def _facts(session: Session) -> tuple[str, ...]:
    entry = session.entry.value if session.entry else "?"
    return shown(session.nas), shown(session.port), shown(session.vlan) or "-", shown(session.role) or "-", entry
