"""Where the seats of a picture are: arrangements read from a file of rectangles, picked by mode and number of seats.

The file (layouts.toml beside this module, or an administrator's own) holds the arrangements; this module checks them,
chooses the smallest one that has a seat for everybody and centres a last row that is not full.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import msgspec

from mcu.policy import LayoutMode

MAX_SEATS = 36
"""More people than this are heard, but have no seat in one picture."""
_MIN_SIDE = 0.02
_TOLERANCE = 1e-6
_DEFAULT_FILE = Path(__file__).with_name("layouts.toml")
_KINDS = ("grid", "speaker", "lecture", "content")


class LayoutError(ValueError):
    """A layout file that cannot be used; the text names the file, the arrangement and the fault."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in fractions of the picture, from the upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Share of the picture."""
        return self.width * self.height

    def overlaps(self, other: Rect) -> bool:
        """Whether both cover some common area (touching edges do not)."""
        return (
            min(self.x + self.width, other.x + other.width) - max(self.x, other.x) > _TOLERANCE
            and min(self.y + self.height, other.y + other.height) - max(self.y, other.y) > _TOLERANCE
        )


class _Arrangement(msgspec.Struct, forbid_unknown_fields=True):
    """One table of the file: `seats` are [x, y, width, height] in units of 1/`scale` of the picture."""

    kind: str
    seats: list[tuple[float, float, float, float]]
    scale: float = 1.0
    may_overlap: bool = False
    """A small picture inside the big one."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    arrangement: list[_Arrangement]
    auto_grid_up_to: int = 9


class Layouts:
    """The arrangements of one file."""

    def __init__(self, arrangements: dict[str, list[tuple[Rect, ...]]], auto_grid_up_to: int) -> None:
        self._arrangements = arrangements
        self._auto_grid_up_to = auto_grid_up_to

    @classmethod
    def load(cls, path: Path = _DEFAULT_FILE) -> Layouts:
        """Read and check a file. Raises LayoutError, also when it cannot be read."""
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, LayoutError) as error:
            raise LayoutError(f"{path}: {error}") from error

    @classmethod
    def parse(cls, text: str) -> Layouts:
        """Check the text of a file. Raises LayoutError."""
        try:
            file = msgspec.convert(tomllib.loads(text), _File)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise LayoutError(str(error)) from error
        arrangements: dict[str, list[tuple[Rect, ...]]] = {kind: [] for kind in _KINDS}
        for number, arrangement in enumerate(file.arrangement, 1):
            where = f"arrangement {number} ({arrangement.kind}, {len(arrangement.seats)} seats)"
            if arrangement.kind not in arrangements:
                raise LayoutError(f"{where}: kind must be one of {', '.join(_KINDS)}")
            arrangements[arrangement.kind].append(_checked(arrangement, where))
        for kind, found in arrangements.items():
            if not found:
                raise LayoutError(f"no arrangement of kind {kind}")
            found.sort(key=len)
        if not 1 <= file.auto_grid_up_to <= MAX_SEATS:
            raise LayoutError(f"auto_grid_up_to must be 1..{MAX_SEATS}")
        return cls(arrangements, file.auto_grid_up_to)

    def rectangles(self, mode: LayoutMode, count: int, has_content: bool = False) -> tuple[Rect, ...]:
        """By the arrangements of this file what the function of the same name gives by the standard ones."""
        found = self._arrangements[self._kind(mode, count, has_content)]
        if mode is LayoutMode.LECTURE:
            count = min(count, 2 if has_content else 1)
        seats = next((arrangement for arrangement in found if len(arrangement) >= count), found[-1])
        return _seated(seats, count)

    def _kind(self, mode: LayoutMode, count: int, has_content: bool) -> str:
        if has_content:
            return "content"
        if mode is LayoutMode.AUTO:
            return "grid" if count <= self._auto_grid_up_to else "speaker"
        return mode.value


def rectangles(mode: LayoutMode, count: int, has_content: bool = False) -> tuple[Rect, ...]:
    """One rectangle for each of `count` tiles by the standard file; the first is the big one.

    `count` includes the shared screen when `has_content`, which then takes the first rectangle in every mode. Fewer
    rectangles than `count` come back where the arrangements have no more seats: at most 36 in a grid, fewer beside a
    big tile, and in a lecture only the lecturer (behind the shared screen); what the lecturer sees is a GRID.
    """
    return _standard().rectangles(mode, count, has_content)


@lru_cache(maxsize=1)
def _standard() -> Layouts:
    return Layouts.load()


def _checked(arrangement: _Arrangement, where: str) -> tuple[Rect, ...]:
    if not 1 <= len(arrangement.seats) <= MAX_SEATS:
        raise LayoutError(f"{where}: needs 1..{MAX_SEATS} seats")
    if not (math.isfinite(arrangement.scale) and arrangement.scale > 0):
        raise LayoutError(f"{where}: scale must be above 0")
    seats = tuple(Rect(*(value / arrangement.scale for value in seat)) for seat in arrangement.seats)
    for number, seat in enumerate(seats, 1):
        _check_bounds(seat, f"{where}, seat {number}")
    if not arrangement.may_overlap:
        for (first, one), (second, other) in combinations(enumerate(seats, 1), 2):
            if one.overlaps(other):
                raise LayoutError(f"{where}: seats {first} and {second} overlap")
    if any(seat.area > seats[0].area + _TOLERANCE for seat in seats):
        raise LayoutError(f"{where}: the first seat must be the biggest")
    return seats


def _check_bounds(seat: Rect, where: str) -> None:
    if not all(math.isfinite(value) for value in (seat.x, seat.y, seat.width, seat.height)):
        raise LayoutError(f"{where}: not a number")
    if seat.width < _MIN_SIDE or seat.height < _MIN_SIDE:
        raise LayoutError(f"{where}: sides must be at least {_MIN_SIDE} of the picture")
    if min(seat.x, seat.y) < 0 or max(seat.x + seat.width, seat.y + seat.height) > 1 + _TOLERANCE:
        raise LayoutError(f"{where}: reaches outside the picture")


def _seated(seats: Sequence[Rect], count: int) -> tuple[Rect, ...]:
    """The first `count` seats, what is left of the row that was cut moved to its middle."""
    kept = list(seats[: max(0, count)])
    if not kept or len(kept) == len(seats):
        return tuple(kept)
    last = kept[-1]
    missing = sum(seat.width for seat in seats[len(kept) :] if _same_row(seat, last))
    return tuple(
        Rect(seat.x + missing / 2, seat.y, seat.width, seat.height) if _same_row(seat, last) else seat for seat in kept
    )


def _same_row(one: Rect, other: Rect) -> bool:
    return abs(one.y - other.y) < _TOLERANCE and abs(one.height - other.height) < _TOLERANCE
