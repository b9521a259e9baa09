"""How many messages one WebSocket may send, and how many senseless ones."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_STRIKES = 3


@dataclass(slots=True)
class MessageBudget:
    """A token bucket and a count of strikes; times are seconds of any steady clock."""

    rate_per_s: float = 20.0
    burst: float = 60.0
    strikes: int = 0
    _tokens: float = field(default=0.0, init=False)
    _filled_at: float = field(default=float("-inf"), init=False)

    def take(self, now: float) -> bool:
        """Whether one more message may be handled now."""
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate_per_s)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def strike(self) -> bool:
        """Count a message that made no sense; True when it was one too many."""
        self.strikes += 1
        return self.strikes >= MAX_STRIKES
