"""How many calls may be made."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.budget import WINDOW_S, CallBudget


def test_at_once():
    budget = CallBudget(2, 100)
    assert [budget.take(0.0) for _ in range(3)] == [True, True, False]
    budget.give_back()
    assert budget.take(0.0)


def test_per_minute_slides():
    budget = CallBudget(100, 2)
    assert [budget.take(now) for now in (0.0, 30.0, 59.9)] == [True, True, False]
    assert budget.take(60.0)
    assert not budget.take(60.1)


@pytest.mark.parametrize(
    ("running", "now", "is_idle"), [(0, WINDOW_S, True), (0, WINDOW_S - 1, False), (1, 999.0, False)]
)
def test_idle(running, now, is_idle):
    budget = CallBudget(3, 3)
    assert budget.is_idle(0.0)
    assert budget.take(0.0)
    if not running:
        budget.give_back()
    assert budget.is_idle(now) is is_idle


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 20)), max_size=60))
def test_never_over_its_bounds(steps):
    budget, now, started = CallBudget(3, 5), 0.0, []
    for is_take, pause in steps:
        now += pause
        if not is_take:
            budget.give_back()
        elif budget.take(now):
            started.append(now)
        assert 0 <= budget.running <= 3
        assert sum(now - moment < WINDOW_S for moment in started) <= 5
