"""Temporary maximum bit rates, TMMBR and TMMBN (RFC 5104 4.2): on the wire, and when to ask."""

from __future__ import annotations

import struct
from dataclasses import dataclass

FMT_TMMBR, FMT_TMMBN = 3, 4  # of RTPFB (RFC 5104 4.2)
OVERHEAD_BYTES = 40
"""IPv4, UDP and RTP of one packet, which a limit counts (RFC 5104 3.5.4)."""
MAX_ENTRIES = 16
LEAST_BPS = 50_000
"""Asked of senders whose pictures nobody sees: what keeps them ready to be shown at once. Some take 0 for no limit."""
MAX_BPS = 1 << 40
"""More than any path carries; the formats of TMMBR and REMB go up to 2^80."""
_PACKET_BYTES = 1200
_RTPFB = 205
_HEADER = struct.Struct("!BBHII")
_ENTRY = struct.Struct("!II")
_MANTISSA_BITS = 17
_REPEAT_US = 1_000_000
_MAX_REPEATS = 4


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One tuple: `bitrate_bps` with `overhead_bytes` a packet in it. `ssrc` is whom it is for, or whose it is."""

    ssrc: int
    bitrate_bps: int
    overhead_bytes: int = OVERHEAD_BYTES

    @property
    def payload_bps(self) -> int:
        """What is left for payload in packets of full size; never 0."""
        return max(1, self.bitrate_bps * _PACKET_BYTES // (_PACKET_BYTES + self.overhead_bytes))

    def serialize(self) -> bytes:
        """8 bytes: exponent, mantissa of 17 bits (rounded down), overhead of 9 bits."""
        exponent = max(0, self.bitrate_bps.bit_length() - _MANTISSA_BITS)
        word = exponent << 26 | self.bitrate_bps >> exponent << 9 | self.overhead_bytes & 0x1FF
        return _ENTRY.pack(self.ssrc, word)


@dataclass(frozen=True, slots=True)
class RateLimitRequest:
    """TMMBR: the sender asks the owners of the SSRCs for no more than this."""

    sender_ssrc: int
    limits: tuple[RateLimit, ...]

    def serialize(self) -> bytes:
        """The wire form."""
        return _packet(FMT_TMMBR, self.sender_ssrc, self.limits)


@dataclass(frozen=True, slots=True)
class RateLimitNotice:
    """TMMBN: the limits that the sender keeps to, each by the SSRC of who asked for it."""

    sender_ssrc: int
    limits: tuple[RateLimit, ...]

    def serialize(self) -> bytes:
        """The wire form."""
        return _packet(FMT_TMMBN, self.sender_ssrc, self.limits)


def parse_request(body: bytes) -> RateLimitRequest:
    """The body of a TMMBR. Raises struct.error."""
    return RateLimitRequest(*_parse(body))


def parse_notice(body: bytes) -> RateLimitNotice:
    """The body of a TMMBN. Raises struct.error."""
    return RateLimitNotice(*_parse(body))


class RateRequester:
    """What we ask of one sender: asked when it changes, again until it is confirmed, and then no more."""

    def __init__(self) -> None:
        self.bitrate_bps = 0
        self._due_us: int | None = None
        self._repeats = 0

    def want(self, bitrate_bps: int, now_us: int) -> None:
        """From now on no more than this."""
        if bitrate_bps != self.bitrate_bps:
            self.bitrate_bps = bitrate_bps
            self._due_us = now_us
            self._repeats = 0

    def restart(self, now_us: int) -> None:
        """Another source sends now, which knows of nothing."""
        if self.bitrate_bps:
            self._due_us, self._repeats = now_us, 0

    def confirmed(self) -> None:
        """A notice came."""
        self._due_us = None

    @property
    def is_due(self) -> bool:
        """Whether due() will ever say yes, as it stands."""
        return self._due_us is not None

    def due(self, now_us: int) -> bool:
        """Whether to ask now; if so the next time is chosen."""
        if self._due_us is None or now_us < self._due_us:
            return False
        self._repeats += 1
        self._due_us = now_us + _REPEAT_US if self._repeats <= _MAX_REPEATS else None
        return True


def _packet(form: int, sender_ssrc: int, limits: tuple[RateLimit, ...]) -> bytes:
    """The media SSRC of the header is 0 (RFC 5104 4.2.1.2)."""
    body = b"".join(limit.serialize() for limit in limits)
    return _HEADER.pack(0x80 | form, _RTPFB, 2 + len(body) // 4, sender_ssrc, 0) + body


def _parse(body: bytes) -> tuple[int, tuple[RateLimit, ...]]:
    sender, _ = struct.unpack_from("!II", body)
    entries = body[8 : 8 + MAX_ENTRIES * _ENTRY.size]
    limits = tuple(
        RateLimit(ssrc, min(MAX_BPS, (word >> 9 & 0x1FFFF) << (word >> 26)), word & 0x1FF)
        for ssrc, word in _ENTRY.iter_unpack(entries)
    )
    return sender, limits
