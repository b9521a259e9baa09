"""How many calls may be made: at once, and in a minute. Pure; every method is given `now` in seconds."""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0


class CallBudget:
    """Calls at once and calls a minute of one room, one trunk or the server."""

    def __init__(self, at_once: int, per_minute: int) -> None:
        self.at_once = at_once
        self.per_minute = per_minute
        self.running = 0
        self._started: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Start a call, if that is within both bounds; each call taken is given back once."""
        while self._started and now - self._started[0] >= WINDOW_S:
            self._started.popleft()
        if self.running >= self.at_once or len(self._started) >= self.per_minute:
            return False
        self.running += 1
        self._started.append(now)
        return True

    def give_back(self) -> None:
        """The call is over; that it was started still counts for its minute."""
        self.running = max(0, self.running - 1)

    def is_idle(self, now: float) -> bool:
        """Whether forgetting it changes nothing."""
        return self.running == 0 and (not self._started or now - self._started[-1] >= WINDOW_S)
