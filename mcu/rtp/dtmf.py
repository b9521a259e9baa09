"""Telephone events, in and out (RFC 4733 section 2)."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

DIGITS = "0123456789*#ABCD"
"""Event codes 0 to 15 (RFC 4733 3.2)."""
_PAYLOAD = struct.Struct("!BBH")
_END = 0x80
_REMEMBERED = 8
_MAX_DURATION = 0xFFFF


class DtmfReceiver:
    """Each event once, whatever is repeated, lost or reordered: an event is known by its RTP timestamp (2.2.1)."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)

    def receive(self, payload: bytes, rtp_timestamp: int) -> str | None:
        """The digit of a new event, at its first packet that arrives; None for repeats and other events."""
        if len(payload) < _PAYLOAD.size:
            return None
        event, _, _ = _PAYLOAD.unpack_from(payload)
        if event >= len(DIGITS):
            return None
        if (event, rtp_timestamp) in self._seen:
            return None
        previous = self._seen[-1] if self._seen else None
        self._seen.append((event, rtp_timestamp))
        # 2.5.1.3: a tone that outlasts the duration field goes on as a segment that starts where the last one ended.
        if previous is not None and previous == (event, (rtp_timestamp - _MAX_DURATION) & 0xFFFFFFFF):
            return None
        return DIGITS[event]


@dataclass(frozen=True, slots=True)
class DtmfPacket:
    """One packet of an event to send: `offset_ms` after its start, all under the timestamp of the start."""

    offset_ms: int
    marker: bool
    payload: bytes


def tone(digit: str, duration_ms: int = 160, clock_rate_hz: int = 8000, volume: int = 10) -> Iterator[DtmfPacket]:
    """The packets of one event: an update every 20 ms, then the end three times (2.5.1.4).

    `volume` is -dBm0 (0..63). Raises ValueError for what is no digit or lasts too long for one segment.
    """
    event = DIGITS.find(digit.upper()) if len(digit) == 1 else -1
    last = duration_ms * clock_rate_hz // 1000
    if event < 0 or not 0 < last <= _MAX_DURATION:
        raise ValueError("no digit, or too long")
    for offset in range(20, duration_ms, 20):
        yield DtmfPacket(offset, offset == 20, _PAYLOAD.pack(event, volume, offset * clock_rate_hz // 1000))
    for repeat in range(3):
        marker = duration_ms <= 20 and repeat == 0
        yield DtmfPacket(duration_ms, marker, _PAYLOAD.pack(event, _END | volume, last))
