"""TMMBR and TMMBN: the bytes of RFC 5104 4.2, and when a request is made."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.rtp.rate_limits import RateLimit, RateLimitNotice, RateLimitRequest, RateRequester
from mcu.rtp.rtcp import parse_compound

REQUEST = RateLimitRequest(0x11223344, (RateLimit(0xCAFEBABE, 256_000, 40),))


def test_a_request_as_rfc_5104_draws_it():
    # exponent 1, mantissa 128000, overhead 40
    word = 1 << 26 | 128_000 << 9 | 40
    assert REQUEST.serialize() == bytes.fromhex("83cd00041122334400000000cafebabe") + word.to_bytes(4, "big")


@pytest.mark.parametrize("packet", [REQUEST, RateLimitNotice(7, ()), RateLimitNotice(7, REQUEST.limits * 3)])
def test_round_trip_and_cut_off_anywhere(packet: RateLimitRequest | RateLimitNotice):
    data = packet.serialize()
    assert parse_compound(data) == ([packet], 0)
    for size in range(1, len(data)):
        assert parse_compound(data[:size]) == ([], 1)
    assert parse_compound(data + b"") == ([packet], 0)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 511))
def test_any_rate_is_rounded_down_a_little(bitrate_bps: int, overhead: int):
    (packet,), _ = parse_compound(RateLimitRequest(1, (RateLimit(2, bitrate_bps, overhead),)).serialize())
    (limit,) = packet.limits  # type: ignore[union-attr]
    assert bitrate_bps * 0.9999 - 1 <= limit.bitrate_bps <= bitrate_bps
    assert limit.overhead_bytes == overhead
    assert 0 < limit.payload_bps <= max(1, limit.bitrate_bps)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60))
def test_any_body_is_read_or_counted(body: bytes):
    body += bytes(-len(body) % 4)
    for form in (3, 4):
        head = bytes((0x80 | form, 205)) + (len(body) // 4).to_bytes(2, "big")
        packets, malformed = parse_compound(head + body)
        assert len(packets) + malformed == 1


def test_asked_when_it_changes_again_until_confirmed_and_not_for_ever():
    rate = RateRequester()
    assert not rate.due(0)
    rate.want(500_000, 0)
    assert [rate.due(second * 1_000_000) for second in range(8)] == [True] * 5 + [False] * 3
    rate.want(500_000, 9_000_000)
    assert not rate.due(9_000_000)
    rate.want(200_000, 9_000_000)
    assert rate.due(9_000_000)
    rate.confirmed()
    assert not rate.due(20_000_000)
    rate.restart(20_000_000)
    assert rate.due(20_000_000)
