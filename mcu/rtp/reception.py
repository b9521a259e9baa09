"""What arrived of one source: receiver statistics and report blocks (RFC 3550 sections 6.4.1, A.3, A.8)."""

from __future__ import annotations

from mcu.rtp import ntp as ntp_time
from mcu.rtp.rtcp import ReportBlock

_MAX_STEP_S = 10
"""A change of transit over it is a jump of the sender's clock, not jitter."""


class Reception:
    """Counts of one SSRC. `extended_sequence` comes from SequenceTracker.receive()."""

    __slots__ = (
        "_base", "_clock_rate_hz", "_expected_prior", "_highest", "_jitter_16", "_last_sr", "_received_prior",
        "_sr_arrival_us", "_transit", "received_bytes", "received_packets", "repaired_packets", "ssrc",
    )  # fmt: skip

    def __init__(self, ssrc: int, clock_rate_hz: int) -> None:
        self.ssrc = ssrc
        self.received_packets = 0
        self.received_bytes = 0
        self.repaired_packets = 0
        """Packets that came by RTX; they do not count as received in reports (RFC 4588 section 5)."""
        self._clock_rate_hz = clock_rate_hz
        self._base = self._highest = -1
        self._expected_prior = self._received_prior = 0
        self._jitter_16 = 0
        self._transit: int | None = None
        self._last_sr = self._sr_arrival_us = 0

    def receive(self, extended_sequence: int, rtp_timestamp: int, size_bytes: int, now_us: int) -> None:
        """Count a packet that arrived on the source's own SSRC; those behind, as repeats are, tell no jitter."""
        self.receive_event(extended_sequence, size_bytes)
        if extended_sequence == self._highest:
            self._measure(rtp_timestamp, now_us)

    def receive_event(self, extended_sequence: int, size_bytes: int) -> None:
        """Count a packet of a telephone event, whose timestamps stand still: they tell no jitter (RFC 4733 2.2.1)."""
        if self._base < 0:
            self._base = self._highest = extended_sequence
        elif extended_sequence > self._highest:
            self._highest = extended_sequence
        self.received_packets += 1
        self.received_bytes += size_bytes

    def _measure(self, rtp_timestamp: int, now_us: int) -> None:
        # A.8, with the jitter scaled by 16 so that integers do.
        transit = (now_us * self._clock_rate_hz // 1_000_000 - rtp_timestamp) & 0xFFFFFFFF
        if self._transit is not None:
            step = abs(((transit - self._transit + 0x8000_0000) & 0xFFFFFFFF) - 0x8000_0000)
            if step < _MAX_STEP_S * self._clock_rate_hz:
                self._jitter_16 += step - ((self._jitter_16 + 8) >> 4)
        self._transit = transit

    def repaired(self) -> None:
        """Count a packet that came late by RTX; it is no longer lost in `lost_packets`."""
        self.repaired_packets += 1

    def repeated(self) -> None:
        """The packet received last came again, under its own number: repaired, and lost on the path all the same.

        A sender that hears of no loss sends no FEC, for packets of which no repeat comes.
        """
        self.received_packets -= 1
        self.repaired_packets += 1

    def restart(self) -> None:
        """The sender started anew: numbers begin again, cumulative counts and jitter too."""
        self._base = self._highest = -1
        self.received_packets = self.repaired_packets = 0
        self._expected_prior = self._received_prior = 0
        self._jitter_16, self._transit = 0, None

    def sender_report(self, ntp: int, now_us: int) -> None:
        """Remember a sender report for LSR and DLSR."""
        self._last_sr, self._sr_arrival_us = ntp_time.middle(ntp), now_us

    def report(self, now_us: int) -> ReportBlock:
        """A block for the next RR or SR; starts a new interval for the fraction lost (A.3)."""
        expected = self.expected_packets
        lost = expected - self.received_packets
        interval_expected = expected - self._expected_prior
        interval_lost = interval_expected - (self.received_packets - self._received_prior)
        self._expected_prior, self._received_prior = expected, self.received_packets
        fraction = 0
        if interval_expected > 0 and interval_lost > 0:
            fraction = min(255, (interval_lost << 8) // interval_expected)
        delay = ntp_time.us_to_short(max(0, now_us - self._sr_arrival_us)) if self._last_sr else 0
        highest = max(0, self._highest) & 0xFFFFFFFF
        return ReportBlock(self.ssrc, fraction, lost, highest, self._jitter_16 >> 4, self._last_sr, delay)

    @property
    def expected_packets(self) -> int:
        """Packets that the sender has sent, as far as its numbers tell."""
        return self._highest - self._base + 1 if self._base >= 0 else 0

    @property
    def lost_packets(self) -> int:
        """Cumulative loss after repair, never negative."""
        return max(0, self.expected_packets - self.received_packets - self.repaired_packets)

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter (A.8)."""
        return (self._jitter_16 / 16) * 1000 / self._clock_rate_hz
