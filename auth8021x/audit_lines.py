"""Lines of the audit of 802.1X."""

from __future__ import annotations

import logging
from collections.abc import Callable

from audit import lines

audit = logging.getLogger("audit.dot1x")


class AuditLines(lines.AuditLines):
    """Of the logger `audit.dot1x`; `clock` gives monotonic seconds, `what` says in the plural what is counted."""

    def __init__(self, per_minute: int, clock: Callable[[], float], what: str = "lines") -> None:
        super().__init__(audit, per_minute, clock, what)
