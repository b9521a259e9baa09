"""Sound in the order in which it was said: what follows a lost packet waits a moment for its repeat."""

from __future__ import annotations

from typing import Generic, TypeVar

from mcu.rtp.sound_nack import LONGEST_WAIT_US, SoundNack

T = TypeVar("T")
_MAX_HELD = 32


class SoundOrder(Generic[T]):
    """Packets in any order in, by extended numbers; out in order, without those that came too late."""

    def __init__(self, *, is_repeated: bool) -> None:
        """`is_repeated` is whether the peer repeats what is asked for; else nothing is waited for."""
        self._nack = SoundNack()
        self._is_repeated = is_repeated
        self._held: dict[int, T] = {}
        self._next = -1
        self._since_us = 0
        """When the hole was seen that is waited for."""

    def put(self, number: int, packet: T, now_us: int) -> list[T]:
        """Take a packet; what may be played now."""
        if number == self._nack.expected:
            self._nack.expected = number + 1
        else:
            self._nack.jumped(number, now_us)
        if not self._is_repeated:
            return [packet]
        if self._next < 0:
            self._next = number
        if number >= self._next:
            if not self._held:
                self._since_us = now_us
            self._held[number] = packet
        return self.take(now_us)

    def take(self, now_us: int) -> list[T]:
        """What may be played now, since it was waited for long enough."""
        found: list[T] = []
        while self._held:
            if self._next not in self._held:
                if now_us - self._since_us < LONGEST_WAIT_US and len(self._held) < _MAX_HELD:
                    return found
                self._next = min(self._held)
                self._since_us = now_us
            found.append(self._held.pop(self._next))
            self._next += 1
        return found

    def missing(self, now_us: int, round_trip_us: int) -> list[int]:
        """16-bit numbers to ask for now."""
        return self._nack.due(now_us, round_trip_us) if self._is_repeated else []

    def restart(self) -> list[T]:
        """The numbers begin anew; what is left of the old ones."""
        self._nack.restart()
        rest = [self._held[number] for number in sorted(self._held)]
        self._held.clear()
        self._next = -1
        return rest
