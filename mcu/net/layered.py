"""A picture that arrives in several sizes at a time, each on an SSRC of its own (simulcast, RFC 8853)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from mcu.media import Format, StreamSpec
from mcu.net.receiver import StreamReceiver
from mcu.net.source import Source
from mcu.rtp.capture import LegClock, LipSync
from mcu.rtp.layers import LayerSelector
from mcu.rtp.packet import RtpPacket
from mcu.worker.channel import Frame


class LayeredReceiver(StreamReceiver):
    """Pure: as StreamReceiver, but one layer at a time becomes frames. The others are counted and nothing else.

    Browsers name the layer in each packet (RFC 8852) until they know that its SSRC is known.
    """

    def __init__(
        self, leg: int, spec: StreamSpec, clock: LegClock, lip_sync: LipSync, *, max_ssrcs: int, counters: Counter[str]
    ) -> None:
        super().__init__(leg, spec, clock, lip_sync, max_ssrcs=max_ssrcs, counters=counters)
        self._selector = LayerSelector(len(spec.layers))
        self._layers: dict[int, Source] = {}
        self._repairs: dict[int, int] = {}
        """SSRC of repeats (RFC 4588) -> layer; no more of them than there may be of sources."""
        self._max_ssrcs = max_ssrcs

    @property
    def sources(self) -> Sequence[Source]:
        """The layers, smallest first."""
        return [source for _, source in sorted(self._layers.items())]

    def source_of(self, ssrc: int) -> Source | None:
        """The layer with that SSRC."""
        return next((source for source in self._layers.values() if source.ssrc == ssrc), None)

    def want_keyframe(self, now_us: int) -> None:
        """Ask for one of the layer that is wanted, where anybody sees it."""
        wanted = self._layers.get(self._selector.target)
        if wanted is not None:
            wanted.keyframes.want(now_us)

    def restart_decoder(self, now_us: int) -> None:
        """The video process is a new one and knows nothing: ask at once, whatever was asked before."""
        for layer in self._selector.in_use:
            self._layers[layer].keyframes.arrived()
        self.want_keyframe(now_us)

    @property
    def is_in_need(self) -> bool:
        """Always: layers that fall silent are noticed by time alone."""
        return bool(self._layers)

    def limit(self, bitrate_bps: int, width: int, height: int, now_us: int) -> None:
        """What is of use of the pictures: the layer that fills a tile of that size; 0: none."""
        super().limit(bitrate_bps, width, height, now_us)
        if bitrate_bps and width:
            self._selector.show(width, height, now_us)
            self._follow(now_us)

    def unlimit(self, now_us: int) -> None:
        """Nothing is known of its use any more."""
        super().unlimit(now_us)
        self._selector.show(*_LARGEST, now_us)
        self._follow(now_us)

    @property
    def uplink_bps(self) -> int:
        """The rate of the layer of use and of those below it, which go on: a sender with less falls back on them."""
        return round(super().uplink_bps * _WITH_LOWER_LAYERS)

    def frames(self, now_us: int) -> Iterator[Frame]:
        """Whole pictures of the layer in use; those of the next one from its first keyframe on."""
        for layer in self._selector.in_use:
            source = self._layers[layer]
            for frame in source.frames(now_us):
                if self._selector.passes(layer, frame.is_keyframe, source.size, now_us):
                    yield frame
                if frame.is_keyframe:
                    self._follow(now_us)

    def handle_timeout(self, now_us: int) -> None:
        """Give up what does not come any more, of a layer or of all of one."""
        if self._selector.handle_timeout(now_us):
            self._follow(now_us)
        super().handle_timeout(now_us)

    def _show(self, now_us: int) -> None:
        if self.is_shown:
            self._selector.show(*_LARGEST, now_us)
        else:
            self._selector.hide()
        self._follow(now_us)

    def _follow(self, now_us: int) -> None:
        """Bring the layers into step with the choice: what is in use is put together, the rest is not."""
        in_use = self._selector.in_use
        for layer, source in self._layers.items():
            if source.is_paused and layer in in_use:
                source.resume(now_us)
            elif not source.is_paused and layer not in in_use:
                source.pause()
        if in_use and self.source is not self._layers[in_use[0]]:
            self.source = self._layers[in_use[0]]
            self._counters["layer-switches"] += 1

    def _receive_media(self, packet: RtpPacket, form: Format, now_us: int) -> None:
        layer = self._layer_of(packet, form, now_us)
        if layer is None:
            self._counters["layer-unknown"] += 1
            return
        source = self._layers[layer]
        if self._selector.heard(layer, now_us):
            self._follow(now_us)
        source.use_format(form)
        source.receive_video(packet, now_us)

    def _layer_of(self, packet: RtpPacket, form: Format, now_us: int) -> int | None:
        for layer, source in self._layers.items():
            if source.ssrc == packet.ssrc:
                return layer
        if packet.rid not in self.spec.layers:
            return None
        layer = self.spec.layers.index(packet.rid)
        before = self._layers.get(layer)
        if before is not None:
            self._leave(before)
        source = Source(self.stream, packet.ssrc, form, self._clock, self._lip_sync, has_nack=self.spec.has_nack)
        source.pause()
        if layer in self._selector.in_use:
            source.resume(now_us)
        self._layers[layer] = source
        if self.source in (None, before):
            self.source = source
        self.rate.restart(now_us)
        return layer

    def _receive_repeat(self, packet: RtpPacket, form: Format, now_us: int) -> None:
        if packet.repaired_rid in self.spec.layers and packet.ssrc not in self._repairs:
            if len(self._repairs) >= self._max_ssrcs:
                del self._repairs[next(iter(self._repairs))]
            self._repairs[packet.ssrc] = self.spec.layers.index(packet.repaired_rid)
        source = self._layers.get(self._repairs.get(packet.ssrc, -1))
        if source is None:
            self._counters["rtx-unusable"] += 1
        else:
            self._repeat(source, packet, form, now_us)


_LARGEST = (1280, 720)
_WITH_LOWER_LAYERS = 1.6
"""A layer of a quarter of the pixels has about 0.38 of the rate."""
