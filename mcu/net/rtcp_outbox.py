"""When a leg sends RTCP, on which of its transports (RFC 3550 6.2, RFC 4585 3, RFC 5761)."""

from __future__ import annotations

from config.media import NetSettings
from mcu.media import Kind
from mcu.net import reports
from mcu.net.component import Component
from mcu.net.outbound import Outbound
from mcu.net.outlet import Outlet
from mcu.net.receiver import StreamReceiver
from mcu.net.uplink import estimate_bps
from mcu.rtp.rate_limits import RateLimitNotice
from mcu.rtp.rtcp import Goodbye, RtcpPacket, compound
from mcu.rtp.transport_cc import ArrivalLog
from mcu.worker.messages import KeyframeWanted, PeerLimit

_INTERVAL_US = 1_000_000
_NO_ARRIVALS_SSRC = 0
_NOTICES_US = 100_000
"""Requests for lower rates are answered no more often, however many come."""


class RtcpOutbox:
    """Regular reports about once a second; NACK, PLI, FIR and transport-wide feedback as soon as they are due."""

    def __init__(
        self, number: int, cname: str, components: dict[Kind, tuple[Component, Component]],
        receivers: dict[Kind, StreamReceiver], outbound: Outbound, settings: NetSettings, outlet: Outlet,
    ) -> None:  # fmt: skip
        self.arrivals = ArrivalLog()
        self._number = number
        self._cname = cname
        self._components = components
        self._receivers = receivers
        self._outbound = outbound
        self._settings = settings
        self._outlet = outlet
        self._report_due_us = 0
        self._notices_us = 0
        self._told_limits: dict[Kind, int] = {}

    def handle_timeout(self, now_us: int) -> None:
        """Every 10 ms."""
        for kind, receiver in self._receivers.items():
            if receiver.is_in_need:
                self._repair(kind, receiver, now_us)
        if self._outbound.notices_due and now_us >= self._notices_us:
            self._notices_us = now_us + _NOTICES_US
            self._keep_limits()
        due_us = self.arrivals.next_timeout()
        if due_us is not None and now_us >= due_us:
            self._send_arrivals(now_us)
        if now_us >= self._report_due_us:
            self._report(now_us)

    def next_timeout(self) -> int:
        """When reports are due, feedback that arrivals ask for, or the word that a limit is kept to."""
        times = [self._report_due_us, self._notices_us] if self._outbound.notices_due else [self._report_due_us]
        arrivals_us = self.arrivals.next_timeout()
        return min(times if arrivals_us is None else [*times, arrivals_us])

    def _keep_limits(self) -> None:
        """Confirm to the peer what it asked us to keep to, and tell control what is new in it."""
        for kind in [kind for kind in self._outbound.notices_due if kind in self._receivers]:
            self._outbound.notices_due.discard(kind)
            kept = self._outbound.limits[kind]
            self._send_feedback(kind, [RateLimitNotice(self._outbound.senders[kind].numbers.ssrc, (kept,))])
            if self._told_limits.get(kind) != kept.payload_bps:
                self._told_limits[kind] = kept.payload_bps
                self._outlet.tell(PeerLimit(self._number, kind, kept.payload_bps))

    def hasten(self, now_us: int) -> None:
        """What browsers are told by REMB is another rate now: report at once."""
        self._report_due_us = min(self._report_due_us, now_us)

    def say_goodbye(self, now_us: int) -> None:
        """The last compound on each transport."""
        for component, pairs in self._transports().items():
            component.send_rtcp(compound(*reports.goodbye(pairs, self._cname, now_us)))

    def leave(self, kind: Kind, ssrcs: tuple[int, ...]) -> None:
        """BYE for numbers that we give up while the stream goes on (RFC 3550 8.2)."""
        if kind in self._receivers:
            self._send_feedback(kind, [Goodbye(ssrcs)])

    def _repair(self, kind: Kind, receiver: StreamReceiver, now_us: int) -> None:
        source = receiver.source
        if source is not None and not reports.has_keyframe_feedback(receiver) and source.keyframes.due(now_us):
            self._outlet.tell(KeyframeWanted(self._number, kind))
        sender = self._outbound.senders[kind]
        packets = reports.repair(receiver, sender, self._outbound.round_trip_us, now_us)
        if request := reports.limit(receiver, sender, now_us):
            packets.append(request)
        if packets:
            self._send_feedback(kind, packets)

    def _send_feedback(self, kind: Kind, packets: list[RtcpPacket]) -> None:
        own = self._outbound.senders[kind].numbers.ssrc
        self._component(kind).send_rtcp(compound(*reports.feedback(own, self._cname, packets)))

    def _send_arrivals(self, now_us: int) -> None:
        kind = Kind.VIDEO if Kind.VIDEO in self._receivers else next(iter(self._receivers), None)
        if kind is None:
            return
        source = self._receivers[kind].source
        own = self._outbound.senders[kind].numbers.ssrc
        media_ssrc = _NO_ARRIVALS_SSRC if source is None else source.ssrc
        for packet in self.arrivals.feedback(own, media_ssrc, now_us):
            self._send_feedback(kind, [packet])

    def _report(self, now_us: int) -> None:
        # RFC 3550 6.2: intervals vary between half and one and a half of the nominal one.
        spread = self._number * 7919 + now_us
        self._report_due_us = now_us + _INTERVAL_US // 2 + spread % _INTERVAL_US
        for component, pairs in self._transports().items():
            packets = reports.regular(pairs, self._cname, self._estimate_bps(component, pairs), now_us)
            component.send_rtcp(compound(*packets))

    def _estimate_bps(self, component: Component, pairs: list[reports.Pair]) -> int:
        """What browsers are told by REMB; legs with ports have their limit in SDP or are asked by TMMBR."""
        if component.latch is not None:
            return 0
        return estimate_bps([receiver for receiver, _ in pairs], self._settings.initial_estimate_bps)

    def _component(self, kind: Kind) -> Component:
        rtp, rtcp = self._components[kind]
        return rtp if self._receivers[kind].spec.remote_rtcp is None else rtcp

    def _transports(self) -> dict[Component, list[reports.Pair]]:
        """Each transport that carries RTCP, with the streams it reports on."""
        found: dict[Component, list[reports.Pair]] = {}
        for kind, receiver in self._receivers.items():
            found.setdefault(self._component(kind), []).append((receiver, self._outbound.senders[kind]))
        return found
