"""When what of a programme is due: sound every 20 ms, pictures at their rate, both by one clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from caller.media import Programme

AUDIO_TICK_US = 20_000
MAX_BEHIND_US = 200_000
"""After a longer pause of this process the sound goes on from where it should be."""


@dataclass(frozen=True, slots=True)
class Due:
    """A packet of sound or a picture to send now."""

    is_picture: bool
    payload: bytes
    media_timestamp: int
    """In 1/48000 s, of pictures in 1/90000 s."""
    capture_us: int


class Player:
    """One playing of a programme, from `started_us` on."""

    def __init__(self, programme: Programme, started_us: int) -> None:
        self._programme = programme
        self._started_us = started_us
        self._ticks = self._pictures = 0

    def due(self, now_us: int) -> Iterator[Due]:
        """What became due since the last question."""
        elapsed = now_us - self._started_us
        yield from self._sound(elapsed)
        yield from self._picture(elapsed)

    def _sound(self, elapsed: int) -> Iterator[Due]:
        self._ticks = max(self._ticks, (elapsed - MAX_BEHIND_US) // AUDIO_TICK_US)
        while self._ticks * AUDIO_TICK_US <= elapsed:
            packet = self._programme.audio_at(self._ticks)
            at_us = self._started_us + self._ticks * AUDIO_TICK_US
            if packet is not None:
                yield Due(False, packet, self._ticks * 960 & 0xFFFFFFFF, at_us)
            self._ticks += 1

    def _picture(self, elapsed: int) -> Iterator[Due]:
        rate = self._programme.frame_rate
        while (offset_us := self._pictures * 1_000_000 // rate) <= elapsed:
            unit = self._programme.video_at(self._pictures)
            if unit is not None:
                yield Due(True, unit.payload, offset_us * 9 // 100 & 0xFFFFFFFF, self._started_us + offset_us)
            self._pictures += 1
