"""One sender as the mixer sees it: packets in, one 20 ms frame of levelled sound out at every tick."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from mcu.audio import drift, stretch
from mcu.audio.agc import GainControl, VoiceDetector
from mcu.audio.codecs import RTP_CLOCK_HZ, TAPPED_HZ, Decoder, duration_us, has_fec, make_decoder
from mcu.audio.drift import ClockFollower
from mcu.audio.dtmf import ToneDetector
from mcu.audio.errors import BadPacketError
from mcu.audio.jitter import Arrival, JitterBuffer, Packet, Step, Verdict
from mcu.audio.pcm import FRAME_SAMPLES, RATE_HZ, SILENT_DB, Pcm, level_db, mean, ramp, silence
from mcu.audio.slack import Slack
from mcu.audio.talkers import AUDIBLE_DB, Voice
from mcu.media import Codec
from mcu.worker.channel import Frame

_SKIP_US = 300_000
"""Playout that is later than desired by this much is caught up at once."""
_SHORTEN_SPARE_US, _SHORTEN_QUIET_US, _SHORTEN_SPEECH_US = 27_000, 35_000, 45_000
"""A tick is 20 ms: less excess than that comes from the phase between the sender's clock and ours, and ClockFollower
keeps some more. Above the first so much is cut out in a pause as was not needed of late, above the second anyway."""
_PATIENCE_FRAMES = 50
_LENGTHEN_US = -5_000
_STEPS_A_FRAME = 12
_LIE_FRAMES = 50
_LIE_DB = 25.0
_DC_SMOOTHING = 0.05
_DC_STEP = 3e-5
"""One step of 16-bit samples: nobody hears less."""
_PLAYOUT_SMOOTHING = 0.1
_FADE_IN_SAMPLES = 240
_LEARN_OVER_DB = -50.0


class SourceFrame(NamedTuple):
    """20 ms of one source after gain control; `voice` is its level before it."""

    pcm: Pcm
    voice: Voice


QUIET = SourceFrame(silence(), Voice(SILENT_DB, is_speech=False))


class _Ear:
    """Hears digits, and keeps them from everybody else: whoever listens or records could read a passcode from them."""

    def __init__(self) -> None:
        self.detector: ToneDetector | None = None
        self.digits = ""

    def hear(self, pcm: Pcm) -> Pcm:
        if self.detector is None:
            return pcm
        self.digits += self.detector.process(pcm)
        return silence(len(pcm)) if self.detector.is_tone else pcm

    def miss(self, samples: int) -> None:
        if self.detector is not None:
            self.detector.miss(samples)


class Source:
    """Jitter buffer, decoder, time stretching, DC removal and gain control of one sender and one codec."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._jitter = JitterBuffer(RTP_CLOCK_HZ[codec])
        self.counters = self._jitter.counters
        self.playout_us = 0
        """Playout minus capture, smoothed; 0 before anything was played."""
        self._ear = _Ear()
        self._decoder: Decoder = make_decoder(codec, self._ear)
        self._pcm = silence(0)
        self._capture_offset_us: int | None = None
        self._is_decoded = True
        self._was_skipped = False
        self._clock = ClockFollower()
        self._slack = Slack()
        self._aimed_us = 0
        self._detector = VoiceDetector()
        self._gain = GainControl()
        self._dc = 0.0
        self._is_quiet = True
        self._unchanged_frames = 0
        self._lies = 0
        self._claimed_db: float | None = None

    def listen(self, for_digits: bool) -> None:
        """Find DTMF from now on, or no more; only where the codec passes tones faithfully (G.711, G.722)."""
        if not for_digits or self.codec not in TAPPED_HZ:
            self._ear.detector = None
        elif self._ear.detector is None:
            self._ear.detector = ToneDetector(TAPPED_HZ[self.codec])

    def take_digits(self) -> str:
        """What was keyed in since the last call."""
        digits, self._ear.digits = self._ear.digits, ""
        return digits

    def put(self, frame: Frame, now_us: int) -> None:
        """Take one packet. Raises BadPacketError when it cannot be one of this codec."""
        arrival = Arrival(
            frame.sequence, frame.rtp_timestamp, frame.payload, duration_us(self.codec, frame.payload),
            frame.capture_us, frame.due_us, frame.level, has_fec(self.codec, frame.payload),
        )  # fmt: skip
        self._jitter.put(arrival, now_us)

    @property
    def stats(self) -> Counter[str]:
        """Cumulative counts as they are now: lost, concealed, late, discarded, bad packets and the like."""
        return Counter(self.counters)

    @property
    def desired_delay_us(self) -> int:
        """The wait that the jitter buffer aims at."""
        return self._jitter.desired_us

    @property
    def is_resting(self) -> bool:
        """Whether it sends nothing, or tells that there is nothing to hear."""
        return self._jitter.is_resting

    @property
    def resting_level_db(self) -> float:
        """What it tells of its level while it rests."""
        return max(SILENT_DB, -float(self._jitter.level))

    def claimed_level_db(self) -> float | None:
        """The level that the next packet tells (RFC 6464); None when it tells none or told lies before."""
        level = self._jitter.next_level()
        return None if level is None or self._lies >= _LIE_FRAMES else -float(level)

    def pull(self, now_us: int, is_decoded: bool) -> SourceFrame:
        """The frame of this tick; without `is_decoded` time passes but nothing is decoded (it is not heard)."""
        self._is_decoded = is_decoded
        self._claimed_db = self.claimed_level_db()
        samples = self._adapt(now_us)
        self._fill(samples, now_us)
        if len(self._pcm) < samples:
            self._pcm = np.concatenate((self._pcm, silence(samples - len(self._pcm))))
        frame, self._pcm = self._pcm[:samples], self._pcm[samples:]
        self._slack.note(self._jitter.queued_us + self._buffered_us)
        if not is_decoded:
            return self._skipped()
        return self._level(frame if samples == FRAME_SAMPLES else drift.fit(frame))

    # ---- time ---------------------------------------------------------------------------------------------------

    @property
    def _buffered_us(self) -> int:
        return len(self._pcm) * 1_000_000 // RATE_HZ

    def _adapt(self, now_us: int) -> int:
        """Bring the delay of playout nearer to the one desired; of how many samples the next frame is made."""
        if self._jitter.is_idle:
            self._clock.restart()
            self._slack.restart()
            return FRAME_SAMPLES
        if self._jitter.desired_us != self._aimed_us:  # that is no drift
            self._aimed_us = self._jitter.desired_us
            self._clock.restart()
        excess = self._jitter.excess_us(now_us, self._buffered_us)
        self._note_playout(now_us)
        if excess > _SKIP_US:
            self._jitter.skip(excess)
            self._slack.restart()
        elif excess < _LENGTHEN_US:
            self._lengthen(now_us)
        elif not self._shorten(self._may_shorten(excess), now_us):
            return self._clock.samples(excess)
        self._clock.restart()
        return FRAME_SAMPLES

    def _may_shorten(self, excess_us: int) -> int:
        """By how many samples: in a pause at once; in speech where it matters, or once a second if nobody pauses."""
        self._unchanged_frames += 1
        is_patient = self._unchanged_frames < _PATIENCE_FRAMES and not self._is_quiet
        if excess_us > (_SHORTEN_SPEECH_US if is_patient else _SHORTEN_QUIET_US):
            return stretch.LONGEST_LAG
        may_spare = self._is_quiet and excess_us > _SHORTEN_SPARE_US
        samples = min(stretch.LONGEST_LAG, self._slack.spare_us * RATE_HZ // 1_000_000) if may_spare else 0
        return samples if samples >= stretch.SHORTEST_LAG else 0

    def _lengthen(self, now_us: int) -> None:
        if len(self._pcm) < FRAME_SAMPLES and self._jitter.is_ready:
            self._make(self._jitter.next_step(now_us))
        if len(self._pcm) >= stretch.NEEDED_SAMPLES:
            self._pcm = stretch.lengthen(self._pcm)
            self.counters["lengthened"] += 1

    def _shorten(self, longest: int, now_us: int) -> bool:
        """Cut out at most so many samples; False where that is none, or too little sound is here."""
        if not longest:
            return False
        while len(self._pcm) < 2 * FRAME_SAMPLES and self._jitter.is_ready:
            self._make(self._jitter.next_step(now_us))
        if len(self._pcm) < FRAME_SAMPLES + stretch.NEEDED_SAMPLES:
            return False
        self._pcm = stretch.shorten(self._pcm, longest)
        self._unchanged_frames = 0
        self._slack.cut()
        self.counters["shortened"] += 1
        return True

    def _note_playout(self, now_us: int) -> None:
        if self._capture_offset_us is None:
            return
        measured = self._jitter.played_late_us(now_us, self._buffered_us) - self._capture_offset_us
        if not self.playout_us:
            self.playout_us = measured
        self.playout_us += round(_PLAYOUT_SMOOTHING * (measured - self.playout_us))

    def _fill(self, samples: int, now_us: int) -> None:
        for _ in range(_STEPS_A_FRAME):
            if len(self._pcm) >= samples:
                return
            step = self._jitter.next_step(now_us)
            if step.verdict == Verdict.IDLE:
                return
            if step.verdict == Verdict.UNDERRUN:
                self._slack.missed()
                self._clock.restart()
            self._make(step)

    # ---- sound --------------------------------------------------------------------------------------------------

    def _make(self, step: Step) -> None:
        """Append the sound of one step."""
        samples = step.duration_us * RATE_HZ // 1_000_000
        if step.verdict == Verdict.PLAY and step.packet is not None:
            self._capture_offset_us = step.packet.capture_us - step.packet.media_us
        if not self._is_decoded:
            pcm = silence(samples)
            self._was_skipped = True
        else:
            pcm = self._sound(step, samples)
            if self._was_skipped and len(pcm) >= _FADE_IN_SAMPLES:
                # The decoder's memory is old: its first samples may not fit.
                pcm[:_FADE_IN_SAMPLES] *= ramp(0.0, 1.0, _FADE_IN_SAMPLES)
                self._was_skipped = False
        self._pcm = np.concatenate((self._pcm, pcm)) if len(self._pcm) else pcm

    def _sound(self, step: Step, samples: int) -> Pcm:
        packet: Packet | None = step.packet
        try:
            if packet is None:
                return self._decoder.conceal(samples)
            if step.verdict == Verdict.RECOVER:
                return self._decoder.recover(packet.payload, samples)
            return self._decoder.decode(packet.payload)
        except BadPacketError:
            self.counters["bad"] += 1
            return silence(samples)

    def _level(self, pcm: Pcm) -> SourceFrame:
        pcm = self._without_dc(pcm)
        level = level_db(pcm)
        self._check_claim(level)
        is_speech = self._detector.is_speech(level)
        self._is_quiet = not is_speech
        gained = self._gain.apply(pcm, level, is_speech and level > _LEARN_OVER_DB)
        return SourceFrame(gained, Voice(level, is_speech))

    def _skipped(self) -> SourceFrame:
        level = SILENT_DB if self._claimed_db is None else self._claimed_db
        self._is_quiet = level < AUDIBLE_DB
        return SourceFrame(QUIET.pcm, Voice(level, is_speech=False))

    def _check_claim(self, level: float) -> None:
        """A sender that calls silence loud would take the place of others among the decoded."""
        if self._claimed_db is None or self._lies >= _LIE_FRAMES:
            return
        self._lies = self._lies + 1 if self._claimed_db > level + _LIE_DB and self._claimed_db > AUDIBLE_DB else 0

    def _without_dc(self, pcm: Pcm) -> Pcm:
        before = self._dc
        self._dc += _DC_SMOOTHING * (mean(pcm) - before)
        if abs(self._dc - before) > _DC_STEP:
            return pcm - ramp(before, self._dc, len(pcm))
        return pcm - np.float32(self._dc) if abs(self._dc) > _DC_STEP else pcm
