"""Our caller's sound after loss: in order, with the repeats that come in time, and never held for long."""

from __future__ import annotations

from caller.sound import SoundOrder

MS = 1_000


def put(order: SoundOrder[int], number: int, at_ms: int) -> list[int]:
    return order.put(number, number, at_ms * MS)


def test_what_follows_a_hole_waits_for_the_repeat_that_is_asked_for() -> None:
    order: SoundOrder[int] = SoundOrder(is_repeated=True)
    assert put(order, 10, 0) == [10]
    assert put(order, 12, 40) == []
    assert order.missing(50 * MS, 40 * MS) == [11]
    assert put(order, 13, 60) == []
    assert put(order, 11, 90) == [11, 12, 13]
    assert put(order, 14, 95) == [14]
    assert put(order, 12, 96) == []


def test_a_repeat_that_does_not_come_is_given_up() -> None:
    order: SoundOrder[int] = SoundOrder(is_repeated=True)
    put(order, 10, 0)
    assert [put(order, number, number * 20 - 200) for number in range(12, 21)] == [[]] * 9
    assert order.take(219 * MS) == []
    assert order.take(220 * MS) == list(range(12, 21))
    assert put(order, 11, 230) == []
    assert put(order, 21, 231) == [21]


def test_who_repeats_nothing_is_neither_asked_nor_waited_for() -> None:
    order: SoundOrder[int] = SoundOrder(is_repeated=False)
    assert [put(order, number, number) for number in (10, 12, 11)] == [[10], [12], [11]]
    assert order.missing(1_000 * MS, 40 * MS) == []


def test_new_numbers_begin_anew_and_a_flood_is_not_held() -> None:
    order: SoundOrder[int] = SoundOrder(is_repeated=True)
    put(order, 10, 0)
    put(order, 12, 1)
    assert order.restart() == [12]
    assert put(order, 5, 2) == [5]
    found = [number for sequence in range(7, 60) for number in put(order, sequence, 3)]
    assert found == list(range(7, 60))
