"""Words that one participant alone sees over the picture: a scene and an encoder of its own, for a few at a time."""

from __future__ import annotations

from mcu.media import Kind
from mcu.participant import Participant, Role
from mcu.policy import LayoutMode
from mcu.stage import MAX_PANELS, Stage, View
from mcu.worker.messages import CloseRendition, CloseScene, OpenRendition, Panel, RouteVideo, SetScene
from tests.mcu.fakes import FakeLeg, FakeWorker, media

MENU = Panel("菜单 Menu", ("1  静音 Mute",))


def people(count: int) -> list[Participant]:
    return [Participant(FakeLeg(number), f"Caller {number}", Role.GUEST) for number in range(1, count + 1)]


def shown(stage: Stage, present: list[Participant], *with_panel: int, panel: Panel = MENU) -> None:
    stage.show(present, View(LayoutMode.GRID, panels=dict.fromkeys(with_panel, panel)))


def scenes(worker: FakeWorker) -> dict[str, SetScene]:
    found: dict[str, SetScene] = {}
    for message in worker.told(SetScene) + worker.told(CloseScene):
        if isinstance(message, SetScene):
            found[message.scene] = message
        else:
            found.pop(message.scene)
    return found


def test_one_sees_the_panel_over_what_all_see_and_the_others_see_nothing_of_it():
    worker, present = FakeWorker(), people(3)
    stage = Stage("1001", worker)
    shown(stage, present)
    shown(stage, present, 2)
    private = scenes(worker)["panel-2"]
    assert private.panel == MENU and private.tiles == scenes(worker)["main"].tiles
    assert scenes(worker)["main"].panel is None
    own = worker.told(OpenRendition)[-1]
    assert (own.scene, own.width) == ("panel-2", 640)
    assert worker.told(RouteVideo)[-1] == RouteVideo(2, own.rendition)
    assert stage.rendition_count == 2


def test_the_panel_follows_words_and_picture_and_leaves_nothing_behind():
    worker, present, now = FakeWorker(), people(2), [100.0]
    stage = Stage("1001", worker, lambda: now[0])
    shown(stage, present, 2)
    rendition = worker.told(OpenRendition)[-1].rendition
    shown(stage, present, 2, panel=Panel("x", entry="•"))
    assert scenes(worker)["panel-2"].panel == Panel("x", entry="•")
    present.append(Participant(FakeLeg(3), "Caller 3", Role.GUEST))
    shown(stage, present, 2, panel=Panel("x", entry="•"))
    assert len(scenes(worker)["panel-2"].tiles) == 3
    assert len(worker.told(OpenRendition)) == 2, "the encoder runs on"
    shown(stage, present)
    assert not worker.told(CloseRendition), "it is seen until the picture without it is there"
    now[0] += 3
    shown(stage, present)
    assert worker.told(CloseScene) == [CloseScene("1001", "panel-2")]
    assert CloseRendition(rendition) in worker.told(CloseRendition)
    assert stage.rendition_count == 1


def test_a_few_at_a_time_and_those_who_were_first_keep_theirs():
    worker, present = FakeWorker(), people(8)
    stage = Stage("1001", worker)
    shown(stage, present, 8)
    shown(stage, present, *range(1, 9))
    private = {name for name in scenes(worker) if name.startswith("panel-")}
    assert len(private) == MAX_PANELS and "panel-8" in private
    assert stage.rendition_count == MAX_PANELS + 1


def test_menus_do_not_make_the_pictures_of_others_worse():
    worker, present = FakeWorker(), people(6)
    stage = Stage("1001", worker)
    shown(stage, present, 1, 2, 3, 4)
    widths = {message.scene: message.width for message in worker.told(OpenRendition)}
    assert widths["main"] == 1280


def test_who_leaves_takes_the_panel_along():
    worker, present = FakeWorker(), people(2)
    stage = Stage("1001", worker)
    shown(stage, present, 2)
    stage.forget(2)
    shown(stage, present[:1])
    assert worker.told(CloseScene) == [CloseScene("1001", "panel-2")]
    assert stage.rendition_count == 1


def test_who_gets_no_picture_gets_no_scene():
    worker = FakeWorker()
    stage = Stage("1001", worker)
    shown(stage, [Participant(FakeLeg(1, media(video=None)), "Phone", Role.GUEST)], 1)
    assert "panel-1" not in scenes(worker)
    assert not media(video=None).stream(Kind.VIDEO)
