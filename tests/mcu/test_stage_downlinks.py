"""Legs whose downlink carries less, beside others who must not notice."""

from __future__ import annotations

from mcu.media import Codec, Kind
from mcu.participant import Participant, Role
from mcu.policy import LayoutMode
from mcu.rendition import MAX_RENDITIONS
from mcu.stage import Stage, View
from mcu.worker.messages import CloseRendition, OpenRendition, RouteVideo
from tests.mcu.fakes import H264, H264_MODE_0, VP8, FakeLeg, FakeWorker, media

VIEW = View(LayoutMode.GRID)


class House:
    """A stage, its worker, and a clock that is moved by hand."""

    def __init__(self, *people: Participant) -> None:
        self.now_s = 100.0
        self.worker = FakeWorker()
        self.stage = Stage("1001", self.worker, lambda: self.now_s)
        self.people = list(people)
        self.show()

    def show(self, after_s: float = 0.0) -> None:
        self.now_s += after_s
        self.stage.show(self.people, VIEW)

    def bandwidth(self, leg: int, bitrate_bps: int, after_s: float = 10.0) -> None:
        self.people[leg - 1].bandwidth[Kind.VIDEO] = bitrate_bps
        self.show(after_s)

    def rendition(self, leg: int) -> int:
        return [each.rendition for each in self.worker.told(RouteVideo) if each.leg == leg][-1]

    def opened(self) -> dict[int, OpenRendition]:
        return {each.rendition: each for each in self.worker.told(OpenRendition)}

    def height(self, leg: int) -> int:
        return self.opened()[self.rendition(leg)].height

    def running(self) -> set[int]:
        return self.opened().keys() - {each.rendition for each in self.worker.told(CloseRendition)}


def person(leg: int, video=H264) -> Participant:
    return Participant(FakeLeg(leg, media(video)), f"Person {leg}", Role.GUEST)


def test_a_thin_leg_steps_down_alone_and_those_on_a_step_share_its_encoder() -> None:
    house = House(*(person(leg) for leg in range(1, 10)))
    before = [house.rendition(leg) for leg in range(1, 10)]
    house.bandwidth(2, 900_000)
    house.bandwidth(3, 700_000)
    assert (house.height(2), house.height(3)) == (360, 360)
    assert house.rendition(2) == house.rendition(3)
    assert [house.rendition(leg) for leg in (1, 4, 5, 6, 7, 8, 9)] == [before[0]] * 7
    assert len(house.running()) == 2
    house.bandwidth(2, 0)
    assert house.height(2) == 720
    assert str(house.people[2].snapshot()["sent_size"]) == "{'video': '640x360'}"
    assert house.people[2].snapshot()["downlink_kbps"] == 700


def test_whatever_paths_do_encoders_are_bounded_and_nobody_else_loses_a_line() -> None:
    forms = [H264, H264, VP8, H264_MODE_0, H264, VP8, H264, H264, VP8]
    house = House(*(person(leg, form) for leg, form in enumerate(forms, 1)))
    for step in range(120):
        thin = 5 + step % 5
        house.bandwidth(thin, (100_000, 300_000, 900_000, 0)[step // 5 % 4], after_s=0.7)
        assert len(house.running()) <= MAX_RENDITIONS
        assert [house.height(leg) for leg in (1, 2, 3, 4)] == [720] * 4
        for leg, form in enumerate(forms, 1):
            opened = house.opened()[house.rendition(leg)]
            assert house.rendition(leg) in house.running()
            assert opened.codec is Codec(form.codec)


def test_the_former_output_goes_on_until_the_new_one_has_had_its_keyframe() -> None:
    house = House(person(1))
    first = house.rendition(1)
    house.bandwidth(1, 700_000)
    assert house.running() == {first, house.rendition(1)}
    house.show(1.0)
    assert first in house.running()
    house.show(2.0)
    assert house.running() == {house.rendition(1)}
    second = house.rendition(1)
    house.bandwidth(1, 0)
    house.bandwidth(1, 700_000, after_s=2.1)
    assert house.rendition(1) == second, "it was open still"


def test_one_leg_is_not_switched_more_often_than_twice_in_seven_seconds() -> None:
    house = House(person(1), person(2))
    for step in range(100):
        house.bandwidth(1, (100_000, 0)[step % 2], after_s=0.2)
    assert len([each for each in house.worker.told(RouteVideo) if each.leg == 1]) <= 2 + 20 // 7 * 2


def test_who_leaves_on_a_step_of_its_own_takes_the_encoder_with_it() -> None:
    house = House(person(1), person(2))
    house.bandwidth(2, 100_000)
    lonely = house.rendition(2)
    house.people.pop()
    house.stage.forget(2)
    house.show()
    assert lonely not in house.running()
