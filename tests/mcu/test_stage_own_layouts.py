"""A picture arranged as one participant likes it: a scene beside that of all, shared by those of the same taste."""

from __future__ import annotations

from mcu.media import Grade, Kind, LegMedia, StreamSpec
from mcu.policy import LayoutMode
from mcu.stage import MAX_OWN_LAYOUTS, Stage, View
from mcu.worker.messages import CloseScene, OpenRendition, RouteVideo
from tests.mcu.fakes import H264, FakeWorker, media
from tests.mcu.test_stage_panels import people, scenes

GRID, SPEAKER, LECTURE = LayoutMode.GRID, LayoutMode.SPEAKER, LayoutMode.LECTURE


def routes(worker: FakeWorker) -> dict[int, int]:
    return {route.leg: route.rendition for route in worker.told(RouteVideo)}  # type: ignore[attr-defined]


def test_those_of_one_taste_share_a_picture_and_the_others_keep_theirs():
    worker, present = FakeWorker(), people(5)
    stage = Stage("1001", worker)
    stage.show(present, View(GRID, speaker=4, own_layouts={1: SPEAKER, 2: SPEAKER}))
    own, main = scenes(worker)["own-speaker"], scenes(worker)["main"]
    assert own.tiles[0].label == "Caller 4" and own.tiles[0].width > 1.5 * own.tiles[1].width
    assert len({tile.width for tile in main.tiles}) == 1
    seen = routes(worker)
    assert seen[1] == seen[2] != seen[3] == seen[4] == seen[5]
    assert len(worker.told(OpenRendition)) == 2


def test_who_likes_what_all_see_costs_nothing():
    worker, present = FakeWorker(), people(3)
    Stage("1001", worker).show(present, View(GRID, own_layouts={1: GRID}))
    assert list(scenes(worker)) == ["main"]


def test_a_scene_goes_when_nobody_sees_it_any_more_and_not_before():
    worker, present, now = FakeWorker(), people(3), [100.0]
    stage = Stage("1001", worker, lambda: now[0])
    stage.show(present, View(GRID, own_layouts={1: SPEAKER}))
    stage.show(present, View(GRID))
    assert "own-speaker" in scenes(worker), "it is seen until the first picture of the other is there"
    now[0] += 3
    stage.show(present, View(GRID))
    stage.show(present, View(GRID))
    assert list(scenes(worker)) == ["main"]
    assert len(worker.told(CloseScene)) == 1


def test_no_more_layouts_than_the_room_can_bear():
    worker, present = FakeWorker(), people(4)
    modes = {1: SPEAKER, 2: LECTURE, 3: LayoutMode.AUTO}
    Stage("1001", worker).show(present, View(GRID, speaker=2, own_layouts=modes))
    assert len(scenes(worker)) == 1 + MAX_OWN_LAYOUTS
    assert routes(worker)[3] == routes(worker)[4]


def test_a_room_system_that_sees_the_screen_apart_sees_its_layout_without_the_screen():
    worker, present = FakeWorker(), people(3)
    streams = (*media().streams, StreamSpec("content", Kind.CONTENT, (H264,), H264))
    present[0].leg.media = LegMedia(streams, is_encrypted=True, grade=Grade.AUTHENTICATED)
    present[1].is_sharing = True
    stage = Stage("1001", worker)
    stage.show(present, View(GRID, own_layouts={1: SPEAKER, 3: SPEAKER}))
    assert present[0].has_screen_apart and not present[2].has_screen_apart
    assert any(tile.is_content for tile in scenes(worker)["own-speaker"].tiles)
    assert not any(tile.is_content for tile in scenes(worker)["own-speaker-people"].tiles)
