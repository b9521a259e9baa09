"""One outgoing picture of a leg, its main one or the shared screen: queued, paced, begun at a keyframe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from config.media import NetSettings
from mcu.media import Format, Kind
from mcu.net.component import Component
from mcu.net.outlet import Outlet
from mcu.net.sender import StreamSender
from mcu.rtp.history import RingFrame
from mcu.rtp.pieces import MAX_PIECE_BYTES
from mcu.worker.channel import Frame

_LEAST_FACTOR = 1.1
"""Faster than pictures come, whatever is thought of the path, or the queue would only grow."""
_REPEATS_OF_LIMIT, _REPEATS_OF_RATE = 4, 2
"""The fraction of a narrow path, and of the rate on any other, that repeats may take: one quarter, one half."""


class PictureFlow:
    """A receiver of the fan-out (Fanout's PictureReceiver): what it is given goes to the peer as stream `kind`."""

    def __init__(
        self, number: int, kind: Kind, components: dict[Kind, tuple[Component, Component]],
        senders: dict[Kind, StreamSender], may_send: Callable[[Kind], bool], settings: NetSettings, outlet: Outlet,
        counters: Counter[str],
    ) -> None:  # fmt: skip
        self._number = number
        self._kind = kind
        self._components = components
        self._senders = senders
        self._may_send = may_send
        self._settings = settings
        self._outlet = outlet
        self._counters = counters
        self._missed_picture = False
        self._paced_for = (-1, -1)
        self._filling_bps = self._filled_us = self._fill_until_us = 0
        self.limit_bps = 0
        """What the downlink has for this picture; 0 where nothing limits it."""

    def picture_format(self) -> Format | None:
        """What the peer takes; None when it takes none."""
        sender = self._senders.get(self._kind)
        return None if sender is None else sender.format

    def put_rendition(self, picture: Frame, pieces: RingFrame, rate_bps: int, now_us: int) -> bool:
        """Queue a picture, to be sent when it is the leg's turn; False when it has to wait for a keyframe now."""
        del picture, now_us
        sender = self._senders.get(self._kind)
        if sender is None or sender.format is None or not self._may_send(self._kind):
            self._missed_picture = True
            return True
        if self._components[self._kind][0].is_slow:
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
        self._pace(sender, rate_bps)
        self._outlet.queue_filled(self._number)
        return True

    def _pace(self, sender: StreamSender, rate_bps: int) -> None:
        """Fast in the building, so that nobody waits; else as a narrow path takes a keyframe without losing any of it.

        Repeats get a part of it: what is lost because too much is sent must not be sent once more beside it.
        """
        settings, limit_bps = self._settings, self.limit_bps
        overdue_bps = sender.queue_bytes * 8000 // settings.max_pacing_queue_ms
        if (rate_bps, limit_bps) == self._paced_for and overdue_bps <= rate_bps:
            return  # the rate is measured anew about once a second, which is often enough
        self._paced_for = (rate_bps, limit_bps) if overdue_bps <= rate_bps else (-1, -1)
        if limit_bps:
            sender.pacer.set_rate(max(int(rate_bps * _LEAST_FACTOR), overdue_bps, limit_bps))
            sender.limit_repeats(limit_bps // _REPEATS_OF_LIMIT)
            return
        factor, least_bps = settings.pacing_factor, settings.min_pacing_bps
        if sender.statistics is not None and 0 < sender.statistics.round_trip_us < settings.near_round_trip_ms * 1000:
            factor, least_bps = settings.near_pacing_factor, settings.near_min_pacing_bps
        sender.pacer.set_rate(max(int(rate_bps * factor), overdue_bps, least_bps))
        sender.limit_repeats(max(rate_bps, least_bps) // _REPEATS_OF_RATE)

    def fill(self, bitrate_bps: int, duration_us: int, now_us: int) -> bool:
        """Send so much beside the pictures for a while, to see what the path carries; False where nothing fits."""
        sender = self._senders.get(self._kind)
        if sender is None or not sender.can_repeat or not self._may_send(self._kind):
            return False
        self._filling_bps, self._filled_us, self._fill_until_us = bitrate_bps, now_us, now_us + duration_us
        self._outlet.queue_filled(self._number)
        return True

    def _fill(self, sender: StreamSender, now_us: int) -> None:
        """Repeats of what went out of late: peers know such packets from real losses, and drop what they have."""
        count = self._filling_bps * (now_us - self._filled_us) // (8_000_000 * MAX_PIECE_BYTES)
        if count > 0 and self._may_send(self._kind):
            self._filled_us = now_us
            component = self._components[self._kind][0]
            if sender.stores_sent:
                component.send_protected(sender.recent_protected(count))
            elif packets := sender.recent(count):
                component.send(packets)
            self._counters["fill-packets-sent"] += count
        self._outlet.queue_filled(self._number)

    def pump(self, now_us: int) -> None:
        """Send what the pacer allows now; come back while something waits."""
        sender = self._senders.get(self._kind)
        if sender is None:
            return
        first, packets = sender.take(now_us)
        if packets:
            component = self._components[self._kind][0]
            if sender.stores_sent:
                _send_and_store(component, sender, first, packets)
            else:
                sender.sent_bytes += component.send(packets)
        if now_us < self._fill_until_us:
            self._fill(sender, now_us)
        elif sender.has_queue:
            self._outlet.queue_filled(self._number)


def _send_and_store(component: Component, sender: StreamSender, first: int, packets: list[bytes]) -> None:
    protected = [component.protect(packet) for packet in packets]
    sending = [data for data in protected if data is not None]
    for offset, data in enumerate(protected):
        if data is not None:
            sender.sent.store(first + offset & 0xFFFF, data)
    component.send_protected(sending)
    sender.sent_bytes += sum(map(len, sending))
