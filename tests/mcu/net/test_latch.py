"""Whom a port listens to: a table of packets with their sources, times and what comes of them."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.net.latch import Latch, Rank

SDP, OTHER_PORT = ("10.0.0.1", 4000), ("10.0.0.1", 4444)
NAT, NAT_AGAIN = ("192.0.2.1", 5000), ("192.0.2.1", 5001)
STRANGER, OTHER = ("198.51.100.9", 6000), ("198.51.100.10", 6000)
PROXY = "203.0.113.5"


class Packet(NamedTuple):
    """What comes, and whether it may pass."""

    at_s: float
    source: tuple[str, int]
    passes: bool
    is_authentic: bool = False
    ssrc: int = 7


def alone(source: tuple[str, int], until_s: float, ssrc: int = 7) -> list[Packet]:
    """A stranger who sends ten times a second, before its time."""
    return [Packet(tenths / 10, source, passes=False, ssrc=ssrc) for tenths in range(int(until_s * 10))]


TABLE = {
    "nobody comes": ("10.0.0.1", [], SDP),
    "from where SDP says": ("10.0.0.1", [Packet(0, SDP, True), Packet(1, STRANGER, False)], SDP),
    "another port of that host": ("10.0.0.1", [Packet(0, OTHER_PORT, True), Packet(1, OTHER_PORT, True)], OTHER_PORT),
    "through the NAT": (NAT[0], [Packet(0, NAT, True), Packet(1, NAT_AGAIN, False), Packet(2, NAT, True)], NAT),
    "SDP's own address is better than its NAT": (
        NAT[0], [Packet(0, NAT, True), Packet(0.1, SDP, True), Packet(0.2, NAT, False)], SDP,
    ),
    "a stranger first": ("10.0.0.1", [Packet(0, STRANGER, False), Packet(0.1, SDP, True)], SDP),
    "a stranger alone, though nothing is between": ("10.0.0.1", alone(STRANGER, 60), SDP),
    "a stranger alone, behind a proxy": (PROXY, [*alone(STRANGER, 2), Packet(2, STRANGER, True)], STRANGER),
    "two strangers hold each other up": (
        PROXY, [Packet(at / 10, (STRANGER, OTHER)[at % 2], False) for at in range(100)], SDP,
    ),
    "a stranger who changes its source": (
        PROXY, [Packet(at / 10, STRANGER, False, ssrc=at) for at in range(100)], SDP,
    ),
    "the peer comes after the stranger": (
        PROXY, [*alone(STRANGER, 2), Packet(2, STRANGER, True), Packet(3, SDP, True), Packet(3, STRANGER, False)], SDP,
    ),
    "an authentic stranger": (PROXY, [Packet(0, STRANGER, True, is_authentic=True), Packet(1, SDP, True)], SDP),
    "authentic from anywhere, but it moves nothing": (
        "10.0.0.1", [Packet(0, SDP, True), Packet(1, STRANGER, True, is_authentic=True)], SDP,
    ),
    "authentic after a silence": (
        "10.0.0.1", [Packet(0, SDP, True), Packet(3.5, STRANGER, True, is_authentic=True)], STRANGER,
    ),
    "the NAT forgot the way": (NAT[0], [Packet(0, NAT, True), Packet(3.5, NAT_AGAIN, True)], NAT_AGAIN),
    "a stranger after a silence": (NAT[0], [Packet(0, NAT, True), Packet(3.5, STRANGER, False)], NAT),
    "a stranger's host with another source": (
        PROXY,
        [*alone(STRANGER, 2), Packet(2, STRANGER, True), Packet(9, ("198.51.100.9", 1), False, ssrc=8)],
        STRANGER,
    ),
    "a stranger's host goes on": (
        PROXY,
        [*alone(STRANGER, 2), Packet(2, STRANGER, True), Packet(9, ("198.51.100.9", 1), True)],
        ("198.51.100.9", 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("signalling", "packets", "remote"), TABLE.values(), ids=TABLE)
def test_who_is_let_in_and_learnt(signalling: str, packets: list[Packet], remote: tuple[str, int]) -> None:
    latch = Latch(SDP, signalling=signalling)
    for packet in packets:
        found = latch.accept(packet.source, int(packet.at_s * 1e6), is_authentic=packet.is_authentic, ssrc=packet.ssrc)
        assert found is packet.passes, packet
    assert latch.remote == remote


def test_it_learns_again_after_a_new_negotiation_only() -> None:
    latch = Latch(SDP, signalling=NAT[0])
    latch.accept(NAT, 0, is_authentic=False)
    latch.negotiate(SDP)
    assert latch.remote == NAT
    latch.negotiate(OTHER)
    assert (latch.remote, latch.learnt) == (OTHER, None)
    assert latch.accept(NAT_AGAIN, 1, is_authentic=False)
    assert latch.remote == NAT_AGAIN


def test_on_hold_nobody_is_named_but_who_signals() -> None:
    latch = Latch(signalling=NAT[0])
    assert [latch.rank(each) for each in (SDP, NAT, STRANGER)] == [Rank.STRANGER, Rank.SIGNALLING, Rank.STRANGER]
    assert latch.remote is None


def test_handshakes_are_for_those_whom_signalling_names() -> None:
    latch = Latch(SDP, signalling="10.0.0.1")
    assert latch.may_shake_hands(SDP, 0)
    assert latch.may_shake_hands(OTHER_PORT, 0)
    assert not any(latch.may_shake_hands(STRANGER, at * 1_000_000) for at in range(60))
    behind_proxy = Latch(SDP, signalling=PROXY)
    assert [behind_proxy.may_shake_hands(STRANGER, at * 1_000_000) for at in range(3)] == [False, False, True]
    assert behind_proxy.learnt is None


packets_of_anybody = st.lists(
    st.tuples(st.sampled_from((STRANGER, OTHER, (STRANGER[0], 1))), st.integers(0, 10**7), st.integers(0, 3)),
    max_size=40,
)


@given(packets_of_anybody)
@settings(max_examples=100, deadline=None)
def test_strangers_never_get_a_leg_that_hears_its_peer(packets: list[tuple[tuple[str, int], int, int]]) -> None:
    latch, now_us = Latch(SDP, signalling=PROXY), 0
    latch.accept(SDP, now_us, is_authentic=False, ssrc=1)
    for source, step_us, ssrc in packets:
        now_us += step_us
        assert not latch.accept(source, now_us, is_authentic=False, ssrc=ssrc)
    assert latch.remote == SDP
