"""TPKT (RFC 1006 6): how Q.931 and H.245 messages are cut out of a TCP stream (H.225.0 appendix IV)."""

from __future__ import annotations

import struct

HEADER_BYTES = 4
MAX_UNIT_BYTES = 20_480
"""Of one message: a User-user element of 16 KiB (per.MAX_BYTES) and all else of Q.931. The field has 16 bits."""

_HEADER = struct.Struct("!BBH")
_VERSION = 3


def frame(unit: bytes) -> bytes:
    """A message as it goes into the stream. Raises ValueError when it is too long: a fault of the caller."""
    if len(unit) > MAX_UNIT_BYTES:
        raise ValueError(f"unit of {len(unit)} bytes")
    return _HEADER.pack(_VERSION, 0, HEADER_BYTES + len(unit)) + unit


class Deframer:
    """Bytes of one connection in, whole messages out; what waits is never more than one message and a piece."""

    def __init__(self, max_unit_bytes: int = MAX_UNIT_BYTES) -> None:
        self._max_unit_bytes = max_unit_bytes
        self._buffer = bytearray()
        self.fault = ""
        """Why the stream cannot be followed any more; then drop the connection."""
        self.keep_alives = 0
        """Empty units seen: they hold a way through a firewall open (H.460.18 8.2.1)."""

    @property
    def has_part(self) -> bool:
        """Whether the beginning of a message waits for its end."""
        return bool(self._buffer)

    def receive(self, octets: bytes) -> list[bytes]:
        """The messages that are whole now, also those that came before a fault."""
        units: list[bytes] = []
        if self.fault:
            return units
        self._buffer += octets
        start = 0
        while (end := self._end(start)) is not None:
            if end == start + HEADER_BYTES:
                self.keep_alives += 1
            else:
                units.append(bytes(self._buffer[start + HEADER_BYTES : end]))
            start = end
        del self._buffer[:start]
        if self.fault:
            self._buffer.clear()
        return units

    def _end(self, start: int) -> int | None:
        """Where the unit that begins at `start` ends; None while it is not whole, or when it is none."""
        if start < len(self._buffer) and self._buffer[start] != _VERSION:
            self.fault = f"TPKT version {self._buffer[start]}"
            return None
        if len(self._buffer) - start < HEADER_BYTES:
            return None
        length = _HEADER.unpack_from(self._buffer, start)[2]
        if not HEADER_BYTES <= length <= HEADER_BYTES + self._max_unit_bytes:
            self.fault = f"TPKT of {length} bytes"
            return None
        end = start + length
        return end if end <= len(self._buffer) else None
