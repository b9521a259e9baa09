"""Messages wait source by source."""

from __future__ import annotations

from signaling.sip.transport.turns import Turns


def test_a_flood_waits_behind_itself():
    turns: Turns[str] = Turns(1000)
    for n in range(500):
        turns.put("flood", f"f{n}")
    turns.put("ward", "w0")
    turns.put("ward", "w1")
    assert [turns.next() for _ in range(5)] == ["f0", "w0", "f1", "w1", "f2"]
    assert len(turns) == 497


def test_over_the_bound_the_longest_queue_loses_its_newest():
    turns: Turns[str] = Turns(10)
    turns.put("ward", "w0")
    for n in range(50):
        turns.put("flood", f"f{n}")
    assert (len(turns), turns.dropped) == (10, 41)
    assert [turns.next() for _ in range(11)] == ["w0", *(f"f{n}" for n in range(9)), None]
