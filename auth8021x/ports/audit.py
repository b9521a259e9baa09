"""The audit of our own ports: who was not let in, where, as whom and why. Who was is in that of the directory."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from audit.lines import shown
from auth8021x.audit_lines import AuditLines
from auth8021x.wire import mac_address

LINES_PER_MINUTE: Final = 60
"""At each port, so that who knocks at one takes no line from the others."""
REPEAT_S: Final = 600.0
"""The same refusal of the same terminal, which asks again once a minute, has a line so often."""
MAX_REMEMBERED: Final = 1000
"""Terminals, at each port."""


@dataclass(slots=True)
class _Last:
    what: tuple[str, str]
    """Identity and reason."""
    written_at: float
    unsaid: int = 0


class PortAudit:
    """One port. `clock` gives monotonic seconds."""

    def __init__(self, site: str, port: str, clock: Callable[[], float]) -> None:
        self._lines = AuditLines(LINES_PER_MINUTE, clock, f"refusals at port {port}")
        self._where = (site, port)
        self._clock = clock
        self._last: OrderedDict[bytes, _Last] = OrderedDict()

    @property
    def suppressed(self) -> int:
        """Lines that were too many in their minute; cumulative."""
        return self._lines.suppressed

    def refused(self, mac: bytes, identity: str, reason: str) -> None:
        """A terminal was refused, or kept out although a server let it in: `reason` is a word for it."""
        now, what = self._clock(), (identity, reason)
        last = self._last.get(mac)
        if last is not None and last.what == what and now - last.written_at < REPEAT_S:
            last.unsaid += 1
            return
        again = f" ({last.unsaid} times more since)" if last is not None and last.what == what and last.unsaid else ""
        self._last[mac] = _Last(what, now)
        self._last.move_to_end(mac)
        if len(self._last) > MAX_REMEMBERED:
            self._last.popitem(last=False)
        self._lines.write(
            logging.WARNING, "site=%s port=%s mac=%s identity=%r refused: %s%s",
            *self._where, mac_address.plain(mac), shown(identity), reason, again,
        )  # fmt: skip
