"""What was sent to a leg: sender reports on one NTP clock, and what the peer's reports tell (RFC 3550 section 6.4)."""

from __future__ import annotations

from mcu.rtp import ntp as ntp_time
from mcu.rtp.ntp import NtpClock
from mcu.rtp.rtcp import ReportBlock, SenderReport

_MAX_ROUND_TRIP_US = 10_000_000


class SenderStatistics:
    """One SSRC that we send with.

    All streams of a worker share one NtpClock and are stamped from one media clock, so their sender reports agree.
    """

    __slots__ = (
        "_capture_us", "_clock", "_clock_rate_hz", "_rtp_timestamp", "latest_round_trip_us", "packets",
        "payload_bytes", "remote_jitter", "remote_loss", "remote_lost_packets", "round_trip_us", "ssrc",
    )  # fmt: skip

    def __init__(self, ssrc: int, clock_rate_hz: int, clock: NtpClock) -> None:
        self.ssrc = ssrc
        self.packets = 0
        self.payload_bytes = 0
        self.remote_loss = 0.0
        """Fraction lost (0..1) in the peer's last report."""
        self.remote_lost_packets = 0
        self.remote_jitter = 0
        """In RTP clock units."""
        self.round_trip_us = 0
        """Smoothed; 0 while unknown."""
        self.latest_round_trip_us = 0
        """As the last report that allowed it told; 0 while unknown."""
        self._clock = clock
        self._clock_rate_hz = clock_rate_hz
        self._rtp_timestamp = self._capture_us = 0

    def sent(self, rtp_timestamp: int, capture_us: int, packets: int, payload_bytes: int) -> None:
        """A frame went out under this leg's `rtp_timestamp`; it was captured (ticked) at `capture_us`."""
        self._rtp_timestamp, self._capture_us = rtp_timestamp, capture_us
        self.packets += packets
        self.payload_bytes += payload_bytes

    def report(self, now_us: int, reports: tuple[ReportBlock, ...] = ()) -> SenderReport:
        """A sender report for now, extrapolated from the last frame; meaningless before the first sent()."""
        ahead = (now_us - self._capture_us) * self._clock_rate_hz // 1_000_000
        rtp_timestamp = (self._rtp_timestamp + ahead) & 0xFFFFFFFF
        return SenderReport(
            self.ssrc, self._clock.ntp(now_us), rtp_timestamp, self.packets, self.payload_bytes, reports
        )

    def receive_report(self, block: ReportBlock, now_us: int) -> None:
        """Take the peer's word on our stream; blocks about other SSRCs are the caller's to sort out."""
        self.remote_loss = block.fraction_lost / 256
        self.remote_lost_packets = block.cumulative_lost
        self.remote_jitter = block.jitter
        if not block.last_sr:
            return
        elapsed = (ntp_time.middle(self._clock.ntp(now_us)) - block.last_sr - block.delay_since_last_sr) & 0xFFFFFFFF
        if elapsed >= 0x8000_0000:  # clocks in 1/65536 s: a trip of "minus a little" is a very short one
            elapsed = 0
        round_trip = ntp_time.short_to_us(elapsed)
        if round_trip > _MAX_ROUND_TRIP_US:
            return
        round_trip = self.latest_round_trip_us = max(1, round_trip)
        self.round_trip_us = (7 * self.round_trip_us + round_trip) // 8 if self.round_trip_us else round_trip
