"""When to ask a sender for a keyframe, and how a joiner gets the frames since the last one."""

from __future__ import annotations

from mcu.rtp.history import PieceRing, RingFrame

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


class Replay:
    """Frames since the last keyframe for one joiner, paced; frames added meanwhile follow without a gap.

    While it is not done, the leg gets its frames from here only. `needs_keyframe` says that nothing can be replayed:
    then ask the encoder and start again with its keyframe.
    """

    __slots__ = ("_budget_bytes", "_next", "_rate_bps", "_ring", "_time_us", "is_done", "needs_keyframe")

    def __init__(self, ring: PieceRing, rate_bps: int, now_us: int) -> None:
        """Plan for a leg that takes `rate_bps`: more than the rendition's own rate, or it never catches up."""
        self._ring = ring
        self._rate_bps = rate_bps
        self._time_us = now_us
        self._budget_bytes = 0.0
        kept = ring.since_keyframe()
        self._next = kept[0].number if kept else -1
        self.needs_keyframe = not kept
        self.is_done = False

    def due(self, now_us: int) -> list[RingFrame]:
        """Frames to send now, in order. A keyframe that came meanwhile makes the older rest needless."""
        kept = self._ring.since_keyframe()
        if not kept:
            self.needs_keyframe = True
            return []
        first = kept[0].number
        if self.needs_keyframe or self._next < first:
            self._next, self.needs_keyframe = first, False
        # At most 5 ms of unused budget is carried over (and one frame may overdraw it).
        gained = (now_us - self._time_us) * self._rate_bps / 8_000_000
        self._budget_bytes = min(self._budget_bytes + gained, self._rate_bps * 5_000 / 8_000_000)
        self._time_us = now_us
        out = []
        for frame in kept[self._next - first :]:
            if self._budget_bytes < 0:
                break
            self._budget_bytes -= frame.size_bytes
            out.append(frame)
            self._next = frame.number + 1
        self.is_done = self._next == self._ring.next_number
        return out
