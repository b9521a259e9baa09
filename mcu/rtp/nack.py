"""Which missing packets to ask for now (RFC 4585 section 6.2.1): spaced, bounded, given up in time."""

from __future__ import annotations

from collections import OrderedDict

MAX_PENDING = 512
"""Missing packets remembered; a larger hole is for a keyframe to mend."""
MAX_TRIES = 6
MAX_AT_ONCE = 128
"""Numbers in one request."""
REORDER_US = 5_000
"""A packet that is merely late gets this long before it is asked for."""
MIN_SPACING_US = 20_000


class NackScheduler:
    """Extended sequence numbers of one source that are missing, each with its next time to ask."""

    __slots__ = ("_pending", "given_up", "requested")

    def __init__(self) -> None:
        self._pending: OrderedDict[int, tuple[int, int]] = OrderedDict()  # in the order of numbers
        self.requested = 0
        """Numbers asked for, repeats included."""
        self.given_up = 0

    def missed(self, first: int, last: int, now_us: int) -> None:
        """Numbers from `first` to before `last` were skipped; the oldest ones are given up beyond MAX_PENDING."""
        if last - first > MAX_PENDING:
            self.given_up += last - first - MAX_PENDING
            first = last - MAX_PENDING
        is_before = bool(self._pending) and first < next(reversed(self._pending))
        for sequence in range(first, last):
            self._pending[sequence] = (now_us + REORDER_US, 0)
        if is_before:
            self._pending = OrderedDict(sorted(self._pending.items()))
        while len(self._pending) > MAX_PENDING:
            self._pending.popitem(last=False)
            self.given_up += 1

    def received(self, sequence: int) -> bool:
        """Forget a number that came; whether it was missing."""
        return self._pending.pop(sequence, None) is not None

    def was_asked(self, sequence: int) -> bool:
        """Whether a number is missing and was asked for."""
        return self._pending.get(sequence, (0, 0))[1] > 0

    def forget_before(self, sequence: int) -> None:
        """Nobody waits for these any more."""
        pending = self._pending
        while pending and next(iter(pending)) < sequence:
            pending.popitem(last=False)

    def due(self, now_us: int, round_trip_us: int) -> list[int]:
        """Extended numbers to ask for now, lowest first."""
        if not self._pending:
            return []
        spacing = max(MIN_SPACING_US, round_trip_us + round_trip_us // 4)
        due = [number for number, (at_us, _) in self._pending.items() if at_us <= now_us][:MAX_AT_ONCE]
        for number in due:
            tries = self._pending[number][1] + 1
            if tries >= MAX_TRIES:
                del self._pending[number]
                self.given_up += 1
            else:
                self._pending[number] = (now_us + spacing, tries)
        self.requested += len(due)
        return due

    @property
    def is_waiting(self) -> bool:
        """Whether anything is missing."""
        return bool(self._pending)

    def next_timeout(self) -> int | None:
        """When due() has something to say; None while nothing is missing."""
        return min((at_us for at_us, _ in self._pending.values()), default=None)

    def clear(self) -> None:
        """Forget everything, as when the source restarts."""
        self._pending.clear()
