"""What arrives for one m-line of a leg: payload types, the sender's SSRC and its changes, repeats, digits, frames."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence

from mcu.media import Codec, Format, StreamSpec, stream_id
from mcu.net.source import Source
from mcu.rtp.capture import LegClock, LipSync
from mcu.rtp.dtmf import DtmfReceiver
from mcu.rtp.frames import unwrap_rtx
from mcu.rtp.packet import RtpPacket
from mcu.rtp.rate_limits import LEAST_BPS, RateRequester
from mcu.worker.channel import Frame

_RETURN_US = 2_000_000
"""An SSRC that was replaced may come back when its successor was silent for so long."""


class StreamReceiver:
    """Pure: packets and times in, frames, digits and wishes out."""

    def __init__(
        self, leg: int, spec: StreamSpec, clock: LegClock, lip_sync: LipSync, *, max_ssrcs: int, counters: Counter[str]
    ) -> None:
        self.stream = stream_id(leg, spec.kind)
        self.source: Source | None = None
        self.rate = RateRequester()
        self.is_open = False
        """Whether the gate is open: before it, digits only."""
        self.is_shown = True
        """Whether anybody has use for the pictures."""
        self._clock = clock
        self._lip_sync = lip_sync
        self._counters = counters
        self._dtmf = DtmfReceiver()
        self._left: deque[int] = deque(maxlen=max_ssrcs)
        self.configure(spec)

    def configure(self, spec: StreamSpec) -> None:
        """What was negotiated, again after each renegotiation; sources live on."""
        self.spec = spec
        self.formats: dict[int, Format] = {form.payload_type: form for form in spec.receive}
        if spec.send_dtmf is not None and spec.send_dtmf.payload_type not in self.formats:
            self.formats[spec.send_dtmf.payload_type] = spec.send_dtmf

    def open(self, now_us: int) -> None:
        """The gate opens; a picture starts with a keyframe."""
        self.is_open = True
        self.want_keyframe(now_us)

    @property
    def sources(self) -> Sequence[Source]:
        """What the sender sends of this stream now: one source, or the layers of simulcast."""
        return () if self.source is None else (self.source,)

    @property
    def is_in_need(self) -> bool:
        """Whether handle_timeout() or a report in between may have something to do."""
        source = self.source
        return source is not None and (source.is_in_need or (self.rate.is_due and source.is_video))

    def limit(self, bitrate_bps: int, width: int, height: int, now_us: int) -> None:
        """What is of use of the pictures: so much for a tile of that size; 0: nobody sees them."""
        del width, height
        self.rate.want(bitrate_bps or LEAST_BPS, now_us)
        if self.is_shown != bool(bitrate_bps):
            self.is_shown = bool(bitrate_bps)
            self._show(now_us)

    def unlimit(self, now_us: int) -> None:
        """Nothing is known of its use any more; nothing is asked for before that is."""
        self.rate = RateRequester()
        if not self.is_shown:
            self.is_shown = True
            self._show(now_us)

    @property
    def uplink_bps(self) -> int:
        """The rate that its sender needs for what is of use; 0: not known."""
        return self.rate.bitrate_bps if self.spec.receive else LEAST_BPS

    def _show(self, now_us: int) -> None:
        """Take the pictures up again, or leave them."""
        if self.source is None or not self.source.is_video:
            return
        if self.is_shown:
            self.source.resume(now_us)
        else:
            self.source.pause()

    def want_keyframe(self, now_us: int) -> None:
        """Ask the sender to start its picture afresh, where anybody sees it."""
        if self.source is not None and self.source.is_video and not self.source.is_paused:
            self.source.keyframes.want(now_us)

    def restart_decoder(self, now_us: int) -> None:
        """The video process is a new one and knows nothing: ask at once, whatever was asked before."""
        if self.source is not None:
            self.source.keyframes.arrived()
        self.want_keyframe(now_us)

    def receive(self, packet: RtpPacket, now_us: int) -> tuple[Frame | None, str | None]:
        """An audio frame or a digit, where the packet holds one; pictures come out of frames()."""
        form = self.formats.get(packet.payload_type)
        if form is None:
            self._counters["rtp-unknown-type"] += 1
        elif form.codec is Codec.TELEPHONE_EVENT:
            if (source := self.source_of(packet.ssrc)) is not None:
                source.receive_event(packet, now_us)
            return None, self._dtmf.receive(packet.payload, packet.timestamp)
        elif not self.is_open:
            self._counters["gate-closed"] += 1
        elif form.codec is Codec.RTX:
            self._receive_repeat(packet, form, now_us)
        else:
            return self._receive_media(packet, form, now_us), None
        return None, None

    def handle_timeout(self, now_us: int) -> None:
        """Give up what does not come any more."""
        for source in self.sources:
            source.handle_timeout(now_us)

    def frames(self, now_us: int) -> Iterator[Frame]:
        """Whole pictures that are complete now."""
        if self.source is not None:
            yield from self.source.frames(now_us)

    def source_of(self, ssrc: int) -> Source | None:
        """The source with that SSRC, when it is the one in use."""
        return self.source if self.source is not None and self.source.ssrc == ssrc else None

    def _receive_media(self, packet: RtpPacket, form: Format, now_us: int) -> Frame | None:
        source = self._choose(packet.ssrc, form, now_us)
        if source is None:
            return None
        source.use_format(form)
        if form.codec is Codec.H224:
            return source.receive_data(packet, now_us)
        if not source.is_video:
            return source.receive_audio(packet, now_us)
        source.receive_video(packet, now_us)
        return None

    def _receive_repeat(self, packet: RtpPacket, form: Format, now_us: int) -> None:
        if self.source is None:
            self._counters["rtx-unusable"] += 1
        else:
            self._repeat(self.source, packet, form, now_us)

    def _repeat(self, source: Source, packet: RtpPacket, form: Format, now_us: int) -> None:
        original = unwrap_rtx(packet.payload)
        repeated = self.formats.get(form.apt)
        if original is None or repeated is None or repeated.codec != source.codec:
            self._counters["rtx-unusable"] += 1  # probing padding (RFC 4588 has none) lands here too
            return
        sequence, payload = original
        source.receive_repeat(packet, sequence, payload, now_us)

    def _choose(self, ssrc: int, form: Format, now_us: int) -> Source | None:
        """The source in use; a new SSRC takes over (a sender restarted, a call was transferred behind its B2BUA)."""
        current = self.source
        if current is not None and current.ssrc == ssrc and current.clock_rate_hz == form.clock_rate_hz:
            return current
        if ssrc in self._left:
            if current is not None and now_us - current.heard_us < _RETURN_US:
                self._counters["rtp-old-ssrc"] += 1
                return None
            self._left.remove(ssrc)
        if current is not None:
            self._leave(current)
        source = Source(self.stream, ssrc, form, self._clock, self._lip_sync, has_nack=self.spec.has_nack)
        if source.is_video:
            self.rate.restart(now_us)
            if current is not None:
                source.keyframes.follow(current.keyframes)
            if self.is_shown:
                source.keyframes.want(now_us)
            else:
                source.pause()
        self.source = source
        return source

    def _leave(self, source: Source) -> None:
        source.close()
        self.collect_drops()
        self._counters["ssrc-changes"] += 1
        if source.ssrc not in self._left:
            self._left.append(source.ssrc)

    def collect_drops(self) -> None:
        """Add what the source in use has dropped to the counters of the process."""
        for source in self.sources:
            for reason, count in source.dropped.items():
                self._counters[f"video-{reason}"] += count
            source.dropped.clear()
