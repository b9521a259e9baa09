"""Bit strings: read from the left, and joined where payloads begin and end inside an octet (RFC 2190, RFC 4587)."""

from __future__ import annotations

from collections.abc import Iterable


class BitReader:
    """Reads the beginning of a picture. Raises IndexError past the end."""

    __slots__ = ("_bits", "_left")

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        """The next `count` bits as a number."""
        self._left -= count
        if self._left < 0:
            raise IndexError("end of picture")
        return self._bits >> self._left & (1 << count) - 1


def join(parts: Iterable[tuple[bytes, int, int]]) -> bytes | None:
    """Octets out of (octets, bits to leave out at the start, bits to leave out at the end).

    A payload begins in the octet in which the one before has ended. None where one does not follow the other.
    """
    whole = bytearray()
    free = 0
    """Bits of the last octet that are still to come."""
    for octets, start, end in parts:
        if not octets or start != -free % 8 or 8 * len(octets) < start + end:
            return None
        if free:
            whole[-1] |= octets[0] & 0xFF >> start
        whole += octets[1:] if free else octets
        if end:
            whole[-1] &= 0xFF << end & 0xFF
        free = end
    return bytes(whole)
