"""Our SSRC in packets of the peer: both drew the same number, or our own packets come back (RFC 3550 8.2)."""

from __future__ import annotations

WINDOW_US = 10_000_000
"""Ten report intervals: RFC 3550 8.2 keeps conflicting addresses for as long."""
MAX_CHANGES = 2
"""Whoever has our third number within the window does not draw numbers: it sends back what we send."""


class CollisionGuard:
    """Tells a collision, which a new SSRC of ours ends, from a loop, which no number ends."""

    __slots__ = ("_changed_us", "_changes")

    def __init__(self) -> None:
        self._changes = 0
        self._changed_us = 0

    def is_collision(self, now_us: int) -> bool:
        """The peer sent one of our SSRCs: whether to change ours; else what comes is to be dropped."""
        if now_us - self._changed_us > WINDOW_US:
            self._changes = 0
        if self._changes >= MAX_CHANGES:
            self._changed_us = now_us  # as long as it comes back, it is a loop
            return False
        self._changes += 1
        self._changed_us = now_us
        return True
