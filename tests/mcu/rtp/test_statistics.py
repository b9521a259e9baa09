"""Reports both ways: loss, jitter, round trip, one clock for all streams."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.rtp import ntp as ntp_time
from mcu.rtp.ntp import NtpClock
from mcu.rtp.reception import Reception
from mcu.rtp.rtcp import ReportBlock
from mcu.rtp.sender import SenderStatistics
from mcu.rtp.sequence import SequenceTracker


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 2 * 10**15))
def test_ntp_round_trip_within_a_microsecond(now_us, offset_us) -> None:
    ntp = NtpClock(offset_us).ntp(now_us)
    assert 0 <= ntp < 1 << 64
    expected = (now_us + offset_us + ntp_time.UNIX_EPOCH_S * 1_000_000) % (1_000_000 << 32)
    assert abs(ntp_time.to_us(ntp) - expected) <= 1


def fed(numbers, clock_rate=8000):
    tracker, reception = SequenceTracker(), Reception(7, clock_rate)
    for number in numbers:
        extended = tracker.receive(number & 0xFFFF)
        reception.receive(extended, number * 160, 160, number * 20_000)
    return reception


def test_loss_is_told_per_interval_and_in_total() -> None:
    reception = fed(n for n in range(65500, 65600) if n % 4)
    block = reception.report(0)
    assert block.cumulative_lost == 24
    assert block.fraction_lost == 24 * 256 // 99
    assert block.highest_sequence == 65599 + 65536
    assert reception.report(0).fraction_lost == 0
    for _ in range(10):
        reception.repaired()
    assert reception.lost_packets == 14


def test_repeats_make_the_cumulative_loss_negative_but_not_the_fraction() -> None:
    reception = fed([1, 2, 2, 2, 3])
    block = reception.report(0)
    assert (block.cumulative_lost, block.fraction_lost) == (-2, 0)
    assert reception.lost_packets == 0


def test_jitter_follows_a8() -> None:
    reception = Reception(7, 8000)
    for index in range(400):
        reception.receive(65536 + index, index * 160, 160, index * 20_000 + (10_000 if index % 2 else 0))
    assert reception.jitter_ms == pytest.approx(10, abs=0.7)


def test_steady_arrivals_have_no_jitter_even_across_the_wrap_of_timestamps() -> None:
    reception = Reception(7, 90_000)
    for index in range(100):
        timestamp = (0xFFFF_0000 + index * 3600) & 0xFFFFFFFF
        reception.receive(65536 + index, timestamp, 100, index * 40_000)
    assert reception.jitter_ms == 0


def test_round_trip_is_the_path_without_the_peers_delay() -> None:
    clock = NtpClock(1_700_000_000_000_000)
    sender, reception = SenderStatistics(7, 90_000, clock), Reception(7, 90_000)
    sender.sent(1000, 5_000_000, 3, 3000)
    report = sender.report(5_000_000)
    reception.sender_report(report.ntp, now_us=987_000_000)  # the peer's own clock
    block = reception.report(now_us=987_500_000)
    sender.receive_report(block, now_us=5_000_000 + 500_000 + 80_000)
    assert sender.round_trip_us == pytest.approx(80_000, abs=40)


def test_a_report_that_answers_from_the_future_or_the_far_past_is_harmless() -> None:
    clock = NtpClock(0)
    sender = SenderStatistics(7, 90_000, clock)
    now = ntp_time.middle(clock.ntp(60_000_000))
    sender.receive_report(ReportBlock(7, 64, 5, 0, 9, (now + 50) & 0xFFFFFFFF, 0), 60_000_000)
    assert (sender.round_trip_us, sender.remote_loss, sender.remote_lost_packets) == (1, 0.25, 5)
    sender.receive_report(ReportBlock(7, 0, 0, 0, 0, (now - 30 * 65536) & 0xFFFFFFFF, 0), 60_000_000)
    assert sender.round_trip_us == 1


def test_sender_reports_of_two_streams_agree() -> None:
    clock = NtpClock(1_700_000_000_000_000)
    audio, video = SenderStatistics(1, 8000, clock), SenderStatistics(2, 90_000, clock)
    audio.sent(500, 10_000_000, 1, 160)
    video.sent(0xFFFFFFF0, 10_020_000, 4, 4000)
    one, other = audio.report(10_100_000), video.report(10_100_000)
    assert one.ntp == other.ntp
    assert one.rtp_timestamp == 500 + 800
    assert other.rtp_timestamp == (0xFFFFFFF0 + 7200) & 0xFFFFFFFF
    assert (other.packets, other.octets) == (4, 4000)
