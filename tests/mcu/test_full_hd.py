"""1920x1080: for rooms that ask for it, machines that carry it, terminals that take it and paths that have room."""

from __future__ import annotations

import pytest

from mcu.capacity import Allowance
from mcu.full_hd import FullHd
from mcu.media import Codec, Format, Kind, StreamSpec
from mcu.policy import LayoutMode
from mcu.rendition import FULL_HD, LADDER, rendition_for
from mcu.stage import View
from mcu.worker.messages import OpenRendition
from tests.mcu.fakes import VP8
from tests.mcu.test_stage_downlinks import House, person

BIG, NORMAL = (FULL_HD, *LADDER), LADDER
FULL, SMALL, SOUND = Allowance.FULL, Allowance.SMALL, Allowance.SOUND


@pytest.mark.parametrize(
    ("steps", "given"),
    [
        # (seconds, wanted, recorded, what the machine has left)
        ([(0, False, False, FULL)], NORMAL),
        ([(0, True, False, FULL)], BIG),
        ([(0, True, False, SMALL)], NORMAL),
        # Begun, it stays through the load that it makes itself, but not through more.
        ([(0, True, False, FULL), (6, True, False, SMALL)], BIG),
        ([(0, True, False, FULL), (6, True, False, SOUND)], NORMAL),
        ([(0, True, False, FULL), (2, True, False, SOUND)], BIG),
        # What is recorded keeps its size; afterwards the room is looked at again.
        ([(0, True, False, FULL), (6, False, True, SOUND)], BIG),
        ([(0, False, False, FULL), (6, True, True, FULL)], NORMAL),
        ([(0, True, False, FULL), (6, False, True, SOUND), (7, False, False, FULL)], NORMAL),
        ([(0, True, False, FULL), (1, False, False, FULL), (2, True, False, FULL)], BIG),
    ],
)
def test_when_a_room_gets_it(steps, given) -> None:
    left = [FULL]
    full_hd = FullHd(lambda: left[0])
    for now_s, is_wanted, is_recorded, left[0] in steps:
        sizes = full_hd.sizes(is_wanted, is_recorded, now_s)
    assert tuple(sizes) == given


@pytest.mark.parametrize(
    ("form", "height"),
    [
        (Format(Codec.H264, 96, 90_000, "42e01f", 1), 720),
        (Format(Codec.H264, 96, 90_000, "42e028", 1), 1080),
        (Format(Codec.H264, 96, 90_000, "640028", 1), 1080),
        (Format(Codec.H264, 96, 90_000, "42e01f", 1, max_fs=8160), 720),
        (VP8, 1080),
        (Format(Codec.VP8, 98, 90_000, max_fs=3600), 720),
    ],
)
def test_which_terminals_take_it(form: Format, height: int) -> None:
    key = rendition_for(StreamSpec("1", Kind.VIDEO, send=form), "main", BIG)
    assert key is not None
    assert key.rung.height == height


def test_only_those_get_it_who_can_and_whose_path_has_room() -> None:
    able = Format(Codec.H264, 96, 90_000, "42e028", 1)
    house = House(person(1, able), person(2), person(3, able))
    house.stage.show(house.people, View(LayoutMode.GRID, sizes=BIG))
    assert [house.height(leg) for leg in (1, 2, 3)] == [1080, 720, 1080]
    house.people[2].bandwidth[Kind.VIDEO] = 2_000_000
    house.now_s += 10
    house.stage.show(house.people, View(LayoutMode.GRID, sizes=BIG))
    assert [house.height(leg) for leg in (1, 2, 3)] == [1080, 720, 720]
    assert house.rendition(2) == house.rendition(3)
    opened = {each.height: each for each in house.worker.told(OpenRendition)}
    assert opened[1080].profile_level_id == "42e028"
