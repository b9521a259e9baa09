"""RTP packets (RFC 3550 section 5.1) and their header extensions (RFC 8285)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from mcu.media import Extensions

NO_EXTENSIONS = Extensions()
NO_LEVEL = 255
HEADER_BYTES = 12

_FIXED = struct.Struct("!BBHII")
_BLOCK = struct.Struct("!HH")
_ONE_BYTE_PROFILE = 0xBEDE  # RFC 8285 4.2
_TWO_BYTE_PROFILE = 0x1000  # RFC 8285 4.3, the lower four bits are for the application
_MAX_NAME_BYTES = 32
_MAX_EXTENSION_BYTES = 512
"""More is left unread; the one-byte form has at most 14 elements of 17 bytes."""


class RtpPacket:
    """One received packet; extension fields are filled only for negotiated ids.

    `audio_level` is -dBov 0..127 or NO_LEVEL, `abs_send_time` 6.18 fixed point seconds or -1, `transport_sequence`
    16 bits or -1, `mid`, `rid` and `repaired_rid` "" when absent.
    """

    __slots__ = (
        "abs_send_time", "audio_level", "is_voice", "marker", "mid", "payload", "payload_type", "repaired_rid", "rid",
        "sequence", "ssrc", "timestamp", "transport_sequence",
    )  # fmt: skip

    def __init__(self, payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes):
        self.payload_type = payload_type
        self.marker = marker
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.payload = payload
        self.mid = self.rid = self.repaired_rid = ""
        self.audio_level = NO_LEVEL
        self.is_voice = False
        self.abs_send_time = -1
        self.transport_sequence = -1

    def serialize(self) -> bytes:
        """The packet without header extensions."""
        return header(self.payload_type, self.marker, self.sequence, self.timestamp, self.ssrc) + self.payload


def parse(data: bytes, extensions: Extensions = NO_EXTENSIONS) -> RtpPacket | None:
    """The packet in `data`, None when it is not well-formed RTP. A bad extension block alone does not lose a packet."""
    end = len(data)
    if end < HEADER_BYTES:
        return None
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != 2:
        return None
    start = HEADER_BYTES + 4 * (first & 0x0F)
    block = 0
    if first & 0x10:
        block = start
        if start + 4 > end:
            return None
        start += 4 + 4 * (data[start + 2] << 8 | data[start + 3])
    if first & 0x20:
        padding = data[-1]
        if padding == 0:
            return None
        end -= padding
    if start > end:
        return None
    packet = RtpPacket(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, data[start:end])
    if block and start - block <= _MAX_EXTENSION_BYTES:
        _read_extensions(packet, data, block, start, extensions)
    return packet


def header(payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, extension: bytes = b"") -> bytes:
    """A header without CSRC; `extension` is the outcome of extension_block()."""
    second = payload_type | 0x80 if marker else payload_type
    if extension:
        return _FIXED.pack(0x90, second, sequence, timestamp, ssrc) + extension
    return _FIXED.pack(0x80, second, sequence, timestamp, ssrc)


def numbered(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, extension: bytes, pieces: Iterable[tuple[bytes, bool]]
) -> list[bytes]:
    """Packets of consecutive numbers, from `sequence` on, for (payload, marker) pieces of one picture."""
    first, pack = 0x90 if extension else 0x80, _FIXED.pack
    return [
        pack(first, payload_type | marker << 7, sequence + index & 0xFFFF, timestamp, ssrc) + extension + payload
        for index, (payload, marker) in enumerate(pieces)
    ]


def extension_block(elements: Sequence[tuple[int, bytes]]) -> bytes:
    """Header extension of (id, value) pairs for header(): the one-byte form where all fit, else the two-byte form.

    Raises ValueError for an id outside 1..255 or a value over 255 bytes.
    """
    if not elements:
        return b""
    if any(not 1 <= number <= 255 or len(value) > 255 for number, value in elements):
        raise ValueError("extension id or length out of range")
    if all(number < 15 and 1 <= len(value) <= 16 for number, value in elements):
        profile = _ONE_BYTE_PROFILE
        body = b"".join(bytes((number << 4 | len(value) - 1,)) + value for number, value in elements)
    else:
        profile = _TWO_BYTE_PROFILE
        body = b"".join(bytes((number, len(value))) + value for number, value in elements)
    body += bytes(-len(body) % 4)
    return _BLOCK.pack(profile, len(body) // 4) + body


def peek_ssrc(data: bytes) -> int:
    """The SSRC of a datagram that classify() called RTP (at least 12 bytes)."""
    return int.from_bytes(data[8:12], "big")


def sequence_of(packet: bytes) -> int:
    """The sequence number of a packet of ours."""
    return packet[2] << 8 | packet[3]


def _read_extensions(packet: RtpPacket, data: bytes, block: int, end: int, ids: Extensions) -> None:
    profile = data[block] << 8 | data[block + 1]
    position = block + 4
    if profile == _ONE_BYTE_PROFILE:
        while position < end:
            head = data[position]
            position += 1
            if head == 0:
                continue
            if head < 16 or head >= 240:  # RFC 8285 4.2: stop at the reserved id, and at padding with a length
                return
            length = (head & 0x0F) + 1
            if position + length > end:
                return
            _take(packet, head >> 4, data[position : position + length], ids)
            position += length
    elif profile & 0xFFF0 == _TWO_BYTE_PROFILE:
        while position + 1 < end:
            number, length = data[position], data[position + 1]
            if number == 0:
                position += 1
                continue
            position += 2
            if position + length > end:
                return
            _take(packet, number, data[position : position + length], ids)
            position += length


def _take(packet: RtpPacket, number: int, value: bytes, ids: Extensions) -> None:
    if number == ids.audio_level:
        if value:  # RFC 6464 section 3
            packet.audio_level = value[0] & 0x7F
            packet.is_voice = value[0] > 0x7F
    elif number == ids.transport_cc:
        if len(value) >= 2:
            packet.transport_sequence = value[0] << 8 | value[1]
    elif number == ids.abs_send_time:
        if len(value) == 3:
            packet.abs_send_time = int.from_bytes(value, "big")
    elif len(value) <= _MAX_NAME_BYTES:
        _take_name(packet, number, value.decode("ascii", "replace"), ids)


def _take_name(packet: RtpPacket, number: int, name: str, ids: Extensions) -> None:
    """Which m-line and which layer a packet belongs to (RFC 9143 15.2, RFC 8852 3)."""
    if number == ids.mid:
        packet.mid = name
    elif number == ids.rid:
        packet.rid = name
    elif number == ids.repaired_rid:
        packet.repaired_rid = name
