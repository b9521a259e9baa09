"""RTP packets (RFC 3550 section 5.1) and header extensions (RFC 8285)."""
from __future__ import annotations
from collections.abc import Sequence
from mcu.media import Extensions

NO_EXTENSIONS = Extensions()

class RtpPacket:
    """One received packet; extension fields are filled only for negotiated ids."""
    __slots__ = ("payload_type", "marker", "sequence", "timestamp", "ssrc", "payload", "mid", "audio_level", "is_voice", "abs_send_time", "transport_sequence")
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    mid: str                 # "" when absent
    audio_level: int         # -dBov 0..127, NO_LEVEL (255) when absent
    is_voice: bool
    abs_send_time: int       # 24 bit 6.18 fixed point, -1 when absent
    transport_sequence: int  # 16 bit, -1 when absent

def parse(data: bytes, extensions: Extensions = NO_EXTENSIONS) -> RtpPacket | None:
    """The packet in `data`, None when it is not well-formed RTP."""
def header(payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, extension: bytes = b"") -> bytes:
    """A fixed header; `extension` is the outcome of extension_block()."""
def extension_block(elements: Sequence[tuple[int, bytes]]) -> bytes:
    """Header extension of (id, value) pairs, ready for header(): one-byte form where all fit, else two-byte."""
