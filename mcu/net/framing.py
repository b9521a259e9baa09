"""Packets on a stream: a length of 16 bits before each (RFC 4571 2), as ICE over TCP has them (RFC 6544 3)."""

from __future__ import annotations

from collections.abc import Sequence

MAX_PACKET_BYTES = 2048
"""What the datagram sockets take, too; larger ones are nobody's media."""
_LENGTH_BYTES = 2


class BadFraming(ValueError):
    """The stream cannot be followed any further."""


class Deframer:
    """Bytes of a stream in, packets out; what waits for its end is at most one packet."""

    def __init__(self, max_packet_bytes: int = MAX_PACKET_BYTES) -> None:
        self._max_packet_bytes = max_packet_bytes
        self._rest = b""

    def receive(self, data: bytes) -> list[bytes]:
        """The packets that `data` completes, empty ones left out. Raises BadFraming for one that is too large."""
        data = self._rest + data
        position, end = 0, len(data)
        found: list[bytes] = []
        while position + _LENGTH_BYTES <= end:
            length = data[position] << 8 | data[position + 1]
            if length > self._max_packet_bytes:
                raise BadFraming(f"a packet of {length} bytes")
            after = position + _LENGTH_BYTES + length
            if after > end:
                break
            if length:
                found.append(data[position + _LENGTH_BYTES : after])
            position = after
        self._rest = data[position:]
        return found


def frame(packets: Sequence[bytes]) -> bytes:
    """The packets as they go on a stream. Raises ValueError for one that has no length in 16 bits."""
    if any(len(packet) > 0xFFFF for packet in packets):
        raise ValueError("a packet is too large for its frame")
    return b"".join(part for packet in packets for part in (len(packet).to_bytes(_LENGTH_BYTES, "big"), packet))
