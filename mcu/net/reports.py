"""What a leg says by RTCP: its regular reports and the feedback in between (RFC 3550 6.4, RFC 4585, RFC 5104)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mcu.net.receiver import StreamReceiver
from mcu.net.sender import StreamSender
from mcu.net.source import Source
from mcu.rtp.rate_limits import RateLimit, RateLimitRequest
from mcu.rtp.rtcp import (
    FullIntraRequest,
    GenericNack,
    Goodbye,
    PictureLoss,
    ReceiverEstimate,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
)

Pair = tuple[StreamReceiver, StreamSender]


def regular(pairs: Sequence[Pair], cname: str, estimate_bps: int, now_us: int) -> list[RtcpPacket]:
    """The compound of one transport: a report for each stream, who we are, and the bit rate we would like (REMB)."""
    packets: list[RtcpPacket] = [_report(receiver, sender, now_us) for receiver, sender in pairs]
    packets.append(SourceDescription(tuple((sender.numbers.ssrc, cname) for _, sender in pairs)))
    videos = [(source, sender) for receiver, sender in pairs for source in receiver.sources if source.is_video]
    if videos and estimate_bps:
        wanted = tuple(source.ssrc for source, _ in videos)
        packets.append(ReceiverEstimate(videos[0][1].numbers.ssrc, estimate_bps, wanted))
    return packets


def feedback(sender_ssrc: int, cname: str, packets: Iterable[RtcpPacket]) -> list[RtcpPacket]:
    """`packets` as a compound that may go out at any time (RFC 4585 3.1: a report and a CNAME come first)."""
    return [ReceiverReport(sender_ssrc), SourceDescription(((sender_ssrc, cname),)), *packets]


def goodbye(pairs: Sequence[Pair], cname: str, now_us: int) -> list[RtcpPacket]:
    """The last compound of a transport (RFC 3550 6.6)."""
    ssrcs = tuple(sender.numbers.ssrc for _, sender in pairs)
    return [*regular(pairs, cname, 0, now_us), Goodbye(ssrcs)]


def repair(receiver: StreamReceiver, sender: StreamSender, round_trip_us: int, now_us: int) -> list[RtcpPacket]:
    """NACK for what is missing, PLI or FIR where a keyframe is due (only asked when has_keyframe_feedback())."""
    packets: list[RtcpPacket] = []
    for source in receiver.sources:
        packets += _repair_source(source, receiver, sender.numbers.ssrc, round_trip_us, now_us)
    return packets


def _repair_source(
    source: Source, receiver: StreamReceiver, own: int, round_trip_us: int, now_us: int
) -> list[RtcpPacket]:
    spec = receiver.spec
    packets: list[RtcpPacket] = []
    missing = source.missing(now_us, round_trip_us)
    if missing and spec.has_nack:
        packets.append(GenericNack(own, source.ssrc, tuple(missing)))
    if has_keyframe_feedback(receiver) and source.keyframes.due(now_us):
        if spec.has_pli:
            packets.append(PictureLoss(own, source.ssrc))
        else:
            packets.append(FullIntraRequest(own, ((source.ssrc, source.keyframes.fir_sequence),)))
    return packets


def limit(receiver: StreamReceiver, sender: StreamSender, now_us: int) -> RateLimitRequest | None:
    """TMMBR, where the peer knows it and we want less, or more again, than it was told last (RFC 5104 4.2.1)."""
    source, rate = receiver.source, receiver.rate
    if source is None or not receiver.spec.has_tmmbr or not rate.bitrate_bps or not rate.due(now_us):
        return None
    return RateLimitRequest(sender.numbers.ssrc, (RateLimit(source.ssrc, rate.bitrate_bps),))


def has_keyframe_feedback(receiver: StreamReceiver) -> bool:
    """Whether the peer takes PLI or FIR."""
    return receiver.spec.has_pli or receiver.spec.has_fir


def _report(receiver: StreamReceiver, sender: StreamSender, now_us: int) -> SenderReport | ReceiverReport:
    statistics = sender.statistics
    blocks: tuple[ReportBlock, ...] = tuple(source.reception.report(now_us) for source in receiver.sources)
    if statistics is not None and statistics.packets:
        return statistics.report(now_us, blocks)
    return ReceiverReport(sender.numbers.ssrc, blocks)
