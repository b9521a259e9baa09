"""The audit as lines of a log: which fields changed, not what was in them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from audit.event import Event, Outcome
from audit.lines import AuditLines, shown

_STRANGERS_PER_MINUTE: Final = 120


class LoggingAudit:
    """Writes to a logger; what strangers cause is bounded."""

    def __init__(self, audit: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._audit = audit
        self._strangers = AuditLines(audit, _STRANGERS_PER_MINUTE, clock, "events of strangers")

    async def record(self, event: Event) -> None:
        """One line."""
        level = logging.INFO if event.outcome is Outcome.DONE else logging.WARNING
        if event.who:
            self._audit.log(level, "%s", line_of(event))
        else:
            self._strangers.write(level, "%s", line_of(event))


def line_of(event: Event) -> str:
    """Like "room=1001 changed user=admin source=192.0.2.7 fields=alias,name"."""
    _, _, what = event.action.partition(".")
    words = [f"{event.object_kind}={shown(event.object_id)}", what if event.outcome is Outcome.DONE else f"not {what}"]
    words += [f"user={shown(event.who)}"] if event.who else []
    words.append(f"source={shown(event.source)}")
    if fields := sorted({*event.old, *event.new}):
        words.append(f"fields={','.join(fields)}")
    if event.outcome is not Outcome.DONE:
        words.append(f"{event.outcome}={event.reason}")
    return " ".join(words)
