"""Packets of sound that nobody will hear: most of a large room.

By the level that their sender tells (RFC 6464). Terminals hardly ever tell one; but a microphone that is off sends
digital silence, and with Opus that shows. (G.711 is measured by the mixer, mcu/audio/loudness.py.)
"""

from __future__ import annotations

AUDIBLE_LEVEL = 60
"""In -dBov: quieter sound is nobody's speech."""
NOTHING = 127
"""Digital silence (RFC 6464 3)."""
_PASSES_ON_US = 2_000_000
"""Longer than a seat in the mix outlives the last audible frame."""
_REMINDER_US = 2_000_000
"""So often one packet passes all the same: clocks and numbers are followed, and the level is shown."""
_EMPTY_BYTES = 4
"""CELT makes 3 of digital silence, whatever the bit rate; of any noise no mode makes fewer than 9."""


def is_silent(level: int) -> bool:
    """Whether a level in -dBov (0..127, anything above is none told) says that there is nothing to hear."""
    return AUDIBLE_LEVEL < level <= 127


def is_empty(payload: bytes) -> bool:
    """Whether a packet of Opus is too short for any sound: digital silence, or a frame left out (DTX, RFC 6716 3.1)."""
    return 0 < len(payload) <= _EMPTY_BYTES and not payload[0] & 3


class SilenceGate:
    """Which packets of one sender are worth decoding or mixing."""

    __slots__ = ("_audible_us", "_passed_us")

    def __init__(self) -> None:
        self._audible_us: int | None = None
        self._passed_us: int | None = None

    def passes(self, level: int, now_us: int) -> bool:
        """Whether a packet with this level is handed on: at once when it is audible, and for a while after that."""
        if not is_silent(level):
            self._audible_us = now_us
            return True
        if self._audible_us is not None and now_us - self._audible_us < _PASSES_ON_US:
            return True
        if self._passed_us is not None and now_us - self._passed_us < _REMINDER_US:
            return False
        self._passed_us = now_us
        return True
