"""RTCP packets (RFC 3550 section 6, RFC 4585, RFC 5104, REMB)."""
from __future__ import annotations
from dataclasses import dataclass
# all frozen, slots; each has serialize() -> bytes
@dataclass(frozen=True, slots=True)
class ReportBlock:
    ssrc: int; fraction_lost: int; cumulative_lost: int; highest_sequence: int; jitter: int; last_sr: int; delay_since_last_sr: int
@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int; ntp: int; rtp_timestamp: int; packets: int; octets: int; reports: tuple[ReportBlock, ...] = ()
@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int; reports: tuple[ReportBlock, ...] = ()
@dataclass(frozen=True, slots=True)
class SourceDescription:
    """CNAME of each source."""
    cnames: tuple[tuple[int, str], ...]
@dataclass(frozen=True, slots=True)
class Goodbye:
    ssrcs: tuple[int, ...]; reason: str = ""
@dataclass(frozen=True, slots=True)
class GenericNack:
    sender_ssrc: int; media_ssrc: int; lost: tuple[int, ...]
@dataclass(frozen=True, slots=True)
class PictureLoss:
    sender_ssrc: int; media_ssrc: int
@dataclass(frozen=True, slots=True)
class FullIntraRequest:
    sender_ssrc: int; entries: tuple[tuple[int, int], ...]   # (media ssrc, command sequence 8 bit)
@dataclass(frozen=True, slots=True)
class ReceiverEstimate:
    """REMB."""
    sender_ssrc: int; bitrate_bps: int; ssrcs: tuple[int, ...]
# TransportFeedback (sender_ssrc, media_ssrc, base_sequence, reference_time, count, arrivals) lives in transport_cc.py
RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye | GenericNack | PictureLoss | FullIntraRequest | ReceiverEstimate
def parse_compound(data: bytes) -> tuple[list[RtcpPacket], int]:
    """The packets understood in a (possibly reduced-size, RFC 5506) compound and the number of malformed ones."""
def compound(*packets: RtcpPacket) -> bytes:
    """Serialized one after the other."""
