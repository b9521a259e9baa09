"""One sender's SSRC within a stream of a leg: numbering, statistics, clock, and the frames that come out of it."""

from __future__ import annotations

from collections.abc import Iterator

from mcu.media import Codec, Format
from mcu.rtp.capture import LegClock, LipSync, SourceClock
from mcu.rtp.frames import FrameAssembler
from mcu.rtp.keyframes import KeyframeRequester
from mcu.rtp.packet import RtpPacket
from mcu.rtp.reception import Reception
from mcu.rtp.sequence import SequenceTracker
from mcu.rtp.silence import NOTHING, SilenceGate, is_empty
from mcu.rtp.sound_nack import SoundNack
from mcu.worker.channel import NO_LEVEL, Frame


class Source:
    """Audio: each packet is a frame. Video: packets are put together, gaps are asked for."""

    def __init__(
        self, stream: int, ssrc: int, form: Format, clock: LegClock, lip_sync: LipSync, *, has_nack: bool
    ) -> None:
        self.ssrc = ssrc
        self.clock_rate_hz = form.clock_rate_hz
        self.codec = form.codec
        self.heard_us = 0
        self.reception = Reception(ssrc, form.clock_rate_hz)
        self.keyframes = KeyframeRequester()
        self.is_paused = False
        """Pictures are of no use now: their packets are counted, no more."""
        self.size: tuple[int, int] | None = None
        """Of the last keyframe that told it."""
        self._stream = stream
        self._clock = SourceClock(clock, form.clock_rate_hz)
        self._lip_sync = lip_sync
        self._tracker = SequenceTracker()
        self._silence = SilenceGate()
        self._restarts = 0
        self._has_nack = has_nack
        self._assembler = self._new_assembler()
        self._sound_nack = SoundNack() if has_nack and not form.codec.is_video else None
        """Where the sender repeats packets of sound."""

    @property
    def is_video(self) -> bool:
        """Whether frames are pictures."""
        return self._assembler is not None

    @property
    def is_in_need(self) -> bool:
        """Whether packets are missing or a keyframe is wanted; else time changes nothing."""
        assembler = self._assembler
        if assembler is None:
            return self._sound_nack is not None and self._sound_nack.is_waiting
        return assembler.is_waiting or self.keyframes.next_timeout() is not None

    @property
    def dropped(self) -> dict[str, int]:
        """Packets and frames that the assembler gave up, by reason."""
        return {} if self._assembler is None else self._assembler.dropped

    def sender_report(self, ntp: int, rtp_timestamp: int, now_us: int) -> None:
        """RFC 3550 6.4.1: the peer's clock for lip-sync and round trips."""
        self.reception.sender_report(ntp, now_us)
        self._clock.sender_report(ntp, rtp_timestamp)

    def use_format(self, form: Format) -> None:
        """The payload type changed to another codec in mid-stream (RFC 3264 8.3.2)."""
        if form.codec == self.codec:
            return
        self.codec = form.codec
        self._assembler = self._new_assembler()

    def close(self) -> None:
        """Another source has taken over: its clock is no longer the leg's."""
        self._clock.reset()

    def pause(self) -> None:
        """Nobody has use for the pictures: forget what is half there, ask for nothing."""
        self.is_paused = True
        self.keyframes.arrived()
        if self._assembler is not None:
            self._assembler.reset()

    def resume(self, now_us: int) -> None:
        """The pictures are of use again, from the keyframe on that is asked for now."""
        self.is_paused = False
        self.keyframes.want(now_us)

    def receive_audio(self, packet: RtpPacket, now_us: int) -> Frame | None:
        """The packet as a frame for the jitter buffer; None when nobody will hear it or its number is beyond belief."""
        number = self._count(packet, now_us)
        if number is None:
            return None
        nack = self._sound_nack
        if nack is not None:
            if number == nack.expected:
                nack.expected = number + 1
            else:
                self._take_out_of_order(nack, number, now_us)
        level = packet.audio_level
        if level == NO_LEVEL and self.codec is Codec.OPUS and is_empty(packet.payload):
            level = NOTHING
        if not self._silence.passes(level, now_us):
            return None
        capture_us = self._clock.capture_us(packet.timestamp, now_us)
        return Frame(
            self._stream,
            self.codec,
            packet.payload,
            packet.timestamp,
            packet.sequence,
            capture_us,
            self._lip_sync.audio_due_us(capture_us),
            level=level,
            arrival_us=now_us,
        )

    def _take_out_of_order(self, nack: SoundNack, number: int, now_us: int) -> None:
        if nack.jumped(number, now_us):
            self.reception.repeated()

    def receive_data(self, packet: RtpPacket, now_us: int) -> Frame | None:
        """A packet that is neither sound nor picture (H.224); None when its number is beyond belief."""
        if self._count(packet, now_us) is None:
            return None
        return Frame(self._stream, self.codec, packet.payload, packet.timestamp)

    def receive_event(self, packet: RtpPacket, now_us: int) -> None:
        """A telephone event in between: its packets are no holes in the sound."""
        number = self._number(packet, now_us)
        if number is not None:
            self.reception.receive_event(number, len(packet.payload))
            if self._sound_nack is not None:
                self._sound_nack.jumped(number, now_us)

    def receive_video(self, packet: RtpPacket, now_us: int) -> None:
        """Take a packet; frames() has what it completed."""
        number = self._count(packet, now_us)
        if number is None or self._assembler is None:
            return
        if self.is_paused:
            self.dropped["not-shown"] += 1
            if packet.marker:  # the clock goes on, so that pictures are in step with their sound from the first one on
                self._clock.capture_us(packet.timestamp, now_us)
            return
        self._assembler.receive(number, packet.timestamp, packet.marker, packet.payload, now_us)

    def receive_repeat(self, packet: RtpPacket, sequence: int, payload: bytes, now_us: int) -> None:
        """A packet that came again by RTX (RFC 4588) under its original number."""
        if self._assembler is None or self._tracker.highest < 0 or self.is_paused:
            return
        number = self._tracker.extend(sequence)
        needless = self._needless_repeats
        self._assembler.receive(number, packet.timestamp, packet.marker, payload, now_us)
        if self._needless_repeats == needless:  # browsers probe for bandwidth with packets that were not lost
            self.reception.repaired()

    def frames(self, now_us: int) -> Iterator[Frame]:
        """Whole pictures, in order."""
        assembler = self._assembler
        if assembler is None or self.is_paused:
            return
        while (done := assembler.next_frame()) is not None:
            if done.is_keyframe:
                self.keyframes.arrived()
                self.size = (done.width, done.height) if done.width else self.size
            capture_us = self._clock.capture_us(done.rtp_timestamp, done.first_arrival_us)
            due_us = self._lip_sync.video_arrived(capture_us, now_us)
            yield Frame(
                self._stream,
                self.codec,
                done.payload,
                done.rtp_timestamp,
                capture_us=capture_us,
                due_us=due_us,
                is_keyframe=done.is_keyframe,
            )
        if assembler.keyframe_needed:
            self.keyframes.want(now_us)

    def handle_timeout(self, now_us: int) -> None:
        """Give up what does not come any more."""
        if self._assembler is not None:
            deadline_us = self._assembler.next_timeout()
            if deadline_us is not None and now_us >= deadline_us:
                self._assembler.handle_timeout(now_us)

    def missing(self, now_us: int, round_trip_us: int) -> list[int]:
        """Sequence numbers to ask for by NACK now."""
        if self._assembler is None:
            return [] if self._sound_nack is None else self._sound_nack.due(now_us, round_trip_us)
        if round_trip_us:
            self._assembler.round_trip_us = round_trip_us
        return self._assembler.missing(now_us)

    def _count(self, packet: RtpPacket, now_us: int) -> int | None:
        number = self._number(packet, now_us)
        if number is not None:
            self.reception.receive(number, packet.timestamp, len(packet.payload), now_us)
        return number

    def _number(self, packet: RtpPacket, now_us: int) -> int | None:
        number = self._tracker.receive(packet.sequence)
        if number is not None:
            self.heard_us = now_us
            if self._tracker.restarts != self._restarts:
                self._restarts = self._tracker.restarts
                self.reception.restart()
                self._clock.reset()
                if self._assembler is not None:
                    self._assembler.reset()
                if self._sound_nack is not None:
                    self._sound_nack.restart()
        return number

    @property
    def _needless_repeats(self) -> int:
        return self.dropped.get("late", 0) + self.dropped.get("repeated", 0)

    def _new_assembler(self) -> FrameAssembler | None:
        return FrameAssembler(self.codec, self._has_nack) if self.codec.is_video else None
