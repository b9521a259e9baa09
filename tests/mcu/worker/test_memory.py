"""When freed memory is given back: after rooms have closed, not for every encoder, not in a hurry."""

from __future__ import annotations

from mcu.worker.memory import Returner


def test_when() -> None:
    trims: list[None] = []
    returner = Returner(lambda: trims.append(None))
    rows = [  # in use, pictures ever encoded, seconds, whether memory is given back
        (0, 0, 0.0, False), (8, 10, 1.0, False), (6, 20, 2.0, False), (4, 30, 3.0, True), (4, 40, 9.0, False),
        (2, 50, 10.0, True), (0, 60, 11.0, False), (0, 60, 12.0, True), (0, 60, 20.0, False), (0, 75, 21.0, True),
        (8, 80, 30.0, False), (2, 90, 31.0, True), (0, 90, 34.0, True), (0, 90, 40.0, False),
    ]  # fmt: skip
    assert [returner.take(in_use, done, now_s) for in_use, done, now_s, _ in rows] == [row[-1] for row in rows]
    assert len(trims) == sum(row[-1] for row in rows)


def test_the_c_library_does_it() -> None:
    returner = Returner()
    assert not returner.take(4, 1, 0.0)
    assert returner.take(0, 2, 10.0)
