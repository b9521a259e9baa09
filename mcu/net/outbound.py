"""The sending half of a leg: sound at once, pictures paced, repeats on demand; nothing before the gate is open."""

from __future__ import annotations

from collections import Counter

from config.media import NetSettings
from mcu.media import Format, Kind, StreamSpec
from mcu.net.component import Component
from mcu.net.listener_loss import LossMemory
from mcu.net.outlet import Outlet
from mcu.net.pacing import Pacer
from mcu.net.picture_flow import PictureFlow
from mcu.net.sender import Numbers, StreamSender
from mcu.net.sockets import EXPEDITED_FORWARDING
from mcu.rtp.history import RingFrame
from mcu.rtp.ntp import NtpClock
from mcu.rtp.packet import sequence_of
from mcu.rtp.rate_limits import RateLimit
from mcu.worker.channel import Frame


class Outbound:
    """A receiver of the fan-out (Fanout's Receiver): what it is given goes to the peer."""

    def __init__(
        self, number: int, components: dict[Kind, tuple[Component, Component]], numbers: dict[Kind, Numbers],
        settings: NetSettings, clock: NtpClock, outlet: Outlet, counters: Counter[str],
    ) -> None:  # fmt: skip
        self.is_open = False
        """Whether the gate is open."""
        self.has_consent = True
        """ICE: whether the peer still wants to hear us (RFC 7675)."""
        self.senders: dict[Kind, StreamSender] = {}
        self._number = number
        self._components = components
        self._numbers = numbers
        self._settings = settings
        self._clock = clock
        self._outlet = outlet
        self._counters = counters
        self.pictures = {
            kind: PictureFlow(number, kind, components, self.senders, self._may_send, settings, outlet, counters)
            for kind in (Kind.VIDEO, Kind.CONTENT)
        }
        """Its main picture and the shared screen."""
        self.loss = LossMemory()
        self._asked = self._asked_of = 0
        """Packets of sound that the peer has asked for again, of so many."""
        self.limits: dict[Kind, RateLimit] = {}
        """What the peer asked us to keep to (TMMBR), by its own SSRC."""
        self.notices_due: set[Kind] = set()
        """Whose limit was not confirmed to the peer yet."""

    def configure(self, spec: StreamSpec) -> None:
        """What was negotiated for one stream, for the first time or again."""
        sender = self.senders.get(spec.kind)
        if sender is not None:
            sender.configure(spec)
            return
        settings = self._settings
        pacer = Pacer(settings.min_pacing_bps, settings.burst_ms, settings.min_burst_bytes)
        self.senders[spec.kind] = StreamSender(spec, self._numbers[spec.kind], self._clock, pacer)

    def renumber(self, kind: Kind, numbers: Numbers) -> None:
        """The peer has the SSRC of this stream: it goes on under another."""
        self._numbers[kind] = numbers
        sender = self.senders.get(kind)
        if sender is not None:
            sender.renumber(numbers)

    def suspend(self, kind: Kind) -> None:
        """The stream is gone; should it come back, its numbers go on, since its SRTP keys may be the same."""
        sender = self.senders[kind]
        sender.configure(StreamSpec(sender.spec.mid, kind))

    @property
    def round_trip_us(self) -> int:
        """The shortest that the peer's reports tell; 0 when nothing does."""
        statistics = (sender.statistics for sender in self.senders.values())
        return min((each.round_trip_us for each in statistics if each is not None and each.round_trip_us), default=0)

    def listener_loss(self) -> float | None:
        """Once a second: the share of our sound that the peer misses, None where that is nothing new."""
        sender = self.senders.get(Kind.AUDIO)
        if sender is None or sender.statistics is None:
            return None
        asked, of = sender.packets_asked - self._asked, sender.statistics.packets - self._asked_of
        self._asked, self._asked_of = sender.packets_asked, sender.statistics.packets
        # What is repeated is no loss in its reports, but repeats get lost, too, and come late.
        return self.loss.update(max(sender.statistics.remote_loss, asked / of if of >= asked > 0 else 0.0))

    # ---- Receiver

    def picture_format(self) -> Format | None:
        """What the peer takes as its main picture; None when it takes none."""
        return self.pictures[Kind.VIDEO].picture_format()

    def put_sound(self, frame: Frame) -> None:
        """Send one packet of the mix."""
        sender = self.senders.get(Kind.AUDIO)
        if sender is None or not self._may_send(Kind.AUDIO):
            return
        packet = sender.audio_packet(frame)
        if packet is None:
            self._counters["audio-not-taken"] += 1
        elif sender.stores_sent:
            self._send_and_keep(sender, packet)
        else:
            sender.sent_bytes += self._components[Kind.AUDIO][0].send((packet,), EXPEDITED_FORWARDING)

    def _send_and_keep(self, sender: StreamSender, packet: bytes) -> None:
        component = self._components[Kind.AUDIO][0]
        data = component.protect(packet)
        if data is not None:
            sender.sent.store(sequence_of(packet), data)
            sender.sent_bytes += len(data)
            component.send_protected((data,), EXPEDITED_FORWARDING)

    def put_rendition(self, picture: Frame, pieces: RingFrame, rate_bps: int, now_us: int) -> bool:
        """Queue the next main picture; False when it has to wait for a keyframe now."""
        return self.pictures[Kind.VIDEO].put_rendition(picture, pieces, rate_bps, now_us)

    # ---- packets

    def pump(self, now_us: int) -> None:
        """Send what the pacers allow now; come back while something waits."""
        for flow in self.pictures.values():
            flow.pump(now_us)

    def put_camera_frame(self, data: bytes, now_us: int) -> None:
        """Send an H.224 frame (RFC 4573: one a packet)."""
        sender = self.senders.get(Kind.CAMERA)
        packet = sender.data_packet(data, now_us) if sender is not None and self._may_send(Kind.CAMERA) else None
        if sender is None or packet is None:
            self._counters["camera-not-taken"] += 1
        else:
            sender.sent_bytes += self._components[Kind.CAMERA][0].send((packet,))

    def repeat(self, sender: StreamSender, lost: tuple[int, ...], now_us: int) -> None:
        """The peer misses packets of `sender`: RTX where it was agreed, else the very same bytes once more."""
        if not self._may_send(sender.spec.kind):
            return
        component = self._components[sender.spec.kind][0]
        if sender.stores_sent:
            again = sender.repeat_protected(lost, now_us)
            component.send_protected(again, EXPEDITED_FORWARDING if sender.spec.kind is Kind.AUDIO else 0)
            self._counters["repeats-sent"] += len(again)
            return
        repeats = sender.repeat(lost, now_us)
        if repeats:
            component.send(repeats)
            self._counters["rtx-sent"] += len(repeats)

    def _may_send(self, kind: Kind) -> bool:
        return self.is_open and self.has_consent and self._components[kind][0].can_send
