"""Capture times from sender reports, and sound and picture that meet."""

import random
from itertools import pairwise

import pytest

from mcu.rtp.capture import BUCKET_US, MAX_HOLD_US, PICTURE_LAG_US, LegClock, LipSync, SourceClock
from mcu.rtp.ntp import NtpClock

PEER = NtpClock(900_000_000_000_000)  # the peer's wall clock, far from ours
BASE = 50_000_000


class Peer:
    """A peer that stamps from its own clock, which runs `ppm` fast; ours and its path's delay are apart."""

    def __init__(self, ppm=0):
        self.ppm = ppm
        self.leg = LegClock()
        self.sources = {"audio": SourceClock(self.leg, 8000), "video": SourceClock(self.leg, 90_000)}
        self.rate = {"audio": 8000, "video": 90_000}

    def own_us(self, now_us):
        return now_us * (1_000_000 + self.ppm) // 1_000_000

    def stamp(self, kind, now_us):
        return (0xFFFF_0000 + self.own_us(now_us) * self.rate[kind] // 1_000_000) & 0xFFFFFFFF

    def send(self, kind, now_us, transit_us):
        return self.sources[kind].capture_us(self.stamp(kind, now_us), now_us + transit_us)

    def report(self, kind, now_us):
        return self.sources[kind].sender_report(PEER.ntp(self.own_us(now_us)), self.stamp(kind, now_us))


def test_before_reports_arrival_counts_without_its_jitter() -> None:
    peer, rng = Peer(), random.Random(1)
    captures = [peer.send("audio", BASE + n * 20_000, 30_000 + rng.randrange(20_000)) for n in range(200)]
    steps = {b - a for a, b in pairwise(captures[100:])}
    assert all(abs(step - 20_000) <= 200 for step in steps)
    assert abs(captures[-1] - (BASE + 199 * 20_000 + 30_000)) < 500


def test_audio_and_video_of_one_moment_get_one_capture_time() -> None:
    peer, rng = Peer(), random.Random(2)
    difference = []
    for n in range(500):
        now = BASE + n * 20_000
        audio = peer.send("audio", now, 20_000 + rng.randrange(10_000))
        video = peer.send("video", now, 110_000 + rng.randrange(40_000))  # encoding and many packets take longer
        if n % 100 == 5:
            assert peer.report("audio", now)
            assert peer.report("video", now)
        if n > 10:
            difference.append(abs(audio - video))
            assert video <= now + 110_000 + 40_000
    assert max(difference) < 1_500


@pytest.mark.parametrize("ppm", [-100, 100])
def test_drift_is_followed(ppm) -> None:
    peer = Peer(ppm)
    for n in range(0, 600 * 50, 10):
        now = BASE + n * 20_000
        capture = peer.send("audio", now, 20_000)
        if n % 250 == 0:
            peer.report("audio", now)
        assert capture <= now + 20_000
    assert abs(capture - (now + 20_000)) < 6_000  # 30 s of window at 100 ppm are 3 ms


def test_a_peer_that_sets_its_clock_is_followed_within_seconds() -> None:
    peer = Peer()
    for n in range(100):
        peer.send("audio", BASE + n * 20_000, 20_000)
        if n % 20 == 5:
            peer.report("audio", BASE + n * 20_000)
    source = peer.sources["audio"]
    for n in range(100, 300):
        now = BASE + n * 20_000
        stamp = peer.stamp("audio", now)
        capture = source.capture_us(stamp, now + 20_000)
        if n % 20 == 5:  # the clock went back by an hour
            source.sender_report(PEER.ntp(now - 3_600_000_000), stamp)
    assert abs(capture - (now + 20_000)) < 2_000


def test_reports_without_a_clock_or_about_other_times_are_not_believed() -> None:
    peer = Peer()
    source = peer.sources["audio"]
    assert not source.sender_report(PEER.ntp(0), 0)
    peer.send("audio", BASE, 0)
    assert not source.sender_report(0, peer.stamp("audio", BASE))
    assert not source.sender_report(PEER.ntp(BASE), peer.stamp("audio", BASE + 9_000_000))
    assert source.sender_report(PEER.ntp(BASE), peer.stamp("audio", BASE + 1_000_000))


def test_streams_with_different_wall_clocks_do_not_pull_each_other() -> None:
    peer = Peer()
    for n in range(200):
        now = BASE + n * 20_000
        audio = peer.send("audio", now, 20_000)
        video = peer.send("video", now, 30_000)
        if n % 20 == 5:
            peer.report("audio", now)
            stamp = peer.stamp("video", now)
            peer.sources["video"].sender_report(PEER.ntp(now + 7_200_000_000), stamp)
    assert abs(audio - now - 20_000) < 1_000
    assert abs(video - now - 30_000) < 1_000


def test_a_restarted_source_starts_anew() -> None:
    peer = Peer()
    for n in range(50):
        peer.send("video", BASE + n * 40_000, 10_000)
        peer.report("video", BASE + n * 40_000)
    peer.sources["video"].reset()
    assert peer.leg._transits == []
    assert peer.sources["video"].capture_us(12345, BASE + BUCKET_US) == BASE + BUCKET_US


def test_video_waits_for_its_sound_but_not_longer_than_the_bound() -> None:
    sync = LipSync()
    assert sync.video_arrived(1_000_000, 1_020_000) == 0
    sync.playout(120_000)
    assert sync.video_arrived(1_040_000, 1_060_000) == 1_160_000 - PICTURE_LAG_US
    sync.playout(2_000_000)
    assert sync.video_arrived(1_080_000, 1_100_000) == 1_100_000 + MAX_HOLD_US


def test_sound_waits_for_video_that_is_always_later() -> None:
    sync = LipSync()
    assert sync.audio_due_us(5) == 0
    for n in range(100):
        sync.video_arrived(n * 40_000, n * 40_000 + 150_000)
    assert abs(sync.audio_due_us(4_000_000) - 4_150_000 - PICTURE_LAG_US) < 5_000
    for n in range(100, 200):
        sync.video_arrived(n * 40_000, n * 40_000 + 5_000_000)
    assert sync.audio_due_us(4_000_000) == 4_000_000 + MAX_HOLD_US
    for n in range(200, 900):
        sync.video_arrived(n * 40_000, n * 40_000 + 5_000)
    assert sync.audio_due_us(0) == 0
