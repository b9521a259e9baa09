"""One leg: its transports, the streams on them, and RTCP both ways (RFC 3550, RFC 8834)."""

from __future__ import annotations

import ipaddress
from collections import Counter

from config.media import NetSettings
from mcu.media import Extensions, Format, Kind, StreamSpec
from mcu.net import reports
from mcu.net.component import Component
from mcu.net.ice import Address
from mcu.net.numbering import draw_numbers
from mcu.net.outlet import Outlet
from mcu.net.pacing import Pacer
from mcu.net.receiver import StreamReceiver
from mcu.net.rtcp_inbox import RtcpInbox
from mcu.net.sender import StreamSender
from mcu.net.sockets import EXPEDITED_FORWARDING
from mcu.rtp import packet as rtp_packet
from mcu.rtp.capture import LegClock, LipSync
from mcu.rtp.history import RingFrame
from mcu.rtp.ntp import NtpClock
from mcu.rtp.packet import RtpPacket
from mcu.rtp.rtcp import RtcpPacket, compound
from mcu.rtp.transport_cc import ArrivalLog
from mcu.worker.channel import Frame
from mcu.worker.messages import Dtmf, KeyframeWanted, LegConnected, LegFailed, LegSilent

_MAX_ROUTES = 64
_REPORT_INTERVAL_US = 1_000_000


class BadMedia(ValueError):
    """What was negotiated cannot be carried; the text is a word for logs and counters."""


class Leg:
    """Everything the net process knows of one participant's connection."""

    def __init__(
        self, number: int, room: str, cname: str, settings: NetSettings, clock: NtpClock, outlet: Outlet,
        counters: Counter[str],
    ) -> None:  # fmt: skip
        self.number = number
        self.room = room
        self.cname = cname
        self.is_attached = False
        self.heard_us = 0
        self.has_consent = True
        self.components: dict[Kind, tuple[Component, Component]] = {}
        """RTP and RTCP transport of each stream that was opened; one and the same object over ICE."""
        self.receivers: dict[Kind, StreamReceiver] = {}
        self.senders: dict[Kind, StreamSender] = {}
        self.lip_sync = LipSync()
        self._settings = settings
        self._ntp = clock
        self._outlet = outlet
        self._counters = counters
        self._clock = LegClock()
        self._numbers = {kind: draw_numbers() for kind in Kind}
        self._extensions = Extensions()
        self._routes: dict[int, StreamReceiver] = {}
        self._arrivals = ArrivalLog()
        self._inbox = RtcpInbox(self, outlet)
        self._report_due_us = 0
        self._is_connected = False
        self._is_silent = False
        self._missed_picture = False

    # ---- what signalling decides

    @property
    def ssrcs(self) -> dict[str, int]:
        """What our own streams are called, for SDP."""
        named = {str(kind): numbers.ssrc for kind, numbers in self._numbers.items()}
        return named | {f"{kind}-rtx": numbers.rtx_ssrc for kind, numbers in self._numbers.items()}

    def configure(self, streams: tuple[StreamSpec, ...], now_us: int) -> None:
        """Take what was negotiated, for the first time or again. Raises BadMedia."""
        if not self.heard_us:
            self.heard_us = now_us
        for spec in streams:
            if spec.kind not in self.components:
                raise BadMedia("stream-not-opened")
            self._configure_stream(spec)
            self._configure_keys(spec)
        for gone in set(self.receivers) - {spec.kind for spec in streams}:
            del self.receivers[gone], self.senders[gone]
        self._extensions = _merge(streams)
        self._routes.clear()
        for component in self._all_components():
            component.payload_types = frozenset(
                payload_type
                for kind, receiver in self.receivers.items()
                if component in self.components[kind]
                for payload_type in receiver.formats
            )

    def attach(self, now_us: int) -> None:
        """The gate is open."""
        self.is_attached = True
        for receiver in self.receivers.values():
            receiver.open(now_us)

    def close(self, now_us: int) -> None:
        """Say goodbye and end the transports; their sockets are closed by who opened them."""
        for component, pairs in self._transports().items():
            if pairs:
                component.send_rtcp(compound(*reports.goodbye(pairs, self.cname, now_us)))
        for component in self._all_components():
            component.close()

    def _configure_stream(self, spec: StreamSpec) -> None:
        receiver = self.receivers.get(spec.kind)
        if receiver is None:
            receiver = StreamReceiver(
                self.number, spec, self._clock, self.lip_sync,
                max_ssrcs=self._settings.max_ssrcs_per_stream, counters=self._counters,
            )  # fmt: skip
            receiver.is_open = self.is_attached
            self.receivers[spec.kind] = receiver
            pacer = Pacer(self._settings.min_pacing_bps, self._settings.burst_ms)
            self.senders[spec.kind] = StreamSender(spec, self._numbers[spec.kind], self._ntp, pacer)
        else:
            receiver.configure(spec)
            self.senders[spec.kind].configure(spec)

    def _configure_keys(self, spec: StreamSpec) -> None:
        rtp, rtcp = self.components[spec.kind]
        try:
            if spec.sdes is not None:
                rtp.use_keys(spec.sdes)
                rtcp.share_keys(rtp)
            elif spec.dtls is not None:
                rtp.use_dtls(spec.dtls)
                if rtcp is not rtp and spec.remote_rtcp is not None:
                    rtcp.use_dtls(spec.dtls)
            elif rtp.latch is not None:
                rtp.use_clear()
                rtcp.use_clear()
            else:
                raise BadMedia("no-keys")
        except ValueError as error:
            raise BadMedia("bad-keys") from error
        if rtp.latch is not None:
            rtp.negotiate_remote(_numeric(spec.remote))
            rtcp.negotiate_remote(_numeric(spec.remote_rtcp))

    # ---- in

    def rtp_received(self, component: Component, data: bytes, now_us: int) -> None:
        """An authentic RTP packet (Component calls this)."""
        self.heard_us = now_us
        packet = rtp_packet.parse(data, self._extensions)
        if packet is None:
            self._counters["rtp-malformed"] += 1
            return
        if packet.transport_sequence >= 0:
            self._arrivals.receive(packet.transport_sequence, now_us)
        receiver = self._routes.get(packet.ssrc) or self._route(component, packet)
        if receiver is None:
            self._counters["rtp-no-stream"] += 1
            return
        frame, digit = receiver.receive(packet, now_us)
        if frame is not None:
            self._outlet.source_frame(frame)
        elif digit is not None:
            self._outlet.tell(Dtmf(self.number, digit))
        else:
            for picture in receiver.frames(now_us):
                self._outlet.source_frame(picture)

    def rtcp_received(self, component: Component, data: bytes, now_us: int) -> None:
        """An authentic RTCP compound (Component calls this)."""
        del component
        self.heard_us = now_us
        self._counters["rtcp-malformed"] += self._inbox.receive(data, now_us)

    def component_ready(self, component: Component) -> None:
        """Keys and path work (Component calls this)."""
        for rtp, rtcp in self.components.values():
            if rtp is component and rtcp is not rtp:
                rtcp.share_keys(rtp)
        if not self._is_connected:
            self._is_connected = True
            self._outlet.tell(LegConnected(self.number))

    def component_failed(self, component: Component, reason: str) -> None:
        """No keys (Component calls this). RTCP alone may fail: its peer shares the keys of RTP."""
        if any(rtp is component for rtp, _ in self.components.values()):
            self._outlet.tell(LegFailed(self.number, reason))

    def _route(self, component: Component, packet: RtpPacket) -> StreamReceiver | None:
        found = self._find(component, packet)
        if found is not None:
            if len(self._routes) >= _MAX_ROUTES:
                del self._routes[next(iter(self._routes))]
                self._counters["ssrc-routes-forgotten"] += 1
            self._routes[packet.ssrc] = found
        return found

    def _find(self, component: Component, packet: RtpPacket) -> StreamReceiver | None:
        """RFC 8843 9.2: by MID, by signalled SSRC, by payload type where only one m-line has it."""
        receivers = [each for kind, each in self.receivers.items() if component in self.components[kind]]
        if packet.mid:
            return next((each for each in receivers if each.spec.mid == packet.mid), None)
        for each in receivers:
            if packet.ssrc in each.spec.remote_ssrcs:
                return each
        fitting = [each for each in receivers if packet.payload_type in each.formats]
        return fitting[0] if len(fitting) == 1 else None

    # ---- out

    def picture_format(self) -> Format | None:
        """What the leg takes as its picture; None when it takes none."""
        sender = self.senders.get(Kind.VIDEO)
        return None if sender is None else sender.format

    def put_sound(self, frame: Frame) -> None:
        """Send one packet of the mix."""
        sender = self.senders.get(Kind.AUDIO)
        if sender is None or not self._may_send(Kind.AUDIO):
            return
        packet = sender.audio_packet(frame)
        if packet is None:
            self._counters["audio-codec-not-taken"] += 1
        else:
            sender.sent_bytes += self.components[Kind.AUDIO][0].send((packet,), EXPEDITED_FORWARDING)

    def _may_send(self, kind: Kind) -> bool:
        return self.is_attached and self.has_consent and self.components[kind][0].can_send

    def put_rendition(self, picture: Frame, pieces: RingFrame, rate_bps: int, now_us: int) -> bool:
        """Queue a picture and send what may go out at once; False when the leg has to wait for a keyframe now."""
        del picture
        sender = self.senders.get(Kind.VIDEO)
        if sender is None or sender.format is None or not self._may_send(Kind.VIDEO):
            self._missed_picture = True
            return True
        if self._missed_picture:
            self._missed_picture = False
            if not pieces.is_keyframe:
                return False
        if not sender.put(pieces):
            self._counters["video-queue-full"] += 1
            return False
        settings = self._settings
        overdue_bps = sender.queue_bytes * 8000 // settings.max_pacing_queue_ms
        sender.pacer.set_rate(max(int(rate_bps * settings.pacing_factor), overdue_bps, settings.min_pacing_bps))
        self.pump(now_us)
        return True

    def pump(self, now_us: int) -> None:
        """Send what the pacer allows now."""
        sender = self.senders.get(Kind.VIDEO)
        if sender is None:
            return
        numbered = sender.take(now_us)
        if numbered:
            component = self.components[Kind.VIDEO][0]
            if sender.stores_sent:
                self._send_and_store(component, sender, numbered)
            else:
                sender.sent_bytes += component.send([packet for _, packet in numbered])
        if sender.has_queue:
            self._outlet.queue_filled(self.number)

    def _send_and_store(self, component: Component, sender: StreamSender, numbered: list[tuple[int, bytes]]) -> None:
        for sequence, packet in numbered:
            data = component.protect(packet)
            if data is not None:
                sender.sent.store(sequence, data)
                component.send_protected(data)
                sender.sent_bytes += len(data)

    def repeat(self, sender: StreamSender, lost: tuple[int, ...], now_us: int) -> None:
        """The peer misses packets of `sender`."""
        component = self.components[sender.spec.kind][0]
        if not self._may_send(sender.spec.kind):
            return
        repeats = sender.repeat(lost, now_us)
        if repeats:
            component.send(repeats)
            self._counters["rtx-sent"] += len(repeats)
        for data in sender.repeat_protected(lost, now_us) if sender.stores_sent else ():
            component.send_protected(data)
            self._counters["repeats-sent"] += 1

    # ---- time

    def handle_timeout(self, now_us: int) -> None:
        """Every 10 ms: give up, ask again, report. Nothing here before the streams are configured."""
        for kind, receiver in self.receivers.items():
            source = receiver.source
            if source is not None and source.is_video:
                source.handle_timeout(now_us)
                for picture in receiver.frames(now_us):
                    self._outlet.source_frame(picture)
                self._repair(kind, receiver, now_us)
        due_us = self._arrivals.next_timeout()
        if due_us is not None and now_us >= due_us:
            self._send_arrivals(now_us)
        if now_us >= self._report_due_us:
            self._report(now_us)

    def look_for_silence(self, now_us: int) -> None:
        """Once a second: tell when the peer is not heard any more, once until it is heard again."""
        silent_us = now_us - self.heard_us
        is_silent = bool(self.receivers) and silent_us > self._settings.silent_s * 1e6
        if is_silent and not self._is_silent:
            self._outlet.tell(LegSilent(self.number, silent_us / 1e6))
        self._is_silent = is_silent

    def _repair(self, kind: Kind, receiver: StreamReceiver, now_us: int) -> None:
        sender = self.senders[kind]
        source = receiver.source
        if source is not None and not reports.has_keyframe_feedback(receiver) and source.keyframes.due(now_us):
            self._outlet.tell(KeyframeWanted(self.number, kind))
        packets = reports.repair(receiver, sender, self.round_trip_us, now_us)
        if packets:
            self._send_feedback(kind, packets)

    def _send_feedback(self, kind: Kind, packets: list[RtcpPacket]) -> None:
        own = self.senders[kind].numbers.ssrc
        self._rtcp_component(kind).send_rtcp(compound(*reports.feedback(own, self.cname, packets)))

    def _send_arrivals(self, now_us: int) -> None:
        kind = Kind.VIDEO if Kind.VIDEO in self.receivers else Kind.AUDIO
        if kind not in self.receivers:
            return
        source = self.receivers[kind].source
        own = self.senders[kind].numbers.ssrc
        for packet in self._arrivals.feedback(own, 0 if source is None else source.ssrc, now_us):
            self._send_feedback(kind, [packet])

    def _report(self, now_us: int) -> None:
        # RFC 3550 6.2: intervals vary between half and one and a half of the nominal one.
        spread = self._numbers[Kind.AUDIO].ssrc + now_us
        self._report_due_us = now_us + _REPORT_INTERVAL_US // 2 + spread % _REPORT_INTERVAL_US
        for component, pairs in self._transports().items():
            component.send_rtcp(compound(*reports.regular(pairs, self.cname, self._estimate_bps(pairs), now_us)))

    def _estimate_bps(self, pairs: list[reports.Pair]) -> int:
        """What browsers are told by REMB; legs with ports have their limit in SDP."""
        if any(rtp.latch is not None for rtp, _ in self.components.values()):
            return 0
        limits = [receiver.spec.max_bitrate_bps for receiver, _ in pairs if receiver.spec.max_bitrate_bps]
        return min([*limits, self._settings.initial_estimate_bps])

    # ---- shared

    @property
    def round_trip_us(self) -> int:
        """The best that the peer's reports tell; 0 when nothing does."""
        known = [each.statistics.round_trip_us for each in self.senders.values() if each.statistics is not None]
        return max(known, default=0)

    @property
    def estimate_bps(self) -> int:
        """What the peer says that it can receive; 0 when it says nothing."""
        return self._inbox.estimate_bps

    def _rtcp_component(self, kind: Kind) -> Component:
        rtp, rtcp = self.components[kind]
        return rtp if self.receivers[kind].spec.remote_rtcp is None else rtcp

    def _transports(self) -> dict[Component, list[reports.Pair]]:
        """Each transport that carries RTCP, with the streams it reports on."""
        found: dict[Component, list[reports.Pair]] = {}
        for kind, receiver in self.receivers.items():
            found.setdefault(self._rtcp_component(kind), []).append((receiver, self.senders[kind]))
        return found

    def _all_components(self) -> set[Component]:
        return {component for pair in self.components.values() for component in pair}

    def collect_drops(self) -> None:
        """Bring counters that are kept elsewhere up to date."""
        for receiver in self.receivers.values():
            receiver.collect_drops()
        for component in self._all_components():
            component.collect_drops()


def _numeric(address: tuple[str, int] | None) -> Address | None:
    if address is None:
        return None
    try:
        ipaddress.ip_address(address[0])
    except ValueError as error:
        raise BadMedia("bad-address") from error
    if not 0 < address[1] < 65536:
        raise BadMedia("bad-address")
    return address


def _merge(streams: tuple[StreamSpec, ...]) -> Extensions:
    """The ids of all streams; in a bundle they agree (RFC 8843 9.1.1)."""
    found = [spec.extensions for spec in streams]
    return Extensions(
        mid=max((each.mid for each in found), default=0),
        audio_level=max((each.audio_level for each in found), default=0),
        abs_send_time=max((each.abs_send_time for each in found), default=0),
        transport_cc=max((each.transport_cc for each in found), default=0),
    )
