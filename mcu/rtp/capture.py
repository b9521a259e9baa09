"""When was it captured: sender reports mapped to our clock, and the lip-sync that follows (RFC 3550 section 6.4.1)."""

from __future__ import annotations

from collections import deque

from mcu.rtp import ntp as ntp_time
from mcu.rtp.sequence import TimestampUnwrapper

BUCKET_US = 1_000_000
BUCKETS = 30
"""The smallest transit is looked for in the last 30 s."""
MAX_DRIFT_US = 1_000
"""How far the mapping follows a growing transit in each bucket: clocks drift by less than 1000 ppm."""
STEP_US = 500_000
"""A transit that grew by more is a clock that was set anew: followed at once."""
MAX_REPORT_GAP_S = 5
"""A sender report about another time than the packets around it is not believed."""
MAX_SPREAD_US = 1_000_000
"""Streams of one leg whose transits differ by more are not stamped from one clock."""
MAX_HOLD_US = 300_000
"""Lip-sync never delays by more."""
SLIGHT_US = 10_000
"""Video that is late by less needs nothing: it stays within the tolerance of -40..+60 ms."""
PICTURE_LAG_US = 25_000
"""From the moment a frame may be shown to the picture it is in: half a tick of 40 ms, and its decoding."""


class Transit:
    """Smallest transit (our arrival minus their time) over a sliding window, following slow drift."""

    __slots__ = ("_bucket_us", "_minima", "offset_us")

    def __init__(self) -> None:
        self.offset_us: int | None = None
        self._minima: deque[int] = deque(maxlen=BUCKETS)
        self._bucket_us = 0

    def observe(self, transit_us: int, now_us: int) -> int:
        """Take a packet's transit; the offset that maps their time to ours."""
        offset = self.offset_us
        if offset is None:
            self._bucket_us = now_us
            self._minima.append(transit_us)
            self.offset_us = transit_us
            return transit_us
        if now_us - self._bucket_us >= BUCKET_US:
            if self._minima[-1] - offset > STEP_US:
                offset = self._minima[-1]
                self._minima.clear()
            else:
                offset += min(MAX_DRIFT_US, max(0, min(self._minima) - offset))
            self._minima.append(transit_us)
            self._bucket_us = now_us
        elif transit_us < self._minima[-1]:
            self._minima[-1] = transit_us
        self.offset_us = min(offset, transit_us)
        return self.offset_us


class LegClock:
    """The wall clock of one peer as seen from ours: one mapping for audio and video, smallest transit = 0."""

    __slots__ = ("_transits",)

    def __init__(self) -> None:
        self._transits: list[Transit] = []

    def add(self, transit: Transit) -> None:
        """A source of this leg has sender reports now."""
        if transit not in self._transits:
            self._transits.append(transit)

    def remove(self, transit: Transit) -> None:
        """The source is gone or restarted."""
        if transit in self._transits:
            self._transits.remove(transit)

    def offset_us(self, own_us: int) -> int:
        """The mapping of the leg for a source whose own is `own_us`: the smallest one that can be the same clock."""
        offset = own_us
        for transit in self._transits:
            other = transit.offset_us
            if other is not None and own_us - MAX_SPREAD_US <= other < offset:
                offset = other
        return offset


class SourceClock:
    """Capture times of one source. Before its first sender report its own smallest transit counts as 0."""

    __slots__ = (
        "_clock_rate_hz",
        "_is_reported",
        "_last",
        "_leg",
        "_report_rtp",
        "_report_us",
        "_transit",
        "_unwrapper",
    )

    def __init__(self, leg: LegClock, clock_rate_hz: int) -> None:
        self._leg = leg
        self._clock_rate_hz = clock_rate_hz
        self._transit = Transit()
        self.reset()

    def reset(self) -> None:
        """The source restarted or changed its SSRC: forget its clock."""
        self._leg.remove(self._transit)
        self._unwrapper = TimestampUnwrapper()
        self._transit = Transit()
        self._is_reported = False
        self._report_us = self._report_rtp = 0
        self._last: int | None = None

    def sender_report(self, ntp: int, rtp_timestamp: int) -> bool:
        """Take a sender report; whether it is believed."""
        if not ntp or self._last is None:
            return False
        distance = ((rtp_timestamp - self._last + 0x8000_0000) & 0xFFFFFFFF) - 0x8000_0000
        if abs(distance) > MAX_REPORT_GAP_S * self._clock_rate_hz:
            return False
        self._report_us, self._report_rtp = ntp_time.to_us(ntp), self._last + distance
        if not self._is_reported:
            self._is_reported = True
            self._transit = Transit()
            self._leg.add(self._transit)
        return True

    def capture_us(self, rtp_timestamp: int, arrival_us: int) -> int:
        """When the packet was captured, on our clock; never later than its arrival."""
        self._last = self._unwrapper.unwrap(rtp_timestamp)
        theirs_us = self._report_us + (self._last - self._report_rtp) * 1_000_000 // self._clock_rate_hz
        own = self._transit.observe(arrival_us - theirs_us, arrival_us)
        offset = self._leg.offset_us(own) if self._is_reported else own
        return theirs_us + offset


class LipSync:
    """Keeps sound and picture of one leg together by delaying whichever is early."""

    __slots__ = ("_playout_us", "_video_us")

    def __init__(self) -> None:
        self._playout_us: int | None = None
        self._video_us = 0.0

    def playout(self, delay_us: int) -> None:
        """The audio process plays that long after capture."""
        self._playout_us = delay_us

    def video_arrived(self, capture_us: int, now_us: int) -> int:
        """When a whole video frame is to be shown: with its sound. 0 without a wish, never over 300 ms from now."""
        late = now_us - capture_us
        # Follow growth fast and shrinking slowly, so that sound waits for nearly every frame but not for a rare one.
        self._video_us += (late - self._video_us) / (8 if late > self._video_us else 64)
        if self._playout_us is None:
            return 0
        return min(capture_us + self._playout_us - PICTURE_LAG_US, now_us + MAX_HOLD_US)

    def audio_due_us(self, capture_us: int) -> int:
        """When a packet of sound is wished to be played: with its picture. 0 without a wish, never over 300 ms on."""
        if self._video_us <= SLIGHT_US:
            return 0
        return capture_us + min(MAX_HOLD_US, int(self._video_us) + PICTURE_LAG_US)
