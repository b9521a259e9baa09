"""One leg: its transports, the streams on them, and who gets what arrives (RFC 3550, RFC 8834)."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection

from config.media import NetSettings
from mcu.media import Codec, Extensions, Kind, StreamSpec, kind_of
from mcu.net.adaptation import Adaptation
from mcu.net.component import Component
from mcu.net.ice import Address
from mcu.net.layered import LayeredReceiver
from mcu.net.numbering import draw_numbers
from mcu.net.outbound import Outbound
from mcu.net.outlet import Outlet
from mcu.net.ration import Ration
from mcu.net.receiver import StreamReceiver
from mcu.net.rtcp_inbox import RtcpInbox
from mcu.net.rtcp_outbox import RtcpOutbox
from mcu.rtp import packet as rtp_packet
from mcu.rtp.capture import LegClock, LipSync
from mcu.rtp.collisions import CollisionGuard
from mcu.rtp.ntp import NtpClock
from mcu.rtp.packet import RtpPacket
from mcu.worker.channel import Frame
from mcu.worker.messages import CameraFrame, Dtmf, LegConnected, LegFailed, LegSilent, LimitSource

_MAX_ROUTES = 64
_MAX_CAMERA_FRAMES_PER_S = 50
_MAX_DIGITS_PER_S = 50
"""Nobody keys in as fast, no dialler either (ITU-T Q.24: 40 ms and more for each)."""


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
        self.peer = ""
        """Where its signalling comes from, which decides by which of our addresses it reaches us."""
        self.is_attached = False
        self._admitted: frozenset[Kind] = frozenset()
        """What of the peer's media passes the gate."""
        self.is_broken = False
        """A fault of ours was met; nothing is done for it any more."""
        self.heard_us = 0
        self.due_us = 0
        """Nothing is to be done before that; 0 where the next tick has to look."""
        self._camera_frames = Ration(_MAX_CAMERA_FRAMES_PER_S)
        self._digits = Ration(_MAX_DIGITS_PER_S)
        self.components: dict[Kind, tuple[Component, Component]] = {}
        """RTP and RTCP transport of each stream that was opened; one and the same object over ICE."""
        self.receivers: dict[Kind, StreamReceiver] = {}
        self._limits: dict[Kind, LimitSource] = {}
        """What the room has use for, of streams that may come later."""
        self.lip_sync = LipSync()
        self._numbers = {kind: draw_numbers() for kind in Kind}
        self.outbound = Outbound(number, self.components, self._numbers, settings, clock, outlet, counters)
        self._outbox = RtcpOutbox(number, cname, self.components, self.receivers, self.outbound, settings, outlet)
        self._adaptation = Adaptation(number, self.outbound, outlet, is_on=settings.adapts_pictures)
        self._inbox = RtcpInbox(number, self.receivers, self.outbound, self._adaptation, outlet)
        self._settings = settings
        self._outlet = outlet
        self._counters = counters
        self._clock = LegClock()
        self._extensions = Extensions()
        self._collisions = CollisionGuard()
        self._routes: dict[tuple[Component, int], StreamReceiver] = {}
        """By transport and SSRC: streams on ports of their own may use one number for both (RFC 3550 8)."""
        self._is_connected = False
        self.is_silent = False
        """Whether the peer of an open leg is not heard any more: neither sound nor pictures nor reports."""

    @property
    def ssrcs(self) -> dict[str, int]:
        """What our own streams are called, for SDP."""
        named = {str(kind): numbers.ssrc for kind, numbers in self._numbers.items()}
        return named | {f"{kind}-rtx": numbers.rtx_ssrc for kind, numbers in self._numbers.items()}

    @property
    def estimate_bps(self) -> int:
        """What the peer says that it can receive; 0 when it says nothing."""
        return self._inbox.estimate_bps

    # ---- what signalling decides

    def configure(self, streams: tuple[StreamSpec, ...], now_us: int) -> None:
        """Take what was negotiated, for the first time or again. Raises BadMedia."""
        self.heard_us = self.heard_us or now_us
        for spec in streams:
            if spec.kind not in self.components:
                raise BadMedia("stream-not-opened")
            self._configure_stream(spec, now_us)
            self._configure_keys(spec)
        for gone in set(self.receivers) - {spec.kind for spec in streams}:
            del self.receivers[gone]
            self.outbound.suspend(gone)
        self._extensions = _merge(streams)
        self._routes.clear()
        for component in self._all_components():
            component.payload_types = frozenset(
                payload_type for each in self._receivers_on(component) for payload_type in each.formats
            )

    def attach(self, now_us: int, kinds: Collection[Kind] | None = None) -> None:
        """The gate is open, inwards for `kinds` (None: for all); who waited before it had no reason to send."""
        self.is_attached = True
        self.heard_us = now_us
        self.outbound.is_open = True
        self._adaptation.attach(now_us)
        self._admitted = frozenset(Kind if kinds is None else kinds)
        for kind, receiver in self.receivers.items():
            if kind not in self._admitted:
                receiver.is_open = False
            elif not receiver.is_open:
                receiver.open(now_us)

    def move(self, room: str, now_us: int) -> None:
        """The leg belongs to another room, before whose gate it waits; keys, addresses and numbers go on."""
        self.room = room
        self.is_attached = False
        self.outbound.is_open = False
        self._admitted = frozenset()
        self._limits.clear()
        for receiver in self.receivers.values():
            receiver.is_open = False
            receiver.unlimit(now_us)

    def close(self, now_us: int) -> None:
        """Say goodbye and end the transports; their sockets are closed by who opened them."""
        self._outbox.say_goodbye(now_us)
        self.collect_drops()
        for component in self._all_components():
            component.close()
        for sender in self.outbound.senders.values():
            sender.close()

    def _configure_stream(self, spec: StreamSpec, now_us: int) -> None:
        self.outbound.configure(spec)
        receiver = self.receivers.get(spec.kind)
        if receiver is not None and receiver.spec.layers == spec.layers:
            receiver.configure(spec)
            return
        make = LayeredReceiver if spec.layers else StreamReceiver
        receiver = make(
            self.number, spec, self._clock, self.lip_sync,
            max_ssrcs=self._settings.max_ssrcs_per_stream, counters=self._counters,
        )  # fmt: skip
        receiver.is_open = spec.kind in self._admitted
        if limit := self._limits.get(spec.kind):
            receiver.limit(limit.bitrate_bps, limit.width, limit.height, now_us)
        self.receivers[spec.kind] = receiver

    def _configure_keys(self, spec: StreamSpec) -> None:
        rtp, rtcp = self.components[spec.kind]
        keys = spec.h235 if spec.sdes is None else spec.sdes
        if keys is not None:
            try:
                rtp.use_keys(keys)
            except ValueError as error:
                raise BadMedia("bad-keys") from error
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
        if rtp.latch is not None:
            rtp.use_ice(spec.ice)
            rtcp.use_ice(spec.ice)
            rtp.negotiate_remote(_numeric(spec.remote))
            rtcp.negotiate_remote(_numeric(spec.remote_rtcp))

    # ---- what arrives

    def rtp_received(self, component: Component, data: bytes, now_us: int) -> None:
        """An RTP packet in the clear, from who may send it (Component calls this)."""
        self.heard_us = now_us
        self.due_us = 0
        packet = rtp_packet.parse(data, self._extensions)
        if packet is None:
            self._counters["rtp-malformed"] += 1
            return
        if packet.transport_sequence >= 0:
            self._outbox.arrivals.receive(packet.transport_sequence, now_us)
        receiver = self._routes.get((component, packet.ssrc)) or self._route(component, packet)
        if receiver is None:
            self._counters["rtp-no-stream"] += 1
            return
        frame, digit = receiver.receive(packet, now_us)
        if frame is not None and frame.codec is Codec.H224:
            self._camera_frame(frame, now_us)
        elif frame is not None:
            self._outlet.source_frame(frame)
        elif digit is not None:
            self._digit(digit, now_us)
        else:
            self._hand_pictures(receiver, now_us)

    def _camera_frame(self, frame: Frame, now_us: int) -> None:
        """To control, which is no place for a flood."""
        if self._camera_frames.take(now_us):
            self._outlet.tell(CameraFrame(self.number, bytes(frame.payload)))
        else:
            self._counters["camera-too-fast"] += 1

    def _digit(self, digit: str, now_us: int) -> None:
        """To control, too."""
        if self._digits.take(now_us):
            self._outlet.tell(Dtmf(self.number, digit))
        else:
            self._counters["digits-too-fast"] += 1

    def limit_source(self, command: LimitSource, now_us: int) -> None:
        """Hand on what is of use of a picture, and ask the peer for no more."""
        kind = kind_of(command.stream)
        self._limits[kind] = command
        self.due_us = 0
        receiver = self.receivers.get(kind)
        if receiver is not None:
            receiver.limit(command.bitrate_bps, command.width, command.height, now_us)
            self._outbox.hasten(now_us)

    def rtcp_received(self, component: Component, data: bytes, now_us: int) -> None:
        """An RTCP compound, likewise (Component calls this)."""
        del component
        self.heard_us = now_us
        self.due_us = 0
        malformed = self._inbox.receive(data, now_us)
        if malformed:
            self._counters["rtcp-malformed"] += malformed

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
        ours = next((kind for kind, each in self._numbers.items() if packet.ssrc in (each.ssrc, each.rtx_ssrc)), None)
        if ours is not None and not self._give_up_number(ours, now_us=self.heard_us):
            return None
        found = self._find(self._receivers_on(component), packet)
        if found is not None:
            if len(self._routes) >= _MAX_ROUTES:
                del self._routes[next(iter(self._routes))]
                self._counters["ssrc-routes-forgotten"] += 1
            self._routes[component, packet.ssrc] = found
        return found

    def _give_up_number(self, kind: Kind, now_us: int) -> bool:
        """The peer sends under an SSRC of ours: whether it may have it; False: our own packets come back."""
        if not self._collisions.is_collision(now_us):
            self._counters["rtp-loop"] += 1
            return False
        old, fresh = self._numbers[kind], draw_numbers()
        self._outbox.leave(kind, (old.ssrc, old.rtx_ssrc))
        self.outbound.renumber(kind, fresh)
        self._counters["ssrc-collisions"] += 1
        return True

    def _find(self, receivers: list[StreamReceiver], packet: RtpPacket) -> StreamReceiver | None:
        """RFC 8843 9.2: by MID, by signalled SSRC, by payload type where only one m-line has it."""
        if packet.mid:
            return next((each for each in receivers if each.spec.mid == packet.mid), None)
        for each in receivers:
            if packet.ssrc in each.spec.remote_ssrcs:
                return each
        fitting = [each for each in receivers if packet.payload_type in each.formats]
        return fitting[0] if len(fitting) == 1 else None

    def _hand_pictures(self, receiver: StreamReceiver, now_us: int) -> None:
        for picture in receiver.frames(now_us):
            self._outlet.source_frame(picture)

    # ---- time

    def handle_timeout(self, now_us: int) -> None:
        """Every 10 ms from `due_us` on: give up what does not come, ask again, report."""
        is_busy = False
        for receiver in self.receivers.values():
            if receiver.is_in_need:
                is_busy = True
                receiver.handle_timeout(now_us)
                self._hand_pictures(receiver, now_us)
            is_busy = is_busy or (receiver.source is not None and receiver.source.is_video)
        self._outbox.handle_timeout(now_us)
        self.due_us = 0 if is_busy else self._outbox.next_timeout()

    def look_for_silence(self, now_us: int) -> None:
        """Once a second: tell when the peer is not heard any more, once until it is heard again."""
        silent_us = now_us - self.heard_us
        is_silent = self.is_attached and bool(self.receivers) and silent_us > self._settings.silent_s * 1e6
        if is_silent and not self.is_silent:
            self._outlet.tell(LegSilent(self.number, silent_us / 1e6))
        self.is_silent = is_silent

    def collect_drops(self) -> None:
        """Bring counters that are kept elsewhere up to date."""
        for receiver in self.receivers.values():
            receiver.collect_drops()
        for component in self._all_components():
            component.collect_drops()

    def _receivers_on(self, component: Component) -> list[StreamReceiver]:
        return [each for kind, each in self.receivers.items() if component in self.components[kind]]

    def _all_components(self) -> set[Component]:
        return {component for pair in self.components.values() for component in pair}


def _numeric(address: tuple[str, int] | None) -> Address | None:
    """A resolver must never be asked from here: it would block the loop. Raises BadMedia."""
    if address is None:
        return None
    try:
        parsed = ipaddress.ip_address(address[0])
    except ValueError as error:
        raise BadMedia("bad-address") from error
    if not 0 < address[1] < 65536 or parsed.is_multicast:
        raise BadMedia("bad-address")
    return None if parsed.is_unspecified else address  # RFC 3264 8.4: 0.0.0.0 was the old way to say hold


def _merge(streams: tuple[StreamSpec, ...]) -> Extensions:
    """The ids of all streams; in a bundle they agree (RFC 8843 9.1.1)."""
    found = [spec.extensions for spec in streams]
    return Extensions(
        mid=max((each.mid for each in found), default=0),
        audio_level=max((each.audio_level for each in found), default=0),
        abs_send_time=max((each.abs_send_time for each in found), default=0),
        transport_cc=max((each.transport_cc for each in found), default=0),
        rid=max((each.rid for each in found), default=0),
        repaired_rid=max((each.repaired_rid for each in found), default=0),
    )
