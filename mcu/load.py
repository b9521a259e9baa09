"""How busy the machine is, and what the next caller may have: the estimate, corrected by what the processes say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcu.capacity import HD, Allowance, Capacity, Demand, newcomer, total
from mcu.strain import Correction, Strain

logger = logging.getLogger(__name__)
_RESERVED_S = 5.0
"""So long a caller who passed the gate counts before it is in its room."""
_MAX_RESERVED = 2000
_MARGIN = 0.1
"""Share of the cores that has to be left besides, where somebody who is in gets more: newcomers find room meanwhile."""


@dataclass(frozen=True, slots=True)
class _Reserved:
    cores: float
    until: float


class Load:
    """One for all workers of this machine. Without a capacity nobody gets less, but for those who come when it is late.

    `rooms` gives what each running room needs, by its number; `now` is a clock in seconds.
    """

    def __init__(
        self, rooms: Callable[[], Mapping[str, Demand]], now: Callable[[], float], pictures_per_s: float = 25.0
    ) -> None:
        self.capacity: Capacity | None = None
        self._rooms = rooms
        self._now = now
        self._strain = Strain(pictures_per_s)
        self._correction = Correction()
        self._reserved: dict[str, _Reserved] = {}
        self._cap = Allowance.FULL

    # ---- what the processes say

    def take(self, gauges: Mapping[str, Mapping[str, float]]) -> None:
        """The gauges of the last second by process, "video/1" for that of the first worker; called once a second."""
        now = self._now()
        for process, values in gauges.items():
            self._strain.take(process, values, now)
        if self.capacity is not None:
            used = sum(values.get("cpu_cores", 0.0) for values in gauges.values())
            self._correction.take(total(self.capacity, self._rooms().values()), used)
        cap = self._strain.cap(now)
        if cap is not self._cap:
            logger.warning("media falls behind or keeps up again: newcomers get %s", cap.name.lower())
            self._cap = cap

    # ---- what the gate asks

    def allowance(self, room: str, call: str) -> Allowance:
        """What one more in this room may have now; that much counts as used until it is in, or for some seconds."""
        self._reserved.pop(call, None)
        capacity = self.capacity
        if capacity is None:
            return self._cap
        here = self._rooms().get(room, Demand())
        before, factor = capacity.cost(here), self._correction.factor
        extra = {
            allowance: (capacity.cost(newcomer(here, allowance)) - before) * factor
            for allowance in (Allowance.FULL, Allowance.SMALL, Allowance.SOUND)
        }
        allowance = min(self._cap, capacity.room_for(self.used(), extra))
        if allowance is not Allowance.NONE and len(self._reserved) < _MAX_RESERVED:
            self._reserved[call] = _Reserved(extra[allowance], self._now() + _RESERVED_S)
        return allowance

    def better(self, room: str, given: Allowance) -> Allowance:
        """What somebody in this room who has `given` may have now; never less."""
        capacity = self.capacity
        if capacity is None:
            return max(given, self._cap)
        here, factor = self._rooms().get(room, Demand()), self._correction.factor
        kept = capacity.cost(newcomer(here, given))
        extra = {
            allowance: max(0.0, capacity.cost(newcomer(here, allowance)) - kept) * factor
            for allowance in (Allowance.FULL, Allowance.SMALL, Allowance.SOUND)
        }
        return max(given, min(self._cap, capacity.room_for(self.used() + _MARGIN * capacity.cores, extra)))

    def settled(self, call: str) -> None:
        """The caller is in its room, or will not come: it counts there, or no more."""
        self._reserved.pop(call, None)

    # ---- what is shown

    def used(self) -> float:
        """Cores that are busy, or will be in a moment."""
        if self.capacity is None:
            return 0.0
        now = self._now()
        self._reserved = {call: one for call, one in self._reserved.items() if one.until > now}
        rooms = total(self.capacity, self._rooms().values()) * self._correction.factor
        return rooms + sum(one.cores for one in self._reserved.values())

    def newcomers_get(self) -> Allowance:
        """What they may have now, but for what their own room costs."""
        if self.capacity is None:
            return self._cap
        nothing = dict.fromkeys(Allowance, 0.0)
        return min(self._cap, self.capacity.room_for(self.used(), nothing))

    def gauges(self) -> dict[str, float]:
        """For the metrics and the portal: cores, participants, shares."""
        capacity = self.capacity
        if capacity is None:
            return {"newcomers_get": float(self.newcomers_get())}
        used = self.used()
        return {
            "cores": capacity.cores,
            "cores_used": round(used, 4),
            "load": round(used / capacity.cores, 4),
            "correction": round(self._correction.factor, 4),
            "participants_720p": float(capacity.about(HD)),
            "participants_sound": float(capacity.about_sound()),
            "newcomers_get": float(self.newcomers_get()),
        }
