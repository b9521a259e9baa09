"""When to ask a sender for a keyframe."""

from __future__ import annotations

MIN_INTERVAL_US = 300_000
MAX_INTERVAL_US = 5_000_000
"""A sender that never answers is asked this often at last."""


class KeyframeRequester:
    """Requests to one source: at least 300 ms apart, repeated with back-off while no keyframe comes."""

    __slots__ = ("_interval_us", "_last_us", "_next_us", "fir_sequence", "requests")

    def __init__(self) -> None:
        self.fir_sequence = 0
        """Command sequence number: one for each new wish, the same for its repeats (RFC 5104 4.3.1.1)."""
        self.requests = 0
        self._interval_us = MIN_INTERVAL_US
        self._last_us: int | None = None
        self._next_us: int | None = None

    def want(self, now_us: int) -> None:
        """Somebody needs a keyframe."""
        if self._next_us is not None:
            return
        self.fir_sequence = (self.fir_sequence + 1) & 0xFF
        self._interval_us = MIN_INTERVAL_US
        self._next_us = now_us if self._last_us is None else max(now_us, self._last_us + MIN_INTERVAL_US)

    def follow(self, before: KeyframeRequester) -> None:
        """Take over from a source of the same sender: a new one does not make it be asked more often."""
        self._last_us = before._last_us
        self.fir_sequence = before.fir_sequence

    def arrived(self) -> None:
        """A keyframe came."""
        self._next_us = None

    def due(self, now_us: int) -> bool:
        """Whether to send a request now; if so the next one is scheduled."""
        if self._next_us is None or now_us < self._next_us:
            return False
        self.requests += 1
        self._last_us = now_us
        self._next_us = now_us + self._interval_us
        self._interval_us = min(MAX_INTERVAL_US, self._interval_us * 2)
        return True

    def next_timeout(self) -> int | None:
        """When due() will say yes; None while nothing is wanted."""
        return self._next_us
