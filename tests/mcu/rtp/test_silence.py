"""Which packets of sound are handed on."""

from __future__ import annotations

import pytest

from mcu.rtp.silence import SilenceGate

NO_LEVEL = 255


def passed(levels: list[tuple[int, int]]) -> list[int]:
    """Which packets pass, by number; `levels` are (how many packets, what each tells), 20 ms apart."""
    gate = SilenceGate()
    each = [level for count, level in levels for _ in range(count)]
    return [number for number, level in enumerate(each) if gate.passes(level, number * 20_000)]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([(5, NO_LEVEL)], [0, 1, 2, 3, 4]),
        ([(300, NO_LEVEL)], list(range(300))),
        ([(250, 127)], [0, 100, 200]),
        ([(250, 61)], [0, 100, 200]),
        ([(250, 60)], list(range(250))),
        ([(3, 127), (2, 20), (2, 127)], [0, 3, 4, 5, 6]),
        ([(1, 20), (150, 127)], list(range(101))),
    ],
)
def test_who_passes(levels: list[tuple[int, int]], expected: list[int]) -> None:
    assert passed(levels) == expected
