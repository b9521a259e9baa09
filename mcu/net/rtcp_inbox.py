"""What the peer of a leg says by RTCP, handed to the streams that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mcu.media import Kind
from mcu.net.adaptation import Adaptation
from mcu.net.outbound import Outbound
from mcu.net.outlet import Outlet
from mcu.net.receiver import StreamReceiver
from mcu.net.sender import StreamSender
from mcu.rtp.rate_limits import RateLimit, RateLimitNotice, RateLimitRequest
from mcu.rtp.rtcp import (
    FullIntraRequest,
    GenericNack,
    PictureLoss,
    ReceiverEstimate,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    parse_compound,
)


class RtcpInbox:
    """A table of small handlers; what is in no row needs nothing (SDES; BYE, since signalling ends calls)."""

    def __init__(
        self, number: int, receivers: dict[Kind, StreamReceiver], outbound: Outbound, adaptation: Adaptation,
        outlet: Outlet,
    ) -> None:  # fmt: skip
        self.estimate_bps = 0
        """The peer's last REMB; 0 when there was none."""
        self._number = number
        self._receivers = receivers
        self._outbound = outbound
        self._adaptation = adaptation
        self._outlet = outlet
        self._handlers: dict[type, Callable[[Any, int], None]] = {
            SenderReport: self._sender_report,
            ReceiverReport: self._receiver_report,
            GenericNack: self._nack,
            PictureLoss: self._picture_loss,
            FullIntraRequest: self._full_intra,
            ReceiverEstimate: self._estimate,
            RateLimitRequest: self._limit_request,
            RateLimitNotice: self._limit_notice,
        }

    def receive(self, data: bytes, now_us: int) -> int:
        """Act on a compound; how many packets in it were malformed."""
        packets, malformed = parse_compound(data)
        for packet in packets:
            handler = self._handlers.get(type(packet))
            if handler is not None:
                handler(packet, now_us)
        self._adaptation.compound_received(now_us)
        return malformed

    def _sender_report(self, report: SenderReport, now_us: int) -> None:
        for receiver in self._receivers.values():
            source = receiver.source_of(report.ssrc)
            if source is not None:
                source.sender_report(report.ntp, report.rtp_timestamp, now_us)
        self._blocks(report.reports, now_us)

    def _receiver_report(self, report: ReceiverReport, now_us: int) -> None:
        self._blocks(report.reports, now_us)

    def _blocks(self, blocks: Iterable[ReportBlock], now_us: int) -> None:
        for block in blocks:
            sender = self._sender(block.ssrc)
            if sender is not None and sender.statistics is not None:
                sender.statistics.receive_report(block, now_us)
                self._adaptation.block_received(sender, block)

    def _nack(self, nack: GenericNack, now_us: int) -> None:
        sender = self._sender(nack.media_ssrc)
        if sender is not None:
            self._outbound.repeat(sender, nack.lost, now_us)

    def _picture_loss(self, report: PictureLoss, now_us: int) -> None:
        del now_us
        self._want_keyframe(report.media_ssrc)

    def _full_intra(self, request: FullIntraRequest, now_us: int) -> None:
        del now_us
        for ssrc, _ in request.entries:
            self._want_keyframe(ssrc)

    def _estimate(self, estimate: ReceiverEstimate, now_us: int) -> None:
        self.estimate_bps = estimate.bitrate_bps
        self._adaptation.estimated(estimate.bitrate_bps, now_us)

    def _limit_request(self, request: RateLimitRequest, now_us: int) -> None:
        """RFC 5104 4.2.1: the only receiver of what we send decides; asked again, it missed the notice.

        It is answered, and control is told, by RtcpOutbox: not at every request.
        """
        del now_us
        for limit in request.limits:
            sender = self._sender(limit.ssrc)
            if sender is None or sender.spec.kind not in self._outbound.pictures:
                continue
            kind = sender.spec.kind
            self._outbound.limits[kind] = RateLimit(request.sender_ssrc, limit.bitrate_bps, limit.overhead_bytes)
            self._outbound.notices_due.add(kind)

    def _limit_notice(self, notice: RateLimitNotice, now_us: int) -> None:
        del now_us
        for receiver in self._receivers.values():
            source = receiver.source
            if source is not None and source.ssrc == notice.sender_ssrc:
                receiver.rate.confirmed()

    def _want_keyframe(self, ssrc: int) -> None:
        # Some terminals name SSRC 0: they mean their main picture.
        sender = self._sender(ssrc)
        if ssrc == 0 or sender is not None:
            self._outlet.peer_wants_keyframe(self._number, Kind.VIDEO if sender is None else sender.spec.kind)

    def _sender(self, ssrc: int) -> StreamSender | None:
        return next((each for each in self._outbound.senders.values() if each.numbers.ssrc == ssrc), None)
