"""The sending half of a leg: sound at once, pictures paced, repeats on demand; nothing before the gate is open."""

from __future__ import annotations

from collections import Counter

from config.media import NetSettings
from mcu.media import Format, Kind, StreamSpec
from mcu.net.component import Component
from mcu.net.outlet import Outlet
from mcu.net.pacing import Pacer
from mcu.net.sender import Numbers, StreamSender
from mcu.net.sockets import EXPEDITED_FORWARDING
from mcu.rtp.history import RingFrame
from mcu.rtp.ntp import NtpClock
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
        self._missed_picture = False

    def configure(self, spec: StreamSpec) -> None:
        """What was negotiated for one stream, for the first time or again."""
        sender = self.senders.get(spec.kind)
        if sender is not None:
            sender.configure(spec)
            return
        pacer = Pacer(self._settings.min_pacing_bps, self._settings.burst_ms)
        self.senders[spec.kind] = StreamSender(spec, self._numbers[spec.kind], self._clock, pacer)

    def suspend(self, kind: Kind) -> None:
        """The stream is gone; should it come back, its numbers go on, since its SRTP keys may be the same."""
        sender = self.senders[kind]
        sender.configure(StreamSpec(sender.spec.mid, kind))

    @property
    def round_trip_us(self) -> int:
        """The shortest that the peer's reports tell; 0 when nothing does."""
        statistics = (sender.statistics for sender in self.senders.values())
        return min((each.round_trip_us for each in statistics if each is not None and each.round_trip_us), default=0)

    # ---- Receiver

    def picture_format(self) -> Format | None:
        """What the peer takes as its picture; None when it takes none."""
        sender = self.senders.get(Kind.VIDEO)
        return None if sender is None else sender.format

    def put_sound(self, frame: Frame) -> None:
        """Send one packet of the mix."""
        sender = self.senders.get(Kind.AUDIO)
        if sender is None or not self._may_send(Kind.AUDIO):
            return
        packet = sender.audio_packet(frame)
        if packet is None:
            self._counters["audio-not-taken"] += 1
        else:
            sender.sent_bytes += self._components[Kind.AUDIO][0].send((packet,), EXPEDITED_FORWARDING)

    def put_rendition(self, picture: Frame, pieces: RingFrame, rate_bps: int, now_us: int) -> bool:
        """Queue a picture, to be sent when it is the leg's turn; False when it has to wait for a keyframe now."""
        del picture, now_us
        sender = self.senders.get(Kind.VIDEO)
        if sender is None or sender.format is None or not self._may_send(Kind.VIDEO):
            self._missed_picture = True
            return True
        if self._components[Kind.VIDEO][0].is_slow:
            # A keyframe is asked for when there is room for it again, not by everybody's encoder all the time.
            self._counters["video-reader-slow"] += 1
            self._missed_picture = True
            return True
        if self._missed_picture and not pieces.is_keyframe:
            self._missed_picture = False
            return False
        self._missed_picture = False
        if not sender.put(pieces):
            self._counters["video-queue-full"] += 1
            return False
        settings = self._settings
        overdue_bps = sender.queue_bytes * 8000 // settings.max_pacing_queue_ms
        sender.pacer.set_rate(max(int(rate_bps * settings.pacing_factor), overdue_bps, settings.min_pacing_bps))
        self._outlet.queue_filled(self._number)
        return True

    # ---- packets

    def pump(self, now_us: int) -> None:
        """Send what the pacer allows now; come back while something waits."""
        sender = self.senders.get(Kind.VIDEO)
        if sender is None:
            return
        numbered = sender.take(now_us)
        if numbered:
            component = self._components[Kind.VIDEO][0]
            if sender.stores_sent:
                self._send_and_store(component, sender, numbered)
            else:
                sender.sent_bytes += component.send([packet for _, packet in numbered])
        if sender.has_queue:
            self._outlet.queue_filled(self._number)

    def repeat(self, sender: StreamSender, lost: tuple[int, ...], now_us: int) -> None:
        """The peer misses packets of `sender`: RTX where it was agreed, else the very same bytes once more."""
        if not self._may_send(sender.spec.kind):
            return
        component = self._components[sender.spec.kind][0]
        if sender.stores_sent:
            for data in sender.repeat_protected(lost, now_us):
                component.send_protected(data)
                self._counters["repeats-sent"] += 1
            return
        repeats = sender.repeat(lost, now_us)
        if repeats:
            component.send(repeats)
            self._counters["rtx-sent"] += len(repeats)

    def _send_and_store(self, component: Component, sender: StreamSender, numbered: list[tuple[int, bytes]]) -> None:
        for sequence, packet in numbered:
            data = component.protect(packet)
            if data is not None:
                sender.sent.store(sequence, data)
                component.send_protected(data)
                sender.sent_bytes += len(data)

    def _may_send(self, kind: Kind) -> bool:
        return self.is_open and self.has_consent and self._components[kind][0].can_send
