"""Who asked the embedded server and got no answer (RFC 2865 3): a switch that is not set up looks as if it were dead.

Addresses can be invented, so that this is for people to read and for nothing else. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MAX_SOURCES: Final = 50


@dataclass(frozen=True, slots=True)
class Unheard:
    """One source, the last time."""

    at: float
    """UTC seconds."""
    source: str
    """IP address."""
    reason: str
    """Name of a counter: "unknown-client", "wrong-message-authenticator", ..."""
    count: int
    """Requests since this source was seen first."""


class UnheardRequests:
    """The sources that were heard of last; a flood of invented ones pushes out others, and no more."""

    def __init__(self) -> None:
        self._sources: OrderedDict[str, Unheard] = OrderedDict()

    def note(self, source: str, reason: str, now_utc: float) -> None:
        """A request was dropped."""
        before = self._sources.pop(source, None)
        self._sources[source] = Unheard(now_utc, source, reason, 1 if before is None else before.count + 1)
        if len(self._sources) > MAX_SOURCES:
            self._sources.popitem(last=False)

    def heard(self, source: str) -> None:
        """It is believed now: what went wrong before is mended."""
        if self._sources:
            self._sources.pop(source, None)

    def newest(self) -> list[Unheard]:
        """Newest first."""
        return list(reversed(self._sources.values()))
