"""What waits for the reader of one TCP path: bounded, and told early, so that pictures are left out in time."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.net.framing import frame


class Backlog:
    """Pure: packets in, bytes of the stream out. A packet goes in whole or not at all."""

    def __init__(self, max_bytes: int) -> None:
        self.dropped = 0
        """Packets that found no room."""
        self._max_bytes = max_bytes
        self._waiting = bytearray()
        self._is_slow = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_slow(self) -> bool:
        """Whether no new picture should begin: more than a quarter waits, or something was dropped, since it was empty.

        The rest of the room is for the end of a picture that is on its way, for sound and for reports.
        """
        return self._is_slow

    def put(self, packets: Sequence[bytes]) -> None:
        """Add packets behind what waits."""
        for packet in packets:
            if len(self._waiting) + len(packet) + 2 > self._max_bytes:
                self.dropped += 1
                self._is_slow = True
            else:
                self._waiting += frame((packet,))
        if len(self._waiting) > self._max_bytes // 4:
            self._is_slow = True

    def peek(self, count: int) -> bytes:
        """At most `count` bytes of what waits, oldest first."""
        return bytes(self._waiting[:count])

    def sent(self, count: int) -> None:
        """The first `count` bytes are gone."""
        del self._waiting[:count]
        if not self._waiting:
            self._is_slow = False
