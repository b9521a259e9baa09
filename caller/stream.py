"""One m-line of a call as a pure core: packets and time in, packets and encoded frames out."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from caller.lock import lock_of, suite_of
from caller.sound import SoundOrder
from mcu.media import Codec, Format, Kind, StreamSpec
from mcu.rtp import packet as rtp
from mcu.rtp import rtcp
from mcu.rtp.capture import LegClock, SourceClock
from mcu.rtp.cutting import cut
from mcu.rtp.demux import Protocol, classify
from mcu.rtp.frames import FrameAssembler
from mcu.rtp.history import Repeater, SentPackets, SequenceMap
from mcu.rtp.keyframes import KeyframeRequester
from mcu.rtp.ntp import NtpClock
from mcu.rtp.reception import Reception
from mcu.rtp.sender import SenderStatistics
from mcu.rtp.sequence import SequenceTracker, SourceTracker

REPORT_INTERVAL_US = 1_000_000
MAX_WAITING = 256
"""Packets or frames that wait to be fetched."""


@dataclass(frozen=True, slots=True)
class Received:
    """An encoded frame: a packet of sound, or a whole picture (then with its size where it is a keyframe)."""

    codec: Codec
    payload: bytes
    capture_us: int
    is_keyframe: bool = False
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes our side of a stream unique; random numbers of the shell."""

    ssrc: int
    cname: str
    first_sequence: int
    first_timestamp: int


class Stream:
    """Sends and receives one kind of media as agreed in `spec`."""

    def __init__(
        self, spec: StreamSpec, identity: Identity, clock: NtpClock, leg: LegClock, steals: bool = False
    ) -> None:  # fmt: skip
        """`steals` is for H.235.6: send stolen ciphertext where others pad."""
        self.spec = spec
        self.suite = suite_of(spec)
        """The cipher; of a stream that has ended the last one."""
        self.keyframe_requests = 0
        """Of ours: PLIs, or wishes of take_keyframe_wish()."""
        self.keyframes_asked = 0
        """PLIs and FIRs that came, and what keyframe_asked() told; the next keyframe of the programme is the answer."""
        self.keyframes = self.frames = 0
        self.undelivered = self.not_understood = 0
        self.own_keys: set[bytes] = set()
        """Of H.235.6, so far."""
        self.peer_keys: set[bytes] = set()
        self._keep_keys(spec)
        self._steals = steals
        self._lock = lock_of(spec, steals)
        self._lock_drops: Counter[str] = Counter()
        main: Format | None = spec.send or (spec.receive[0] if spec.receive else None)
        if main is None:
            raise ValueError("a stream in neither direction")
        self._sent_codec = main.codec
        self.codec = next((item.codec for item in _received(spec)), main.codec)
        """What is received."""
        self._payload_types = _payload_types(spec, self.codec)
        self._identity = identity
        media_rate_hz = 90_000 if main.codec.is_video else 48_000
        self._map = SequenceMap(
            identity.ssrc, main.clock_rate_hz, media_rate_hz, identity.first_sequence, identity.first_timestamp
        )
        self._picture_id = 0
        self.sender = SenderStatistics(identity.ssrc, main.clock_rate_hz, clock)
        self._sent, self._repeater = SentPackets(), Repeater()
        self._source, self._tracker = SourceTracker(), SequenceTracker()
        self.reception = Reception(0, main.clock_rate_hz)
        self._clock = SourceClock(leg, main.clock_rate_hz)
        self._assembler = FrameAssembler(self.codec, spec.has_nack) if self.codec.is_video else None
        is_repeated = spec.kind is Kind.AUDIO and spec.has_nack
        self._sound: SoundOrder[Received] = SoundOrder(is_repeated=is_repeated)
        self._requester = KeyframeRequester()
        self._has_wish = False
        self._report_us: int | None = None
        self._packets: deque[tuple[bool, bytes]] = deque()
        self._received: deque[Received] = deque()

    def update(self, spec: StreamSpec) -> None:
        """The same stream, agreed anew: other keys, addresses, payload types, or another direction beside the first."""
        if (spec.sdes, spec.h235) != (self.spec.sdes, self.spec.h235):
            if self._lock is not None:
                self._lock_drops += self._lock.drops
            self._lock = lock_of(spec, self._steals)
            self.suite = suite_of(spec) or self.suite
            self._keep_keys(spec)
        self.spec = spec
        self._payload_types = _payload_types(spec, self.codec)

    def carries(self, spec: StreamSpec) -> bool:
        """Whether update() will do: the codecs of an earlier stream cannot change."""
        is_sent = spec.send is None or spec.send.codec is self._sent_codec
        return is_sent and all(item.codec is self.codec for item in _received(spec))

    # ---- out ----------------------------------------------------------------------------------------------------

    def send(self, payload: bytes, media_timestamp: int, capture_us: int) -> None:
        """Send a frame; `media_timestamp` counts 90 kHz (video) or 48 kHz (audio)."""
        if self.spec.send is None:
            return
        pieces = cut(self._sent_codec, payload, mode=self.spec.send.packetization_mode, picture_id=self._picture_id)
        self._picture_id = (self._picture_id + 1) & 0x7FFF
        placed = self._map.place(media_timestamp, len(pieces))
        if placed is None:
            return
        first, timestamp = placed
        for offset, piece in enumerate(pieces):
            sequence = (first + offset) & 0xFFFF
            head = rtp.header(self.spec.send.payload_type, piece.marker, sequence, timestamp, self._map.ssrc)
            data = self._protect(head + piece.payload)
            if data is not None:
                self._sent.store(sequence, data)
                self._put(False, data)
        self.sender.sent(timestamp, capture_us, len(pieces), sum(len(piece.payload) for piece in pieces))

    def keyframe_asked(self) -> None:
        """Signalling says that the peer needs a keyframe."""
        self.keyframes_asked += 1

    def goodbye(self, now_us: int) -> None:
        """Say that no more comes (RFC 3550 6.6)."""
        self._send_rtcp(*self._report(now_us), rtcp.Goodbye((self._map.ssrc,)))

    def packets_to_send(self) -> list[tuple[bool, bytes]]:
        """(whether it is RTCP, datagram) in order."""
        packets = list(self._packets)
        self._packets.clear()
        return packets

    # ---- in -----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now_us: int) -> None:
        """Take a datagram from the RTP or RTCP port."""
        protocol = classify(data)
        if protocol is Protocol.RTCP:
            self._receive_rtcp(data, now_us)
        elif protocol is Protocol.RTP:
            plain = self._lock.unprotect(data) if self._lock else data
            packet = rtp.parse(plain, self.spec.extensions) if plain is not None else None
            if packet is None or packet.payload_type not in self._payload_types:
                self.not_understood += 1
            elif self._source.accept(packet.ssrc, now_us):
                self._receive_rtp(packet, len(data), now_us)

    def frames_received(self) -> list[Received]:
        """Frames that are complete, in order."""
        frames = list(self._received)
        self._received.clear()
        return frames

    def handle_timeout(self, now_us: int) -> None:
        """Ask for what is missing, report once a second; call it every 5 to 20 ms."""
        if self._assembler is not None and self.reception.received_packets:
            self._repair(self._assembler, now_us)
        elif self._assembler is None:
            self._repair_sound(now_us)
        if self._report_us is None:
            self._report_us = now_us + REPORT_INTERVAL_US // 4
        elif now_us >= self._report_us:
            self._report_us = now_us + REPORT_INTERVAL_US
            self._send_rtcp(*self._report(now_us))

    def take_keyframe_wish(self) -> bool:
        """Whether signalling is to ask for a keyframe, where RTCP cannot; told once."""
        has_wish, self._has_wish = self._has_wish, False
        return has_wish

    @property
    def lost_packets(self) -> int:
        """Packets that never came, after repair."""
        return self.reception.lost_packets

    @property
    def dropped(self) -> dict[str, int]:
        """What was dropped, by reason."""
        found = {"undelivered": self.undelivered, "not-understood": self.not_understood}
        if self._lock is not None:
            prefix = "h235" if self.spec.h235 else "srtp"
            drops = self._lock_drops + self._lock.drops
            found |= {f"{prefix}-{reason}": count for reason, count in drops.items()}
        if self._assembler is not None:
            found |= self._assembler.dropped
        return {reason: count for reason, count in found.items() if count}

    # ---- within -------------------------------------------------------------------------------------------------

    def _receive_rtp(self, packet: rtp.RtpPacket, size: int, now_us: int) -> None:
        if packet.ssrc != self.reception.ssrc:
            self._start_source(packet.ssrc)
        restarts = self._tracker.restarts
        sequence = self._tracker.receive(packet.sequence)
        if sequence is None:
            return
        if self._tracker.restarts != restarts:
            self._start_source(packet.ssrc)
        self.reception.receive(sequence, packet.timestamp, size, now_us)
        capture_us = self._clock.capture_us(packet.timestamp, now_us)
        if self._assembler is None:
            received = Received(self.codec, packet.payload, capture_us)
            self._deliver_sound(self._sound.put(sequence, received, now_us))
            return
        self._assembler.receive(sequence, packet.timestamp, packet.marker, packet.payload, now_us)
        self._take_frames(self._assembler)

    def _keep_keys(self, spec: StreamSpec) -> None:
        if spec.h235 is not None:
            self.own_keys |= {spec.h235.local} - {b""}
            self.peer_keys |= {key for _, key in spec.h235.remote}

    def _start_source(self, ssrc: int) -> None:
        if ssrc != self.reception.ssrc:
            self._tracker = SequenceTracker()
            self.reception.ssrc = ssrc
        self.reception.restart()
        self._clock.reset()
        if self._assembler is not None:
            self._assembler.reset()
        else:
            self._deliver_sound(self._sound.restart())

    def _deliver_sound(self, packets: list[Received]) -> None:
        for received in packets:
            if received.payload:
                self._deliver(received)

    def _repair_sound(self, now_us: int) -> None:
        self._deliver_sound(self._sound.take(now_us))
        if lost := self._sound.missing(now_us, self.sender.round_trip_us):
            asked = rtcp.GenericNack(self._map.ssrc, self.reception.ssrc, tuple(lost))
            self._send_rtcp(rtcp.ReceiverReport(self._map.ssrc), asked)

    def _take_frames(self, assembler: FrameAssembler) -> None:
        while (frame := assembler.next_frame()) is not None:
            if frame.is_keyframe:
                self.keyframes += 1
                self._requester.arrived()
            capture_us = self._clock.capture_us(frame.rtp_timestamp, frame.last_arrival_us)
            self._deliver(
                Received(self.codec, frame.payload, capture_us, frame.is_keyframe, frame.width, frame.height)
            )  # fmt: skip

    def _deliver(self, received: Received) -> None:
        self.frames += 1
        if len(self._received) >= MAX_WAITING:
            self.undelivered += 1
            return
        self._received.append(received)

    def _repair(self, assembler: FrameAssembler, now_us: int) -> None:
        assembler.round_trip_us = self.sender.round_trip_us or assembler.round_trip_us
        assembler.handle_timeout(now_us)
        self._take_frames(assembler)
        feedback: list[rtcp.RtcpPacket] = []
        lost = assembler.missing(now_us)
        if lost:
            feedback.append(rtcp.GenericNack(self._map.ssrc, self.reception.ssrc, tuple(lost)))
        if assembler.keyframe_needed:
            self._requester.want(now_us)
        if self._requester.due(now_us):
            self.keyframe_requests += 1
            if self.spec.has_pli:
                feedback.append(rtcp.PictureLoss(self._map.ssrc, self.reception.ssrc))
            else:
                self._has_wish = True
        if feedback:
            self._send_rtcp(rtcp.ReceiverReport(self._map.ssrc), *feedback)

    def _report(self, now_us: int) -> list[rtcp.RtcpPacket]:
        heard = self.reception.received_packets
        blocks = (self.reception.report(now_us),) if heard else ()
        report: rtcp.RtcpPacket = (
            self.sender.report(now_us, blocks) if self.sender.packets else rtcp.ReceiverReport(self._map.ssrc, blocks)
        )
        return [report, rtcp.SourceDescription(((self._map.ssrc, self._identity.cname),))]

    def _receive_rtcp(self, data: bytes, now_us: int) -> None:
        plain = self._lock.unprotect_rtcp(data) if self._lock else data
        if plain is None:
            self.not_understood += 1
            return
        packets, errors = rtcp.parse_compound(plain)
        self.not_understood += errors
        for packet in packets:
            handler = _HANDLERS.get(type(packet))
            if handler is not None:
                handler(self, packet, now_us)

    def _sender_report(self, report: rtcp.SenderReport, now_us: int) -> None:
        if report.ssrc == self.reception.ssrc:
            self.reception.sender_report(report.ntp, now_us)
            self._clock.sender_report(report.ntp, report.rtp_timestamp)
        self._blocks(report, now_us)

    def _blocks(self, report: rtcp.SenderReport | rtcp.ReceiverReport, now_us: int) -> None:
        for block in report.reports:
            if block.ssrc == self._map.ssrc:
                self.sender.receive_report(block, now_us)

    def _nack(self, nack: rtcp.GenericNack, now_us: int) -> None:
        self._repeater.round_trip_us = self.sender.round_trip_us
        for sequence in self._repeater.select(nack.lost, now_us):
            data = self._sent.get(sequence)
            if data is not None:
                self._put(False, data)

    def _keyframe_asked(self, _: rtcp.RtcpPacket, __: int) -> None:
        self.keyframe_asked()

    def _send_rtcp(self, *packets: rtcp.RtcpPacket) -> None:
        data = rtcp.compound(*packets)
        protected = self._lock.protect_rtcp(data) if self._lock else data
        if protected is not None:
            self._put(True, protected)

    def _protect(self, packet: bytes) -> bytes | None:
        return self._lock.protect(packet) if self._lock else packet

    def _put(self, is_rtcp: bool, data: bytes) -> None:
        self._packets.append((is_rtcp, data))


def _received(spec: StreamSpec) -> list[Format]:
    """Formats that are taken, without telephone events."""
    return [item for item in spec.receive if item.codec is not Codec.TELEPHONE_EVENT]


def _payload_types(spec: StreamSpec, codec: Codec) -> set[int]:
    return {item.payload_type for item in spec.receive if item.codec is codec}


_HANDLERS: dict[type, Callable[..., None]] = {
    rtcp.SenderReport: Stream._sender_report,  # noqa: SLF001 - the table of this class
    rtcp.ReceiverReport: Stream._blocks,  # noqa: SLF001
    rtcp.GenericNack: Stream._nack,  # noqa: SLF001
    rtcp.PictureLoss: Stream._keyframe_asked,  # noqa: SLF001
    rtcp.FullIntraRequest: Stream._keyframe_asked,  # noqa: SLF001
}
