"""Latch, pacer, port pool and lag meter, with facts instead of sockets and clocks."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from typing import cast

import pytest

from mcu.net.pacing import Pacer
from mcu.net.ports import NoPortsLeft, PortPool
from mcu.net.pump import Pump
from mcu.net.sockets import UdpSocket
from mcu.net.statistics import LagMeter


def test_pacer_spreads_a_keyframe_and_keeps_the_rate() -> None:
    pacer = Pacer(6_000_000, 5)
    waiting, sent_at, now_us = 75_000, [], 1_000_000
    bursts: Counter[int] = Counter()
    while waiting > 0:
        while waiting > 0 and pacer.budget_bytes(now_us) > 0:
            pacer.spend(1200)
            waiting -= 1200
            bursts[now_us] += 1200
            sent_at.append(now_us)
        now_us += 5000
    assert max(bursts.values()) <= 3750 + 1200
    assert 90_000 <= sent_at[-1] - sent_at[0] <= 110_000  # 75 kB at 6 Mbit/s


def test_pacer_saves_no_more_than_a_burst() -> None:
    pacer = Pacer(8_000_000, 5)
    pacer.budget_bytes(0)
    assert pacer.budget_bytes(60_000_000) == 5000
    pacer.set_rate(800_000)
    assert pacer.budget_bytes(60_000_000) == 500


class _Udp:
    def __init__(self, ports: set[int], port: int) -> None:
        if port in ports:
            raise OSError
        self.ports, self.port = ports, port
        ports.add(port)

    def close(self) -> None:
        self.ports.discard(self.port)


def test_ports_come_in_even_odd_pairs_until_none_is_left_and_come_back() -> None:
    used: set[int] = set()

    def bind(port: int) -> UdpSocket:
        return cast("UdpSocket", _Udp(used, port))

    pool = PortPool(5001, 5010, lambda count: count - 1)
    pairs = [pool.open_pair(bind) for _ in range(4)]
    assert sorted((rtp.port, rtcp.port) for rtp, rtcp in pairs) == [
        (5002, 5003), (5004, 5005), (5006, 5007), (5008, 5009),
    ]  # fmt: skip
    assert pairs[0][0].port == 5008
    with pytest.raises(NoPortsLeft):
        pool.open_pair(bind)
    for udp in pairs[2]:
        udp.close()
    assert pool.open_pair(bind)[0].port == pairs[2][0].port


def test_a_pair_with_a_foreign_odd_port_is_left_alone() -> None:
    used = {5003}
    pool = PortPool(5002, 5005, lambda _: 0)
    rtp, rtcp = pool.open_pair(lambda port: cast("UdpSocket", _Udp(used, port)))
    assert (rtp.port, rtcp.port) == (5004, 5005)
    assert used == {5003, 5004, 5005}


def test_an_empty_range_has_no_ports() -> None:
    with pytest.raises(NoPortsLeft):
        PortPool(5002, 5002, lambda _: 0).open_pair(lambda _: pytest.fail("no port to bind"))


def test_lag_meter_tells_the_99th_percentile_and_forgets() -> None:
    meter = LagMeter()
    for late in range(100):
        meter.add(late / 1000)
    assert meter.p99_ms() == 99.0
    assert meter.p99_ms() == 0.0


async def test_pump_gives_sockets_a_turn_between_many_legs_and_paces_those_with_more() -> None:
    """300 legs that take 0.1 ms each must not hold the loop for 30 ms."""
    sent: Counter[int] = Counter()
    loop = asyncio.get_running_loop()
    turns: list[int] = []

    def send(leg: int, now_us: int) -> None:
        sent[leg] += 1
        if leg == 7 and sent[leg] < 3:
            pump.fill(leg)
        until = time.perf_counter() + 0.0001
        while time.perf_counter() < until:
            pass

    def look() -> None:
        turns.append(sent.total())
        if sent.total() < 302:
            loop.call_soon(look)

    pump = Pump(send)
    for leg in range(300):
        pump.fill(leg)
    loop.call_soon(look)
    deadline = time.monotonic() + 5
    while sent.total() < 302 and time.monotonic() < deadline:
        await asyncio.sleep(0.001)
    pump.close()
    assert sent == Counter(dict.fromkeys(range(300), 1)) + Counter({7: 2})
    assert max(later - earlier for earlier, later in itertools.pairwise(turns)) <= 40
