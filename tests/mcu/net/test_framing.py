"""Packets on streams (RFC 4571), what waits for slow readers, and which connections may stay."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.net.backlog import Backlog
from mcu.net.connections import Connections
from mcu.net.framing import MAX_PACKET_BYTES, BadFraming, Deframer, frame

S = 1_000_000
PACKETS = [b"\x00\x01check", b"\x80media" * 100, b"x"]


def test_frames_are_as_the_standard_draws_them() -> None:
    assert frame([b"abc", b"d"]) == b"\x00\x03abc\x00\x01d"


def test_a_stream_that_is_cut_anywhere_gives_the_same_packets() -> None:
    stream = frame(PACKETS)
    for cut in range(len(stream) + 1):
        deframer = Deframer()
        assert deframer.receive(stream[:cut]) + deframer.receive(stream[cut:]) == PACKETS
    deframer = Deframer()
    assert [packet for octet in stream for packet in deframer.receive(bytes((octet,)))] == PACKETS


@given(st.lists(st.binary(min_size=1, max_size=MAX_PACKET_BYTES), max_size=8), st.lists(st.integers(1, 3000)))
@settings(max_examples=100, deadline=None)
def test_round_trip_in_any_pieces(packets: list[bytes], sizes: list[int]) -> None:
    stream, deframer, found = frame(packets), Deframer(), []
    for size in sizes:
        found += deframer.receive(stream[:size])
        stream = stream[size:]
    assert found + deframer.receive(stream) == packets


@given(st.binary(max_size=5000))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_packets_or_bad_framing(data: bytes) -> None:
    try:
        found = Deframer().receive(data)
    except BadFraming:
        return
    assert all(0 < len(packet) <= MAX_PACKET_BYTES for packet in found)
    assert sum(map(len, found)) <= len(data)


def test_too_large_packets_end_the_stream_before_they_are_held() -> None:
    assert Deframer().receive(frame([b"x" * MAX_PACKET_BYTES])) == [b"x" * MAX_PACKET_BYTES]
    with pytest.raises(BadFraming):
        Deframer().receive(b"GET / HTTP/1.1\r\n")
    with pytest.raises(ValueError, match="too large"):
        frame([bytes(65_536)])
    assert Deframer().receive(b"\x00\x00\x00\x00\x00\x01a") == [b"a"]


def test_a_backlog_takes_whole_packets_within_its_bound() -> None:
    backlog = Backlog(100)
    backlog.put([b"a" * 48, b"b" * 48, b"c"])
    assert (len(backlog), backlog.dropped, backlog.is_slow) == (100, 1, True)
    backlog.sent(99)
    assert backlog.peek(50) == b"b"
    assert backlog.is_slow, "until all of it is gone"
    backlog.sent(1)
    assert (len(backlog), backlog.is_slow) == (0, False)


def test_a_backlog_is_slow_long_before_it_is_full() -> None:
    backlog = Backlog(400)
    backlog.put([b"a" * 98])
    assert not backlog.is_slow
    backlog.put([b"a"])
    assert (backlog.is_slow, backlog.dropped) == (True, 0)


def _connections(counters: Counter[str], **changes: int) -> Connections:
    bounds = {"max_connections": 4, "max_per_source": 2, "check_s": 10, "idle_s": 60} | changes
    return Connections(**bounds, counters=counters)


def _always(_: object) -> bool:
    return True


def test_connections_are_bounded_for_each_source_and_in_all() -> None:
    counters: Counter[str] = Counter()
    connections = _connections(counters)
    assert [connections.open(("a", port), 0) for port in (1, 2, 3)] == [(True, None), (True, None), (False, None)]
    assert [connections.open((host, 1), 0) for host in "bc"] == [(True, None), (True, None)]
    connections.heard(("a", 1), 1)
    assert connections.open(("d", 1), 2) == (True, ("a", 2)), "the oldest that has passed no check makes room"
    assert len(connections) == 4
    for remote in (("b", 1), ("c", 1), ("d", 1)):
        connections.heard(remote, 3)
    assert connections.open(("e", 1), 4) == (False, None)
    connections.close(("a", 1))
    connections.close(("a", 1))
    assert connections.open(("a", 4), 5) == (True, None)
    assert counters == {"tcp-source-full": 1, "tcp-full": 2}


def test_connections_without_a_check_without_a_byte_and_without_a_leg_go() -> None:
    connections = _connections(Counter())
    for port in (1, 2):
        connections.open(("a", port), 0)
        connections.open(("b", port), 0)
    for remote in (("a", 1), ("a", 2), ("b", 1)):
        connections.heard(remote, 2 * S)
    assert connections.overdue(10 * S, _always) == []
    assert connections.overdue(10 * S + 1, _always) == [("b", 2)]
    connections.close(("b", 2))
    connections.heard(("a", 1), 61 * S)
    assert connections.overdue(61 * S, lambda remote: remote != ("b", 1)) == [("b", 1)]
    connections.close(("b", 1))
    assert connections.overdue(62 * S + 1, _always) == [("a", 2)]
