"""One key press is one digit, however many ways report it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.digits import SAME_KEY_S, DigitPairs


@pytest.mark.parametrize(
    ("reports", "digits"),
    [
        ([("1", "media", 0.0), ("1", "info", 0.1)], "1"),
        ([("1", "media", 0.0), ("1", "media", 0.1)], "11"),
        # A quick double press by a terminal that sends both.
        ([("1", "media", 0.0), ("1", "info", 0.05), ("1", "media", 0.2), ("1", "info", 0.25)], "11"),
        ([("1", "media", 0.0), ("1", "media", 0.15), ("1", "info", 0.2), ("1", "info", 0.35)], "11"),
        ([("1", "media", 0.0), ("2", "info", 0.1)], "12"),
        ([("1", "media", 0.0), ("1", "info", SAME_KEY_S + 0.01)], "11"),
        ([("x", "info", 0.0), ("", "info", 0.1), ("12", "info", 0.2), ("#", "info", 0.3)], "#"),
    ],
)
def test_pairs(reports, digits):
    pairs = DigitPairs()
    assert "".join(digit for digit, way, at in reports if pairs.receive(digit, way, at)) == digits


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("0123456789*#"), max_size=40), st.floats(0.0, 0.3))
def test_both_ways_are_one(keys, delay):
    """Presses half a second apart come through once each, whichever way is late."""
    pairs = DigitPairs()
    heard = []
    for number, key in enumerate(keys):
        at = number * 0.5
        for way, when in (("media", at), ("info", at + delay)):
            if pairs.receive(key, way, when):
                heard.append(key)
    assert heard == keys
