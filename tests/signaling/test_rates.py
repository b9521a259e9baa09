"""Token buckets by source, on a virtual clock."""

from __future__ import annotations

from signaling.rates import BUSY_PER_S, RETURNS_AFTER_S, SourceRates, Verdict


def passed(rates: SourceRates, address: str, count: int, now: float) -> int:
    return sum(rates.judge(address, now) is Verdict.PASS for _ in range(count))


def test_a_source_has_its_burst_and_then_its_rate():
    rates = SourceRates(10, 20, 1000)
    assert passed(rates, "192.0.2.1", 50, 100.0) == 20
    assert passed(rates, "192.0.2.1", 50, 101.0) == 10
    # Somebody else feels nothing of it.
    assert passed(rates, "192.0.2.2", 5, 101.0) == 5


def test_an_ipv6_network_is_one_source():
    rates = SourceRates(10, 20, 1000)
    assert sum(passed(rates, f"2001:db8:1:2::{n:x}", 1, 100.0) for n in range(50)) == 20
    assert passed(rates, "2001:db8:1:3::1", 1, 100.0) == 1


def test_invented_sources_do_not_take_the_place_of_who_comes_back():
    rates = SourceRates(10, 20, 100)
    now = 100.0
    assert passed(rates, "192.0.2.9", 1, now) == 1
    strangers = [f"10.{n >> 8}.{n & 255}.1" for n in range(2000)]
    assert sum(passed(rates, address, 1, now + 0.01) for address in strangers) <= 101
    # A caller whose first INVITE was dropped repeats it, and is heard.
    assert passed(rates, "192.0.2.8", 1, now + 0.01) == 0
    assert passed(rates, "192.0.2.8", 1, now + 0.01 + RETURNS_AFTER_S) == 1


def test_who_was_vouched_for_passes_while_strangers_flood():
    rates = SourceRates(10, 20, 100)
    rates.vouch("192.0.2.9", 100.0)
    for n in range(2000):
        rates.judge(f"10.{n >> 8}.{n & 255}.1", 100.0)
    assert passed(rates, "192.0.2.9", 5, 100.0) == 5
    assert rates.counters["rate-strangers"] > 1800


def test_refusals_in_words_are_few():
    rates = SourceRates(10, 20, 100)
    verdicts = [rates.judge("192.0.2.1", 100.0) for _ in range(1000)]
    assert verdicts.count(Verdict.BUSY) == BUSY_PER_S
    assert verdicts.count(Verdict.DROP) == 1000 - 20 - BUSY_PER_S


def test_streams_are_told_how_long_to_wait():
    rates = SourceRates(10, 20, 100)
    assert [rates.wait_s("192.0.2.1", 100.0) for _ in range(20)] == [0.0] * 20
    assert abs(rates.wait_s("192.0.2.1", 100.0) - 0.1) < 1e-9
    assert rates.wait_s("192.0.2.1", 100.11) == 0.0


def test_memory_is_bounded_and_those_vouched_for_stay_longest():
    rates = SourceRates(10, 20, 100, max_sources=100)
    rates.vouch("192.0.2.9", 100.0)
    for n in range(5000):
        rates.judge(f"10.{n >> 8}.{n & 255}.1", 100.0)
    assert len(rates) == 100
    assert passed(rates, "192.0.2.9", 1, 100.0) == 1


def test_loopback_and_named_networks_have_no_limit():
    rates = SourceRates(1, 1, 1, unlimited=["10.5.0.0/16", "2001:db8::/32"])
    for address in ("127.0.0.1", "10.5.7.7", "2001:db8::7", "::1"):
        assert passed(rates, address, 100, 100.0) == 100
