"""What the media processes say of themselves, and what newcomers may have while they fall behind.

An estimate may be wrong: a terminal sends more than it was asked for, another program runs beside us. Late ticks tell.
"""

from __future__ import annotations

from collections.abc import Mapping

from mcu.capacity import Allowance

_HOLD_S = 3.0
"""So long a process has to be behind before it counts: a room that opens may cost one late tick."""
_CALM_S = 10.0
"""So long it has to keep up again."""
_PICTURES_PER_S = 25.0
_SLOWED = 0.96
"""Below this share of its rate the video process leaves pictures out."""
_LATE_PICTURE_MS = 40.0
_LATE_SOUND_MS = 40.0
_LATE_PACKET_MS = 60.0
"""Jitter buffers take less than these; beyond, everybody hears it."""


class Strain:
    """Follows the gauges of all processes. Times are seconds of any one clock."""

    def __init__(self, pictures_per_s: float = _PICTURES_PER_S) -> None:
        """`pictures_per_s` is what the video process makes while all is well."""
        self._pictures_per_s = pictures_per_s
        self._since: dict[tuple[str, Allowance], float] = {}
        self._until: dict[Allowance, float] = {}

    def take(self, process: str, gauges: Mapping[str, float], now: float) -> None:
        """The gauges of one process, as of now."""
        sign = sign_of(process.partition("/")[0], gauges, self._pictures_per_s)
        for allowance in (Allowance.SMALL, Allowance.SOUND, Allowance.NONE):
            key = (process, allowance)
            if sign > allowance:
                self._since.pop(key, None)
            elif now - self._since.setdefault(key, now) >= _HOLD_S:
                self._until[allowance] = now + _CALM_S

    def cap(self, now: float) -> Allowance:
        """The most that newcomers may have now."""
        self._until = {allowance: until for allowance, until in self._until.items() if until > now}
        return min(self._until, default=Allowance.FULL)


def sign_of(process: str, gauges: Mapping[str, float], pictures_per_s: float = _PICTURES_PER_S) -> Allowance:
    """The most that newcomers may have by what one process says: pictures suffer first, sound last."""
    late_ms = gauges.get("tick_lateness_p99_ms", 0.0)
    if process == "video":
        if gauges.get("frame_rate", pictures_per_s) < _SLOWED * pictures_per_s:
            return Allowance.SOUND
        return Allowance.SMALL if late_ms > _LATE_PICTURE_MS else Allowance.FULL
    is_late = late_ms > _LATE_SOUND_MS if process == "audio" else gauges.get("loop_lag_p99_ms", 0.0) > _LATE_PACKET_MS
    return Allowance.NONE if is_late else Allowance.FULL


class Correction:
    """How much the processes really use, over what was estimated; follows slowly, within bounds."""

    LEAST, MOST = 0.5, 3.0
    _WEIGHT = 0.1
    _TOO_LITTLE = 0.2
    """Cores: what idles says nothing about the model."""

    def __init__(self) -> None:
        self.factor = 1.0

    def take(self, estimated: float, used: float) -> None:
        """Cores, about once a second."""
        if estimated >= self._TOO_LITTLE and used > 0:
            ratio = min(self.MOST, max(self.LEAST, used / estimated))
            self.factor += (ratio - self.factor) * self._WEIGHT
