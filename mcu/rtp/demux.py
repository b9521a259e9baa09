"""Which protocol a datagram belongs to (RFC 7983, RFC 5761 section 4)."""
from enum import IntEnum
class Protocol(IntEnum):
    UNKNOWN = 0; STUN = 1; DTLS = 2; RTP = 3; RTCP = 4; TURN_CHANNEL = 5; ZRTP = 6
def classify(data: bytes) -> Protocol: ...
