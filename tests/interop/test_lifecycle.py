"""Rooms and browsers' legs open and close on real processes, and nothing grows (the full one: make lifecycle)."""

from __future__ import annotations

from bench.lifecycle import Plan, run

# The larger part of the memory that a short run takes is caches that fill up; a leak of every room would be steeper.
_MOST_KIB_A_ROOM = 20.0
_CODEC_PROCESSES = ("video",)


async def test_rooms_and_browsers_leave_nothing_behind() -> None:
    outcome = await run(Plan(rooms=500, browsers=10, at_once=16, names=20, samples=3, browser_samples=1, settle_s=1.1))
    leaks = [problem for problem in outcome.problems if "memory" not in problem]
    assert not leaks, outcome.rows
    slopes = {name: slope / 1000 for name, slope in outcome.slopes_kib.items() if name not in _CODEC_PROCESSES}
    assert slopes, "three samples at least"
    assert all(slope < _MOST_KIB_A_ROOM for slope in slopes.values()), slopes
