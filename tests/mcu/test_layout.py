"""Layouts: every seat inside the picture, none over another, and clear refusals of faulty files."""

from itertools import combinations
from pathlib import Path

import pytest

from mcu.conference import LayoutMode
from mcu.layout import LayoutError, Layouts, Rect, rectangles

GOOD = """
[[arrangement]]
kind = "grid"
seats = [[0, 0, 0.5, 0.5], [0.5, 0, 0.5, 0.5]]
[[arrangement]]
kind = "speaker"
seats = [[0, 0, 1, 1]]
[[arrangement]]
kind = "lecture"
seats = [[0, 0, 1, 1]]
[[arrangement]]
kind = "content"
may_overlap = true
seats = [[0, 0, 1, 1], [0.7, 0.7, 0.2, 0.2]]
"""


@pytest.mark.parametrize("has_content", [False, True])
@pytest.mark.parametrize("mode", list(LayoutMode))
def test_seats_lie_inside_and_apart(mode: LayoutMode, has_content: bool) -> None:
    for count in range(1, 50):
        seats = rectangles(mode, count, has_content)
        assert 1 <= len(seats) <= min(count, 36)
        for seat in seats:
            assert seat.x >= 0 and seat.y >= 0 and seat.width > 0.1 and seat.height > 0.1
            assert seat.x + seat.width <= 1 + 1e-9 and seat.y + seat.height <= 1 + 1e-9
            assert seat.area <= seats[0].area + 1e-9
        assert not any(one.overlaps(other) for one, other in combinations(seats, 2))


@pytest.mark.parametrize("count", range(1, 37))
def test_grid_seats_everybody_in_cells_of_picture_shape(count: int) -> None:
    seats = rectangles(LayoutMode.GRID, count)
    assert len(seats) == count
    assert {round(seat.width, 9) for seat in seats} == {round(seat.height, 9) for seat in seats}
    left, right = min(seat.x for seat in seats), max(seat.x + seat.width for seat in seats)
    assert left + right == pytest.approx(1)
    last = [seat for seat in seats if seat.y == seats[-1].y]
    assert last[0].x + last[-1].x + last[-1].width == pytest.approx(1), "the last row is centred"


@pytest.mark.parametrize(
    ("count", "width"), [(1, 1), (2, 1 / 2), (4, 1 / 2), (5, 1 / 3), (9, 1 / 3), (16, 1 / 4), (17, 1 / 5), (36, 1 / 6)]
)
def test_grid_cell_width(count: int, width: float) -> None:
    assert rectangles(LayoutMode.GRID, count)[0].width == pytest.approx(width)


@pytest.mark.parametrize("count", range(2, 9))
def test_speaker_has_one_big_tile_and_a_strip(count: int) -> None:
    big, *strip = rectangles(LayoutMode.SPEAKER, count)
    assert len(strip) == count - 1
    assert big.width >= 0.75 and big.height >= 0.75
    assert all(seat.width <= 0.25 for seat in strip)


def test_lecture_shows_the_lecturer_alone_or_behind_the_screen() -> None:
    assert rectangles(LayoutMode.LECTURE, 12) == (Rect(0, 0, 1, 1),)
    screen, lecturer = rectangles(LayoutMode.LECTURE, 12, has_content=True)
    assert screen.width >= 0.75 and lecturer.width < screen.width


@pytest.mark.parametrize("mode", list(LayoutMode))
def test_content_is_the_big_tile_in_every_mode(mode: LayoutMode) -> None:
    assert rectangles(mode, 5, has_content=True)[0].width >= 0.8
    assert rectangles(mode, 1, has_content=True) == (Rect(0, 0, 1, 1),)


def test_auto_goes_from_grid_to_speaker() -> None:
    assert rectangles(LayoutMode.AUTO, 9) == rectangles(LayoutMode.GRID, 9)
    assert rectangles(LayoutMode.AUTO, 10) == rectangles(LayoutMode.SPEAKER, 10)


def test_nobody_has_no_seat() -> None:
    assert rectangles(LayoutMode.GRID, 0) == ()


def test_own_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(GOOD)
    assert Layouts.load(path).rectangles(LayoutMode.GRID, 1) == (Rect(0.25, 0, 0.5, 0.5),)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[0.5, 0, 0.5, 0.5]", "[0.6, 0, 0.5, 0.5]", "arrangement 1 .*seat 2.*outside"),
        ("[0.5, 0, 0.5, 0.5]", "[-0.1, 0, 0.5, 0.5]", "outside"),
        ("[0.5, 0, 0.5, 0.5]", "[0.4, 0, 0.5, 0.5]", "seats 1 and 2 overlap"),
        ("[0.5, 0, 0.5, 0.5]", "[0.5, 0, 0.5, 1.0]", "first seat must be the biggest"),
        ("[0.5, 0, 0.5, 0.5]", "[0.5, 0, 0.0, 0.5]", "sides must be"),
        ("[0.5, 0, 0.5, 0.5]", "[nan, 0, 0.5, 0.5]", "not a number"),
        ("[0.5, 0, 0.5, 0.5]", "[0.5, 0, 0.5]", "(?i)expected"),
        ("[[0, 0, 0.5, 0.5], [0.5, 0, 0.5, 0.5]]", "[]", "needs 1..36 seats"),
        ('"speaker"', '"spaeker"', "kind must be one of"),
        ("may_overlap = true", "", "overlap"),
        ("may_overlap = true", "overlap = true", "unknown field"),
        ("may_overlap = true", "may_overlap = true\nscale = 0", "scale"),
        ('kind = "lecture"', 'kind = "grid"', "no arrangement of kind lecture"),
        ('kind = "lecture"', "kind = ", "(?i)invalid"),
    ],
)  # fmt: skip
def test_faulty_files_are_refused_with_the_reason(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    path = tmp_path / "own.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(LayoutError, match=says) as refusal:
        Layouts.load(path)
    assert str(path) in str(refusal.value)


def test_missing_file_is_a_layout_error(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"none\.toml"):
        Layouts.load(tmp_path / "none.toml")
