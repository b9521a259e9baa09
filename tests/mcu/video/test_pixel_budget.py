"""The pixels that all sources of a process may have together."""

from __future__ import annotations

from mcu.video.pixel_budget import PixelBudget
from mcu.worker.messages import Tile
from tests.mcu.video.media import GREEN, RED, Room, Sender, is_near

A, B = 5, 9
SIDE_BY_SIDE = (Tile(0, 0, 0.5, 1, A), Tile(0.5, 0, 0.5, 1, B))


def test_where_there_are_too_many_the_largest_go() -> None:
    budget = PixelBudget(100)
    assert [budget.take(stream, 30) for stream in (1, 2, 3, 4)] == [True, True, True, False]
    assert not budget.take(5, 60), "nobody smaller makes room"
    assert budget.take(6, 10)
    assert budget.take(1, 30)
    assert budget.take(7, 20), "one that is larger does"
    assert [budget.take(stream, 30) for stream in (1, 2, 3)].count(False) == 1
    assert budget.take(6, 10)


def test_who_changes_size_or_goes_gives_back_what_it_had() -> None:
    budget = PixelBudget(100)
    assert budget.take(1, 90)
    assert budget.take(1, 100)
    assert not budget.take(1, 101)
    assert budget.take(2, 100)
    budget.release(2)
    budget.release(2)
    assert budget.take(1, 100)


def test_a_giant_makes_room_for_an_ordinary_sender_and_comes_back_after_it() -> None:
    room = Room(*SIDE_BY_SIDE, max_pixels=1280 * 720 + 1000)
    giant, other = Sender(A, RED, size=(1280, 720)), Sender(B, GREEN)
    room.feed(giant.frame())
    room.tick(2)
    assert is_near(room.viewer.at(0.25, 0.5), RED)
    room.feed(other.frame())
    room.tick()
    room.feed(giant.frame())
    room.tick(10)
    assert room.count("frames_dropped_over_budget") == 1
    assert is_near(room.viewer.at(0.75, 0.5), GREEN)
    assert A in room.asked[2:], "it is tried again with its next keyframe"
    room.show(SIDE_BY_SIDE[0])
    room.tick()
    room.feed(giant.frame(colour=GREEN, is_key=True))
    room.tick(2)
    assert room.count("frames_dropped_over_budget") == 1
    assert is_near(room.viewer.at(0.25, 0.5), GREEN)
