"""The table of RFC 7983 and the packet types of RFC 5761."""

import pytest

from mcu.rtp.demux import Protocol, classify

ROWS = [
    (b"", Protocol.UNKNOWN),
    (b"\x80", Protocol.UNKNOWN),
    (b"\x00\x01" + bytes(18), Protocol.STUN),
    (b"\x03\x01" + bytes(18), Protocol.STUN),
    (b"\x00\x01" + bytes(17), Protocol.UNKNOWN),
    (b"\x04" + bytes(30), Protocol.UNKNOWN),
    (b"\x10" + bytes(30), Protocol.ZRTP),
    (b"\x14" + bytes(12), Protocol.DTLS),
    (b"\x3f" + bytes(12), Protocol.DTLS),
    (b"\x16" + bytes(11), Protocol.UNKNOWN),
    (b"\x40" + bytes(12), Protocol.TURN_CHANNEL),
    (b"\x50" + bytes(12), Protocol.UNKNOWN),
    (b"\x80\x60" + bytes(10), Protocol.RTP),
    (b"\xbf\xe0" + bytes(10), Protocol.RTP),
    (b"\x80\x60" + bytes(9), Protocol.UNKNOWN),
    (b"\x80\xc8" + bytes(26), Protocol.RTCP),
    (b"\x81\xcf" + bytes(6), Protocol.RTCP),
    (b"\x80\xdf" + bytes(6), Protocol.RTCP),
    (b"\x80\xbf" + bytes(10), Protocol.RTP),
    (b"\xc0\x60" + bytes(10), Protocol.UNKNOWN),
]


@pytest.mark.parametrize(("data", "protocol"), ROWS)
def test_first_bytes(data, protocol) -> None:
    assert classify(data) is protocol
