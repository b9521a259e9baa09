"""What one leg's downlink may be given, from what its peer reports, and who is told."""

from __future__ import annotations

from mcu.media import Kind
from mcu.net.outbound import Outbound
from mcu.net.outlet import Outlet
from mcu.net.sender import StreamSender
from mcu.rtp.downlink import PROBE_US, Arrival, Downlink
from mcu.rtp.rtcp import ReportBlock
from mcu.worker.messages import LegBandwidth

_SOUND_BPS = 64_000
"""Left to sound, which comes first."""
_LEAST_PICTURE_BPS = 30_000
_MATERIAL = 0.08
"""A change of this share is told."""
_FLOWING_US = 3_000_000
_MAX_GAP = 1 << 15
"""More packets between two reports is a peer that counts anew."""


class Adaptation:
    """Collects the report blocks of a compound, asks the pure core, and tells control what changed materially."""

    def __init__(self, number: int, outbound: Outbound, outlet: Outlet, *, is_on: bool = True) -> None:
        self._number = number
        self._outbound = outbound
        self._outlet = outlet
        self._is_on = is_on
        self._downlink: Downlink | None = None
        self._counted: dict[Kind, tuple[int, int, int]] = {}
        """By stream: highest sequence number, packets lost in all, packets asked for again in all."""
        self._expected = self._lost = self._round_trip_us = 0
        self._has_blocks = False
        self._flowed: dict[Kind, tuple[int, int]] = {}
        """By stream: bytes sent when it was seen to grow last, and when that was."""
        self._told: dict[Kind, int] = {}

    def block_received(self, sender: StreamSender, block: ReportBlock) -> None:
        """The peer reports on one of our streams; others of the same compound may follow."""
        kind, asked = sender.spec.kind, sender.packets_asked
        before = self._counted.get(kind)
        self._counted[kind] = block.highest_sequence, block.cumulative_lost, asked
        if before is None or sender.statistics is None:
            return
        expected = (block.highest_sequence - before[0]) & 0xFFFFFFFF
        if expected > _MAX_GAP:
            return
        # Repeats under the numbers of the lost hide a loss from the peer's count, but not that it asked for them.
        lost = max(0, block.cumulative_lost - before[1], asked - before[2] if sender.stores_sent else 0)
        self._expected += expected
        self._lost += min(lost, expected)
        if block.last_sr:  # all streams go the same way: what delays one report alone is no queue on it
            latest_us = sender.statistics.latest_round_trip_us
            self._round_trip_us = min(self._round_trip_us or latest_us, latest_us)
        self._has_blocks = True

    def compound_received(self, now_us: int) -> None:
        """All blocks of a compound were read."""
        if not self._has_blocks or self._downlink is None:
            return
        arrival = Arrival(self._expected, self._lost, self._sent_bytes, self._round_trip_us)
        self._downlink.receive_arrival(arrival, now_us)
        self._expected = self._lost = self._round_trip_us = 0
        self._has_blocks = False
        if target_bps := self._downlink.wanted_probe(now_us):
            extra_bps = max(0, target_bps - self._downlink.sent_bps)
            can_fill = self._outbound.pictures[Kind.VIDEO].fill(extra_bps, PROBE_US, now_us)
            self._downlink.begin_probe(target_bps, now_us, can_fill=can_fill)
        self._tell(now_us)

    def estimated(self, bitrate_bps: int, now_us: int) -> None:
        """The peer says what it can receive in all (REMB)."""
        if self._downlink is not None:
            self._downlink.receive_estimate(bitrate_bps, now_us)
            self._tell(now_us)

    def attach(self, now_us: int) -> None:
        """A room takes the leg, and has to be told what is known."""
        if self._downlink is None and self._is_on:
            self._downlink = Downlink(now_us, self._sent_bytes)
        self._told.clear()
        self._tell(now_us)

    @property
    def _sent_bytes(self) -> int:
        return sum(sender.sent_bytes for sender in self._outbound.senders.values())

    def _tell(self, now_us: int) -> None:
        """The pictures share what sound leaves over; a stream on which nothing goes out needs no share."""
        if self._downlink is None:
            return
        flowing = [kind for kind in self._outbound.pictures if self._flows(kind, now_us)] or [Kind.VIDEO]
        left_bps = max(_LEAST_PICTURE_BPS, self._downlink.bitrate_bps - _SOUND_BPS)
        share_bps = left_bps // len(flowing) if self._downlink.is_limited else 0
        for kind in flowing:
            self._outbound.pictures[kind].limit_bps = share_bps
            before_bps = self._told.get(kind, 0)
            if bool(share_bps) != bool(before_bps) or abs(share_bps - before_bps) > _MATERIAL * before_bps:
                self._told[kind] = share_bps
                self._outlet.tell(LegBandwidth(self._number, kind, share_bps))

    def _flows(self, kind: Kind, now_us: int) -> bool:
        sender = self._outbound.senders.get(kind)
        if sender is None or sender.format is None:
            return False
        before, grown_us = self._flowed.get(kind, (0, 0))
        if sender.sent_bytes != before:
            self._flowed[kind] = sender.sent_bytes, now_us
            return True
        return now_us - grown_us < _FLOWING_US
