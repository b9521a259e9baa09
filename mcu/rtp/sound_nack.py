"""Which missing packets of sound to ask for (RFC 4585 6.2.1): those whose repeat can still be played in time."""

from __future__ import annotations

from mcu.rtp.nack import NackScheduler

LONGEST_WAIT_US = 180_000
"""From the time that a packet should have come at to its repeat: a little less than a jitter buffer waits."""
_PACKET_US = 20_000
"""Between two packets, about."""
_MAX_HOLE = LONGEST_WAIT_US // _PACKET_US
"""Of more missing packets in a row only the last ones can still be played."""
_HOPELESS = 50
"""Asked so often without a single repeat, the sender is left alone for a while: nothing comes of it."""
_LEFT_ALONE_US = 60_000_000


class SoundNack:
    """The holes in one source of sound. `expected` is the extended number of the packet that should come next."""

    __slots__ = ("_asked", "_resume_us", "_scheduler", "expected")

    def __init__(self) -> None:
        self.expected = -1
        self._scheduler = NackScheduler()
        self._asked = self._resume_us = 0

    def jumped(self, number: int, now_us: int) -> bool:
        """`number` came instead of the one expected: a hole is before it, or it is late. Whether it was asked for."""
        if number < self.expected:
            is_repeat = self._scheduler.was_asked(number)
            if self._scheduler.received(number):
                self._asked = 0
            return is_repeat
        if self.expected >= 0:
            self._scheduler.missed(max(self.expected, number - _MAX_HOLE), number, now_us)
        self.expected = number + 1
        return False

    def restart(self) -> None:
        """The numbers begin anew."""
        self.expected = -1
        self._scheduler.clear()

    @property
    def is_waiting(self) -> bool:
        """Whether anything is missing that was, or will be, asked for."""
        return self._scheduler.is_waiting

    def due(self, now_us: int, round_trip_us: int) -> list[int]:
        """16-bit numbers to ask for now; none over a path whose round trip is unknown, or too long."""
        if not round_trip_us or now_us < self._resume_us:
            self._scheduler.clear()
            return []
        oldest = self.expected - 1 - (LONGEST_WAIT_US - round_trip_us) // _PACKET_US
        self._scheduler.forget_before(oldest)
        due = self._scheduler.due(now_us, round_trip_us)
        self._asked += len(due)
        if self._asked > _HOPELESS:
            self._asked, self._resume_us = 0, now_us + _LEFT_ALONE_US
        return [number & 0xFFFF for number in due]
