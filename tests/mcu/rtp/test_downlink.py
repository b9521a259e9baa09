"""The estimate of a downlink, with the steps that follow from it, over simulated links and an own clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from mcu.rendition import LADDER, Rung
from mcu.rtp.downlink import LEAST_BPS, PROBE_US, UNKNOWN_BPS, Arrival, Downlink, RoundTrips
from mcu.rungs import Footing
from tests.link import Link, Path

MS, S = 1_000, 1_000_000
SOUND_BPS = 40_000
PACKET_BYTES = 1_250


@dataclass
class Room:
    """A leg that is sent the picture of its step, in packets every 5 ms, and reports every second."""

    path: Path
    report_s: int = 1
    now_us: int = 10 * S
    link: Link = field(init=False)
    steps: list[tuple[float, int]] = field(default_factory=list)
    delays_ms: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.link = Link(self.path)
        self.downlink = Downlink(self.now_us)
        self.footing = Footing()
        self.rung: Rung = LADDER[0]
        self.sent_bytes = self.sent = self.lost = 0
        self.credit = self.fill_credit = 0.0
        self.filling_bps = self.fill_until_us = 0
        self.reported = (0, 0)

    def run(self, seconds: float) -> None:
        end_us = self.now_us + round(seconds * S)
        while self.now_us < end_us:
            self.now_us += 5 * MS
            self._send()
            if self.now_us % (self.report_s * S) == 0:
                self._report()
            if self.now_us % (200 * MS) == 0:
                self._choose()

    def _send(self) -> None:
        self.credit += self.rung.bitrate_bps * 1.05 * 0.005 / 8
        while self.credit >= PACKET_BYTES:
            self.credit -= PACKET_BYTES
            self._send_packet(PACKET_BYTES)
        if self.now_us < self.fill_until_us:
            self.fill_credit += self.filling_bps * 0.005 / 8
            while self.fill_credit >= PACKET_BYTES:
                self.fill_credit -= PACKET_BYTES
                self.link.offer(PACKET_BYTES, self.now_us)
        if self.now_us % (20 * MS) == 0:
            self._send_packet(SOUND_BPS // 50 // 8)

    def _send_packet(self, size_bytes: int) -> None:
        self.sent += 1
        self.sent_bytes += size_bytes
        if self.link.offer(size_bytes, self.now_us) is None:
            self.lost += 1

    def _report(self) -> None:
        waits_ms = self.link.queued_ms(self.now_us)
        self.delays_ms.append(waits_ms)
        sent, lost = self.reported
        round_trip_us = round(1000 * (waits_ms + 2 * self.link.path.delay_ms)) + 1
        arrival = Arrival(self.sent - sent, self.lost - lost, self.sent_bytes, round_trip_us)
        self.reported = self.sent, self.lost
        self.downlink.receive_arrival(arrival, self.now_us)
        if target_bps := self.downlink.wanted_probe(self.now_us):
            self.downlink.begin_probe(target_bps, self.now_us)
            self.filling_bps = max(0, target_bps - self.downlink.sent_bps)
            self.fill_until_us = self.now_us + PROBE_US

    def _choose(self) -> None:
        limit = self.downlink.bitrate_bps - SOUND_BPS if self.downlink.is_limited else 0
        rung = self.footing.ladder(LADDER, limit, self.now_us / S)[0]
        if rung is not self.rung:
            self.rung = rung
            self.steps.append((self.now_us / S - 10, rung.height))

    def share_at(self, height: int, since_s: float, until_s: float) -> float:
        """Of the time between, how much was spent on a step."""
        edges = [(0.0, LADDER[0].height), *self.steps, (until_s, 0)]
        on = (
            min(end, until_s) - max(start, since_s)
            for (start, rung), (end, _) in pairwise(edges)
            if rung == height and end > since_s and start < until_s
        )
        return sum(on) / (until_s - since_s)


QUEUE = {"queue_bytes": 40_000}


@pytest.mark.parametrize(
    ("path", "height", "within_s"),
    [
        (Path(), 720, 0),
        (Path(loss=0.05, delay_ms=25), 720, 0),
        (Path(loss=0.02, burst=5, delay_ms=300), 720, 0),
        (Path(rate_bps=2_000_000, delay_ms=20, **QUEUE), 720, 0),
        (Path(rate_bps=1_000_000, delay_ms=20, **QUEUE), 360, 6),
        (Path(rate_bps=1_000_000, loss=0.02, burst=4, delay_ms=300, queue_bytes=60_000), 360, 8),
        (Path(rate_bps=1_000_000, delay_ms=20, queue_bytes=4_000), 360, 6),
        (Path(rate_bps=1_000_000, delay_ms=20, queue_bytes=400_000), 360, 10),
        (Path(rate_bps=400_000, delay_ms=20, **QUEUE), 180, 8),
        (Path(rate_bps=128_000, delay_ms=50, **QUEUE), 96, 16),
    ],
)
def test_a_leg_gets_to_the_size_that_fits_and_stays_there(path: Path, height: int, within_s: float) -> None:
    room = Room(path)
    room.run(600)
    assert room.share_at(height, within_s, within_s + 6) > 0.99, room.steps
    assert room.share_at(height, within_s, 600) > 0.95, room.steps
    # Larger sizes are tried again, less and less often: three switches at most for a try.
    assert len(room.steps) <= 16, room.steps


def test_a_path_that_recovers_is_used_again_and_within_a_minute() -> None:
    room = Room(Path(rate_bps=500_000, delay_ms=20, **QUEUE))
    room.run(10)
    assert room.rung.height == 180
    room.link.path = Path(delay_ms=20)
    room.run(60)
    assert room.rung.height == 720
    room.run(300)
    assert not room.downlink.is_limited


def test_a_second_trouble_soon_after_is_remembered_twice_as_long_and_forgiven_in_time() -> None:
    downlink = Downlink(0)
    held: list[int] = []
    now_us = sent = 0
    for episode in range(4):
        now_us += S if episode < 3 else 3_600 * S
        for lost in (200, 200):
            now_us, sent = now_us + S, sent + 1_000_000 // 8
            downlink.receive_arrival(Arrival(400, lost, sent), now_us)
        low, began_us = downlink.bitrate_bps, now_us
        while downlink.bitrate_bps <= low:
            now_us, sent = now_us + S, sent + 1_000_000 // 8
            downlink.receive_arrival(Arrival(100, 0, sent), now_us)
        held.append((now_us - began_us) // S)
    assert held[0] < held[1] < held[2]
    assert held[3] == held[0]


def test_reports_every_five_seconds_do_too() -> None:
    room = Room(Path(rate_bps=1_000_000, delay_ms=20, **QUEUE), report_s=5)
    room.run(300)
    assert room.share_at(360, 15, 300) > 0.9, room.steps


@pytest.mark.parametrize(
    ("remb_bps", "bitrate_bps"), [(0, UNKNOWN_BPS), (900_000, UNKNOWN_BPS), (500_000, 500_000), (10, LEAST_BPS)]
)
def test_the_peers_own_estimate_counts_where_it_is_less_than_what_is_sent(remb_bps: int, bitrate_bps: int) -> None:
    downlink = Downlink(0)
    downlink.receive_arrival(Arrival(400, 0, 0), 0)
    downlink.receive_estimate(10, 0)
    assert downlink.bitrate_bps == UNKNOWN_BPS, "nothing else speaks of a narrow path"
    downlink.receive_arrival(Arrival(200, 50, 300_000), 3 * S)
    assert downlink.sent_bps == 800_000
    assert downlink.bitrate_bps == UNKNOWN_BPS
    downlink.receive_estimate(remb_bps, 3 * S)
    assert downlink.bitrate_bps == bitrate_bps


def test_few_packets_say_nothing_and_nonsense_does_no_harm() -> None:
    downlink = Downlink(0)
    for arrival in (Arrival(10, 10, 1_000), Arrival(-5, 3, 500), Arrival(0, 0, 0, -1), Arrival(5, -70, 2_000)):
        downlink.receive_arrival(arrival, S)
    assert downlink.bitrate_bps == UNKNOWN_BPS
    downlink.receive_arrival(Arrival(100, 100, 3_000), 2 * S)
    assert downlink.bitrate_bps == LEAST_BPS


def test_the_shortest_round_trip_is_forgotten_when_the_route_has_become_longer() -> None:
    trips = RoundTrips()
    for second in range(200):
        trips.add(20 * MS if second < 30 else 400 * MS, second * S)
    assert trips.base_us == 400 * MS
    assert not trips.has_queue()


class TestFooting:
    def test_up_every_six_seconds_at_the_most_and_down_a_second_later_whatever_the_estimate_does(self) -> None:
        footing = Footing()
        heights: list[tuple[float, int]] = []
        for tick in range(600):
            height = footing.ladder(LADDER, (250_000, 5_000_000)[tick % 2], tick / 10)[0].height
            if not heights or heights[-1][1] != height:
                heights.append((tick / 10, height))
        gaps = [second - first for (first, _), (second, _) in pairwise(heights)]
        assert min(gaps[1:]) >= 1.0
        assert len(heights) <= 2 + 60 // 7 * 2

    @pytest.mark.parametrize(
        ("bitrate_bps", "height"), [(0, 720), (1_600_000, 720), (1_500_000, 360), (640_000, 360), (1, 96)]
    )
    def test_what_fits(self, bitrate_bps: int, height: int) -> None:
        assert Footing().ladder(LADDER, bitrate_bps, 0.0)[0].height == height

    def test_a_ladder_that_was_cut_keeps_the_step_where_it_has_it(self) -> None:
        footing = Footing()
        assert footing.ladder(LADDER, 250_000, 0.0)[0].height == 180
        assert footing.ladder(LADDER[1:], 250_000, 0.1)[0].height == 180
        assert footing.ladder(LADDER[3:], 250_000, 0.2)[0].height == 96


@pytest.mark.parametrize(("sent_bps", "is_limited"), [(160_000, False), (800_000, True)])
def test_who_is_sent_little_and_answers_late_is_busy(sent_bps: int, is_limited: bool) -> None:
    downlink = Downlink(0)
    for second in range(1, 20):
        late_us = 20 * MS if second < 10 else 400 * MS
        downlink.receive_arrival(Arrival(50, 0, sent_bps // 8 * second, late_us), second * S)
    assert downlink.is_limited is is_limited
