"""What reports make of a leg's downlink: told to control once, shared between pictures, told anew after a move."""

from __future__ import annotations

import random
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from config.media import NetSettings
from mcu.media import Kind, StreamSpec
from mcu.net.adaptation import Adaptation
from mcu.net.outbound import Outbound
from mcu.net.sender import Numbers, StreamSender
from mcu.rtp import ntp as ntp_time
from mcu.rtp.ntp import NtpClock
from mcu.rtp.rtcp import ReportBlock
from mcu.worker.messages import LegBandwidth, Message
from tests.mcu.net.harness import H264

S = 1_000_000


class Peer:
    """Reports once a second on what a leg with a picture, and perhaps a screen, is sent."""

    def __init__(self, *kinds: Kind, is_on: bool = True, **spec: Any) -> None:
        self.told: list[Message] = []
        outlet: Any = SimpleNamespace(tell=self.told.append)
        numbers = {kind: Numbers(kind_number, 99, 1, 1, 1) for kind_number, kind in enumerate(Kind)}
        self.clock = NtpClock(0)
        self.outbound = Outbound(7, {}, numbers, NetSettings(), self.clock, outlet, Counter())
        for kind in kinds:
            self.outbound.configure(StreamSpec("1", kind, send=H264, **spec))
        self.adaptation = Adaptation(7, self.outbound, outlet, is_on=is_on)
        self.now_us = S
        self.adaptation.attach(self.now_us)
        self.highest: Counter[Kind] = Counter()
        self.lost: Counter[Kind] = Counter()

    def sender(self, kind: Kind) -> StreamSender:
        return self.outbound.senders[kind]

    def second(
        self, *, loss: float = 0.0, lost: int | None = None, packets: int = 150, packet_bytes: int = 1200,
        kinds: tuple[Kind, ...] = (Kind.VIDEO,), round_trip_us: int = 0,
    ) -> None:  # fmt: skip
        self.now_us += S
        for kind in kinds:
            self.highest[kind] += packets
            self.lost[kind] += round(packets * loss) if lost is None else lost
            sender = self.sender(kind)
            sender.sent_bytes += packets * packet_bytes
            asked_us = self.clock.ntp(self.now_us - round_trip_us)
            last_sr = ntp_time.middle(asked_us) if round_trip_us else 0
            block = ReportBlock(0, 0, self.lost[kind], self.highest[kind], 0, last_sr, 0)
            assert sender.statistics is not None
            sender.statistics.receive_report(block, self.now_us)
            self.adaptation.block_received(sender, block)
        self.adaptation.compound_received(self.now_us)

    @property
    def bandwidths(self) -> list[tuple[Kind, int]]:
        return [(each.kind, each.bitrate_bps) for each in self.told if isinstance(each, LegBandwidth)]


def test_nothing_is_told_while_all_is_well() -> None:
    peer = Peer(Kind.VIDEO)
    for _ in range(60):
        peer.second(loss=0.01)
    assert not peer.told


def test_heavy_loss_is_told_once_then_growth_in_steps_and_at_last_that_nothing_limits() -> None:
    peer = Peer(Kind.VIDEO)
    for _ in range(3):
        peer.second(loss=0.4)
    ((kind, bitrate_bps),) = peer.bandwidths
    assert kind is Kind.VIDEO
    assert 500_000 < bitrate_bps < 150 * 1200 * 8 * 0.6
    assert peer.outbound.pictures[Kind.VIDEO].limit_bps == bitrate_bps
    for _ in range(120):
        peer.second()
    told = [rate for _, rate in peer.bandwidths]
    assert told[-1] == 0
    assert told[:-1] == sorted(told[:-1])
    assert len(told) < 40


def test_two_pictures_share_it_and_one_that_does_not_flow_has_no_share() -> None:
    peer = Peer(Kind.VIDEO, Kind.CONTENT)
    for _ in range(3):
        peer.second(loss=0.4)
    alone = peer.bandwidths[-1]
    assert alone[0] is Kind.VIDEO
    for _ in range(2):
        peer.second(kinds=(Kind.VIDEO, Kind.CONTENT))
    shared = dict(peer.bandwidths)
    assert shared[Kind.VIDEO] == shared[Kind.CONTENT] == alone[1] // 2


def test_a_room_that_takes_the_leg_is_told_what_is_known() -> None:
    peer = Peer(Kind.VIDEO)
    for _ in range(3):
        peer.second(loss=0.4)
    before = peer.bandwidths
    peer.adaptation.attach(peer.now_us)
    assert peer.bandwidths == [*before, before[-1]]


def test_repeats_do_not_hide_loss_from_us_where_they_hide_it_from_the_peers_count() -> None:
    for has_nack, is_told in ((False, False), (True, True)):
        peer = Peer(Kind.VIDEO, has_nack=has_nack)
        sender = peer.sender(Kind.VIDEO)
        for second in range(3):
            sender.repeat_protected(range(second * 150, second * 150 + 60), peer.now_us)
            peer.second(loss=0.0)
        assert bool(peer.told) is is_told


def test_a_peer_that_counts_anew_or_lies_is_no_trouble() -> None:
    peer = Peer(Kind.VIDEO)
    peer.second()
    for highest, lost in ((3, 0), (1 << 31, -5), (0, 1 << 22), (10, -(1 << 23)), (60, 8_000_000)):
        peer.adaptation.block_received(peer.sender(Kind.VIDEO), ReportBlock(0, 0, lost, highest, 0))
        peer.now_us += S
        peer.adaptation.compound_received(peer.now_us)
    assert all(rate >= 30_000 for _, rate in peer.bandwidths)


def test_the_peers_word_alone_counts_for_nothing() -> None:
    peer = Peer(Kind.VIDEO)
    for _ in range(3):
        peer.second(loss=0.05)
    peer.adaptation.estimated(100_000, peer.now_us)
    assert not peer.told


def test_switched_off_it_believes_nobody() -> None:
    peer = Peer(Kind.VIDEO, is_on=False)
    for _ in range(10):
        peer.second(loss=0.9)
    peer.adaptation.estimated(10, peer.now_us)
    assert not peer.told


def busy_second(peer: Peer, chance: random.Random, round_trip_us: int) -> None:
    """5 % of random loss, pictures that change little, and now and then a REMB that follows them down."""
    packets = chance.randrange(60, 90)
    lost = sum(chance.random() < 0.05 for _ in range(packets))
    peer.second(lost=lost, packets=packets, packet_bytes=500, round_trip_us=round_trip_us)
    if chance.random() < 0.3:
        peer.adaptation.estimated(150_000, peer.now_us)


@pytest.mark.parametrize("seed", range(20))
def test_random_loss_and_reports_that_come_late_now_and_then_are_no_narrow_path(seed: int) -> None:
    chance, peer = random.Random(seed), Peer(Kind.VIDEO, has_nack=True)
    for _ in range(60):
        late_ms = chance.uniform(100, 900) if chance.random() < 0.25 else chance.uniform(0, 40)
        busy_second(peer, chance, round((50 + late_ms) * 1000))
    assert not peer.told


@pytest.mark.parametrize("stalled_s", [2, 3, 8])
def test_reports_that_come_all_at_once_after_a_stall_are_no_narrow_path(stalled_s: int) -> None:
    chance, peer = random.Random(stalled_s), Peer(Kind.VIDEO, has_nack=True)
    for _ in range(10):
        for _ in range(4):
            busy_second(peer, chance, 60_000)
        peer.now_us += (stalled_s - 1) * S
        for waited_s in range(stalled_s, 0, -1):
            busy_second(peer, chance, waited_s * S + 60_000)
            peer.now_us -= S - 1_000
        peer.now_us += S
    assert not peer.told


def test_a_queue_that_stands_beside_random_loss_is_told() -> None:
    chance, peer = random.Random(1), Peer(Kind.VIDEO, has_nack=True)
    for second in range(12):
        busy_second(peer, chance, 60_000 if second < 5 else 300_000 + chance.randrange(40_000))
    assert peer.bandwidths
