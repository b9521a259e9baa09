"""Which protocol a datagram belongs to (RFC 7983 section 7, RFC 5761 section 4)."""

from __future__ import annotations

from enum import IntEnum


class Protocol(IntEnum):
    """What shares a media port."""

    UNKNOWN = 0
    STUN = 1
    DTLS = 2
    RTP = 3
    RTCP = 4
    TURN_CHANNEL = 5
    ZRTP = 6


def classify(data: bytes) -> Protocol:
    """The protocol of a datagram by its first two bytes; UNKNOWN where it is too short for the one they name."""
    size = len(data)
    if size < 2:
        return Protocol.UNKNOWN
    protocol = _BY_FIRST_BYTE[data[0]]
    if protocol is Protocol.RTP and 192 <= data[1] <= 223:  # RFC 5761 4: RTCP packet types on an RTP port
        protocol = Protocol.RTCP
    return protocol if size >= _SHORTEST[protocol] else Protocol.UNKNOWN


def _protocol(first: int) -> Protocol:
    if first <= 3:
        return Protocol.STUN
    if 16 <= first <= 19:
        return Protocol.ZRTP
    if 20 <= first <= 63:
        return Protocol.DTLS
    if 64 <= first <= 79:
        return Protocol.TURN_CHANNEL
    return Protocol.RTP if 128 <= first <= 191 else Protocol.UNKNOWN


_BY_FIRST_BYTE = tuple(_protocol(first) for first in range(256))
_SHORTEST = {
    Protocol.UNKNOWN: 0,
    Protocol.STUN: 20,
    Protocol.DTLS: 13,
    Protocol.RTP: 12,
    Protocol.RTCP: 8,
    Protocol.TURN_CHANNEL: 4,
    Protocol.ZRTP: 12,
}
