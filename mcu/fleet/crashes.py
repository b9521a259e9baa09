"""How often the processes of a worker died, and what they were busy with then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

_RESTART_DELAYS_S = (0.0, 0.2, 0.5, 1.0)
_CALM_S = 30.0
_CRASHES_BEFORE_BAN = 2


@dataclass(slots=True)
class Crashes:
    """Of one process."""

    _recent: int = 0
    _last_s: float = 0.0
    _in_flight: Counter[int] = field(default_factory=Counter)

    def delay_s(self, now: float) -> float:
        """It died at `now`: how long to wait before the next start."""
        self._recent = self._recent + 1 if now - self._last_s < _CALM_S else 0
        self._last_s = now
        return _RESTART_DELAYS_S[min(self._recent, len(_RESTART_DELAYS_S) - 1)]

    def guilty(self, in_flight: Iterable[int]) -> list[int]:
        """Of the sources that were being decoded when it died, those for which this was the second time."""
        streams = set(in_flight)
        self._in_flight.update(streams)
        return [stream for stream in streams if self._in_flight[stream] == _CRASHES_BEFORE_BAN]
