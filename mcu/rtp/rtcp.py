"""RTCP packets (RFC 3550 section 6, RFC 4585 section 6, RFC 5104 section 4.3.1, draft-alvestrand-rmcat-remb-03).

Compounds may be of reduced size (RFC 5506). What is malformed or unknown is counted or skipped, never raised.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mcu.rtp.rate_limits import (
    FMT_TMMBN,
    FMT_TMMBR,
    MAX_BPS,
    RateLimitNotice,
    RateLimitRequest,
    parse_notice,
    parse_request,
)
from mcu.rtp.transport_cc import TransportFeedback

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
FMT_NACK, FMT_TRANSPORT_CC = 1, 15  # of RTPFB
FMT_PLI, FMT_FIR, FMT_ALFB = 1, 4, 15  # of PSFB
MAX_PACKETS = 64
"""Packets read of one compound; a datagram of 1500 bytes cannot honestly hold more."""
MAX_LOST = 1024
"""Sequence numbers taken from one NACK."""
MAX_FEEDBACKS = 8
"""Transport layer feedback read of one compound: few bytes of it stand for a thousand packets."""
_TRANSPORT_CC_COST = 4
"""As many of them as one transport-wide feedback counts for."""
_WORDS_OF_ONE = 16
"""A longer one counts for several."""

_HEADER = struct.Struct("!BBH")
_BLOCK = struct.Struct("!IIIIII")
_SENDER_INFO = struct.Struct("!IQIII")
_FEEDBACK = struct.Struct("!II")
_PAIR = struct.Struct("!HH")
_BITS = tuple(tuple(bit + 1 for bit in range(8) if mask >> bit & 1) for mask in range(256))
"""Which packets after the first one a byte of a NACK's mask means."""
_CNAME = 1
_CUMULATIVE_MAX = 0x7FFFFF  # RFC 3550 6.4.1: signed 24 bits


def _packet(count: int, packet_type: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, packet_type, len(body) // 4) + body


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """Reception of one source (RFC 3550 6.4.1). `fraction_lost` in 1/256, `jitter` in RTP units, delay in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    last_sr: int = 0
    delay_since_last_sr: int = 0

    def serialize(self) -> bytes:
        """24 bytes."""
        lost = max(-_CUMULATIVE_MAX - 1, min(_CUMULATIVE_MAX, self.cumulative_lost)) & 0xFFFFFF
        return _BLOCK.pack(
            self.ssrc, self.fraction_lost << 24 | lost, self.highest_sequence & 0xFFFFFFFF, self.jitter & 0xFFFFFFFF,
            self.last_sr, self.delay_since_last_sr,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR; `ntp` is a 64-bit NTP timestamp."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    reports: tuple[ReportBlock, ...] = ()

    def serialize(self) -> bytes:
        """The wire form; at most 31 report blocks fit."""
        body = _SENDER_INFO.pack(
            self.ssrc, self.ntp, self.rtp_timestamp, self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF
        )
        return _packet(len(self.reports), SR, body + b"".join(block.serialize() for block in self.reports))


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()

    def serialize(self) -> bytes:
        """The wire form; at most 31 report blocks fit."""
        body = self.ssrc.to_bytes(4, "big") + b"".join(block.serialize() for block in self.reports)
        return _packet(len(self.reports), RR, body)


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """SDES: (SSRC, CNAME) pairs; other items are not kept."""

    cnames: tuple[tuple[int, str], ...]

    def serialize(self) -> bytes:
        """The wire form, each chunk padded to 32 bits after its null octet (RFC 3550 6.5)."""
        body = b""
        for ssrc, cname in self.cnames:
            text = cname.encode()[:255]
            chunk = ssrc.to_bytes(4, "big") + bytes((_CNAME, len(text))) + text
            body += chunk + bytes(4 - len(chunk) % 4)
        return _packet(len(self.cnames), SDES, body)


@dataclass(frozen=True, slots=True)
class Goodbye:
    """BYE."""

    ssrcs: tuple[int, ...]
    reason: str = ""

    def serialize(self) -> bytes:
        """The wire form."""
        body = b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs)
        if self.reason:
            text = self.reason.encode()[:255]
            body += bytes((len(text),)) + text
            body += bytes(-len(body) % 4)
        return _packet(len(self.ssrcs), BYE, body)


@dataclass(frozen=True, slots=True)
class GenericNack:
    """Generic NACK (RFC 4585 6.2.1): sequence numbers that are missing."""

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]

    def serialize(self) -> bytes:
        """The wire form; numbers that follow within 16 of each other share a PID and its bit mask."""
        body = _FEEDBACK.pack(self.sender_ssrc, self.media_ssrc)
        index = 0
        while index < len(self.lost):
            first, mask = self.lost[index], 0
            index += 1
            while index < len(self.lost) and 1 <= (distance := (self.lost[index] - first) & 0xFFFF) <= 16:
                mask |= 1 << (distance - 1)
                index += 1
            body += _PAIR.pack(first, mask)
        return _packet(FMT_NACK, RTPFB, body)


@dataclass(frozen=True, slots=True)
class PictureLoss:
    """PLI (RFC 4585 6.3.1)."""

    sender_ssrc: int
    media_ssrc: int

    def serialize(self) -> bytes:
        """12 bytes."""
        return _packet(FMT_PLI, PSFB, _FEEDBACK.pack(self.sender_ssrc, self.media_ssrc))


@dataclass(frozen=True, slots=True)
class FullIntraRequest:
    """FIR (RFC 5104 4.3.1): (media SSRC, command sequence number) entries."""

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]

    def serialize(self) -> bytes:
        """The wire form; the media SSRC of the header is 0 (RFC 5104 4.3.1.2)."""
        body = _FEEDBACK.pack(self.sender_ssrc, 0)
        body += b"".join(_FEEDBACK.pack(ssrc, (number & 0xFF) << 24) for ssrc, number in self.entries)
        return _packet(FMT_FIR, PSFB, body)


@dataclass(frozen=True, slots=True)
class ReceiverEstimate:
    """REMB: what the receiver thinks its path carries, for the given sources together."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]

    def serialize(self) -> bytes:
        """The wire form: 18-bit mantissa, 6-bit exponent."""
        exponent = max(0, self.bitrate_bps.bit_length() - 18)
        head = len(self.ssrcs) << 24 | exponent << 18 | self.bitrate_bps >> exponent
        body = _FEEDBACK.pack(self.sender_ssrc, 0) + b"REMB" + head.to_bytes(4, "big")
        return _packet(FMT_ALFB, PSFB, body + b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs))


class Serializable(Protocol):
    """Anything with a wire form."""

    def serialize(self) -> bytes:
        """The wire form."""


RtcpPacket = (
    SenderReport | ReceiverReport | SourceDescription | Goodbye | GenericNack | PictureLoss | FullIntraRequest
    | ReceiverEstimate | RateLimitRequest | RateLimitNotice | TransportFeedback
)  # fmt: skip


class _MalformedError(ValueError):
    pass


def parse_compound(data: bytes) -> tuple[list[RtcpPacket], int]:
    """The packets of a compound that are understood, and how many were malformed."""
    packets: list[RtcpPacket] = []
    errors = 0
    position = 0
    feedbacks = 0
    for _ in range(MAX_PACKETS):
        if position == len(data):
            return packets, errors
        if position + 4 > len(data):
            return packets, errors + 1
        first, packet_type, words = _HEADER.unpack_from(data, position)
        start, position = position + 4, position + 4 + 4 * words
        if first >> 6 != 2 or position > len(data):
            return packets, errors + 1
        end = position
        if first & 0x20:
            end -= data[end - 1]
        if packet_type == RTPFB:
            if feedbacks >= MAX_FEEDBACKS:
                errors += 1
                continue
            feedbacks += _TRANSPORT_CC_COST if first & 0x1F == FMT_TRANSPORT_CC else 1 + words // _WORDS_OF_ONE
        try:
            if end < start:
                raise _MalformedError("padding")
            packet = _parse_one(first & 0x1F, packet_type, data[start:end])
        except (_MalformedError, struct.error):
            errors += 1
            continue
        if packet is not None:
            packets.append(packet)
    return packets, errors + 1


def compound(*packets: Serializable) -> bytes:
    """The wire forms one after the other."""
    return b"".join(packet.serialize() for packet in packets)


def _parse_one(count: int, packet_type: int, body: bytes) -> RtcpPacket | None:
    parser = _PARSERS.get((packet_type, count if packet_type in (RTPFB, PSFB) else 0))
    return parser(count, body) if parser is not None else None


def _blocks(count: int, body: bytes, start: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(count):
        ssrc, loss, highest, jitter, last, delay = _BLOCK.unpack_from(body, start + 24 * index)
        cumulative = (loss & 0xFFFFFF ^ 0x800000) - 0x800000
        blocks.append(ReportBlock(ssrc, loss >> 24, cumulative, highest, jitter, last, delay))
    return tuple(blocks)


def _sender_report(count: int, body: bytes) -> SenderReport:
    ssrc, ntp, rtp_timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
    return SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, _blocks(count, body, _SENDER_INFO.size))


def _receiver_report(count: int, body: bytes) -> ReceiverReport:
    if len(body) < 4:
        raise _MalformedError("RR")
    return ReceiverReport(int.from_bytes(body[:4], "big"), _blocks(count, body, 4))


def _source_description(count: int, body: bytes) -> SourceDescription:
    cnames = []
    position = 0
    for _ in range(count):
        if position + 4 > len(body):
            raise _MalformedError("SDES chunk")
        ssrc = int.from_bytes(body[position : position + 4], "big")
        position, cname = _chunk_items(body, position + 4)
        if cname is not None:
            cnames.append((ssrc, cname))
        position += -position % 4
    return SourceDescription(tuple(cnames))


def _chunk_items(body: bytes, position: int) -> tuple[int, str | None]:
    """The position after the null octet that ends a chunk, and its CNAME."""
    cname = None
    while position < len(body) and body[position]:
        if position + 2 > len(body) or position + 2 + body[position + 1] > len(body):
            raise _MalformedError("SDES item")
        kind, length = body[position], body[position + 1]
        position += 2
        if kind == _CNAME:
            cname = body[position : position + length].decode("utf-8", "replace")
        position += length
    return position + 1, cname


def _goodbye(count: int, body: bytes) -> Goodbye:
    if len(body) < 4 * count:
        raise _MalformedError("BYE")
    ssrcs = struct.unpack_from(f"!{count}I", body)
    rest = body[4 * count :]
    reason = rest[1 : 1 + rest[0]].decode("utf-8", "replace") if rest else ""
    return Goodbye(ssrcs, reason)


def _nack(_: int, body: bytes) -> GenericNack:
    sender, media = _FEEDBACK.unpack_from(body)
    lost: list[int] = []
    for first, mask in _PAIR.iter_unpack(body[8:]):
        lost.append(first)
        if mask:
            lost += [(first + bit) & 0xFFFF for bit in _BITS[mask & 0xFF]]
            lost += [(first + bit + 8) & 0xFFFF for bit in _BITS[mask >> 8]]
        if len(lost) >= MAX_LOST:
            break
    return GenericNack(sender, media, tuple(lost[:MAX_LOST]))


def _picture_loss(_: int, body: bytes) -> PictureLoss:
    return PictureLoss(*_FEEDBACK.unpack_from(body))


def _full_intra(_: int, body: bytes) -> FullIntraRequest:
    sender, _media = _FEEDBACK.unpack_from(body)
    return FullIntraRequest(sender, tuple((ssrc, rest >> 24) for ssrc, rest in _FEEDBACK.iter_unpack(body[8:])))


def _application_layer(_: int, body: bytes) -> ReceiverEstimate | None:
    if body[8:12] != b"REMB":
        return None
    if len(body) < 16 or len(body) < 16 + 4 * body[12]:
        raise _MalformedError("REMB")
    head = int.from_bytes(body[13:16], "big")
    ssrcs = struct.unpack_from(f"!{body[12]}I", body, 16)
    bitrate_bps = min(MAX_BPS, (head & 0x3FFFF) << (head >> 18))
    return ReceiverEstimate(int.from_bytes(body[:4], "big"), bitrate_bps, ssrcs)


def _transport_cc(_: int, body: bytes) -> TransportFeedback:
    feedback = TransportFeedback.parse(body)
    if feedback is None:
        raise _MalformedError("transport-cc")
    return feedback


def _rate_limit_request(_: int, body: bytes) -> RateLimitRequest:
    return parse_request(body)


def _rate_limit_notice(_: int, body: bytes) -> RateLimitNotice:
    return parse_notice(body)


_PARSERS: dict[tuple[int, int], Callable[[int, bytes], RtcpPacket | None]] = {
    (SR, 0): _sender_report,
    (RR, 0): _receiver_report,
    (SDES, 0): _source_description,
    (BYE, 0): _goodbye,
    (RTPFB, FMT_NACK): _nack,
    (RTPFB, FMT_TMMBR): _rate_limit_request,
    (RTPFB, FMT_TMMBN): _rate_limit_notice,
    (RTPFB, FMT_TRANSPORT_CC): _transport_cc,
    (PSFB, FMT_PLI): _picture_loss,
    (PSFB, FMT_FIR): _full_intra,
    (PSFB, FMT_ALFB): _application_layer,
}
