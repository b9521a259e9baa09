"""NTP timestamps (RFC 3550 section 4): 64 bits, seconds since 1900 with 32 bits of fraction."""

from __future__ import annotations

UNIX_EPOCH_S = 2_208_988_800
"""Seconds from 1900 to 1970."""


class NtpClock:
    """NTP time from CLOCK_MONOTONIC by a constant offset, so that it never jumps while a worker runs."""

    __slots__ = ("_offset_us",)

    def __init__(self, offset_us: int) -> None:
        """Keep `offset_us`: Unix time minus CLOCK_MONOTONIC, read once."""
        self._offset_us = offset_us + UNIX_EPOCH_S * 1_000_000

    def ntp(self, now_us: int) -> int:
        """The 64-bit NTP timestamp of a moment."""
        seconds, microseconds = divmod(now_us + self._offset_us, 1_000_000)
        return (seconds & 0xFFFFFFFF) << 32 | (microseconds << 32) // 1_000_000


def to_us(ntp: int) -> int:
    """Microseconds since 1900 of a 64-bit NTP timestamp (within its 136-year era)."""
    return (ntp * 1_000_000 + 0x8000_0000) >> 32


def middle(ntp: int) -> int:
    """The middle 32 bits, as LSR carries them (RFC 3550 6.4.1)."""
    return ntp >> 16 & 0xFFFFFFFF


def short_to_us(short: int) -> int:
    """Microseconds of a duration in 1/65536 s, as DLSR carries it."""
    return short * 1_000_000 >> 16


def us_to_short(duration_us: int) -> int:
    """A duration as DLSR carries it, saturating at 32 bits."""
    return min((duration_us << 16) // 1_000_000, 0xFFFFFFFF)
