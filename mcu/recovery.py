"""When those who came with less, because the machine was busy, get their pictures: once it has had room for a while.

Pure: time comes in with each call, in seconds of any one clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mcu.capacity import Allowance

CALM_S = 60.0
"""So long there has to be room without a break: a load that comes and goes never flickers through to people."""
STEP_S = 10.0
"""From one to the next, so that the gauges tell what the last one cost."""

Better = Callable[[str, Allowance], Allowance]
"""What one of a room may have instead of what it has; the same where nothing more is left."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who has less than everything."""

    room: str
    participant: int
    allowance: Allowance


class Recovery:
    """Picks one at a time, those first who have waited longest."""

    def __init__(self, better: Better) -> None:
        self._better = better
        self._roomy_since: float | None = None
        self._raised_at = float("-inf")

    def pick(self, waiting: Iterable[Waiting], now: float) -> Waiting | None:
        """Who gets more now, with what it gets; to be asked about once a second."""
        found = next((raised for each in waiting if (raised := self._raised(each)) is not None), None)
        if found is None:
            self._roomy_since = None
            return None
        if self._roomy_since is None:
            self._roomy_since = now
        if now - self._roomy_since < CALM_S or now - self._raised_at < STEP_S:
            return None
        self._raised_at = now
        return found

    def _raised(self, one: Waiting) -> Waiting | None:
        better = self._better(one.room, one.allowance)
        return Waiting(one.room, one.participant, better) if better > one.allowance else None
