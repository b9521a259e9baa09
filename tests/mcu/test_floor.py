"""The shared screen of a conference: who has the floor, who sees what, and at which rate."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from mcu.camera import HOLD_S, CameraMove
from mcu.media import Codec, Format, Grade, Kind, LegMedia, StreamSpec, stream_id
from mcu.participant import Role
from mcu.policy import LayoutMode
from mcu.worker.messages import (
    CloseRendition,
    LegStats,
    LimitSource,
    OpenRendition,
    PeerLimit,
    RemoveSource,
    RouteContent,
    SetScene,
    StreamStats,
)
from tests.mcu.fakes import H264, OPUS, FakeLeg, media
from tests.mcu.test_conference import House, video

SLIDES = Format(Codec.H264, 97, 90_000, "42e01f", 1)


def room_system(leg: int, **changes: object) -> FakeLeg:
    """A terminal that shows a shared screen beside the people."""
    streams = (
        StreamSpec("0", Kind.AUDIO, (OPUS,), OPUS),
        StreamSpec("1", Kind.VIDEO, (H264,), H264, **changes),  # type: ignore[arg-type]
        StreamSpec("2", Kind.CONTENT, (SLIDES,), SLIDES),
    )
    return FakeLeg(leg, LegMedia(streams, is_encrypted=False, grade=Grade.CLEAR))


def browser(leg: int) -> FakeLeg:
    """A page that may show its screen, and sees all screens within the picture."""
    return FakeLeg(leg, media(content=SLIDES), "webrtc")


class Meeting(House):
    async def enter(self, leg: FakeLeg) -> FakeLeg:
        self.conference = await self.conferences.open(self.policy)
        await self.conference.join(leg, f"P{leg.id}", Role.GUEST)
        return leg

    async def flow(self, leg: int, bitrate_bps: int = 100_000) -> None:
        self.worker.say_of(leg, LegStats(leg, (StreamStats(Kind.CONTENT, received_bitrate_bps=bitrate_bps),)))
        await asyncio.sleep(0)

    def content_route(self, leg: int) -> int:
        return [0, *(route.rendition for route in self.worker.told(RouteContent) if route.leg == leg)][-1]  # type: ignore[attr-defined]

    def scene_of(self, rendition: int) -> SetScene:
        name = next(each.scene for each in self.worker.told(OpenRendition) if each.rendition == rendition)  # type: ignore[attr-defined]
        return self.scene(name)

    def opened(self) -> int:
        return len(self.worker.told(OpenRendition)) - len(self.worker.told(CloseRendition))


async def test_room_systems_see_the_people_beside_a_screen_and_others_within():
    house = Meeting()
    sharer = await house.enter(browser(1))
    for leg in (2, 3):
        await house.enter(room_system(leg))
    await house.enter(FakeLeg(4))
    assert house.opened() == 1
    assert house.conference.request_floor(sharer.id)
    assert house.content_route(2) == 0, "nothing is sent yet"
    await house.flow(1)
    slides = stream_id(1, Kind.CONTENT)
    assert [tile.stream for tile in house.scene_of(house.content_route(2)).tiles] == [slides]
    assert house.content_route(2) == house.content_route(3) != 0
    assert [tile.stream for tile in house.scene_of(house.route(2)).tiles] == [video(leg) for leg in (1, 2, 3, 4)]
    assert house.scene_of(house.route(4)).tiles[0].stream == slides
    assert (house.route(2), house.route(1)) == (house.route(3), house.route(4))
    assert house.conference.encoder_count == 3, "people, everything, the screen"
    house.conference.release_floor(1)
    await asyncio.sleep(0)
    assert [house.content_route(leg) for leg in (2, 3)] == [0, 0]
    assert house.conference.encoder_count == 1
    assert RemoveSource(slides) in house.worker.told(RemoveSource)


async def test_who_presents_is_not_shown_its_own_slides():
    house = Meeting()
    await house.enter(room_system(1))
    await house.enter(room_system(2))
    house.conference.request_floor(1)
    await house.flow(1)
    assert house.content_route(1) == 0
    assert house.content_route(2) != 0
    assert not any(tile.is_content for tile in house.scene_of(house.route(1)).tiles)


async def test_a_terminal_that_presents_sees_the_people_whether_or_not_it_takes_screens():
    """A channel of H.239 to it opens only for the slides of others, and the floor of BFCP may be its own to give."""
    house = Meeting()
    await house.enter(FakeLeg(1, media(content=SLIDES), "h323"))
    await house.enter(FakeLeg(2))
    house.conference.request_floor(1)
    await house.flow(1)
    assert house.content_route(1) == 0
    assert [tile.stream for tile in house.scene_of(house.route(1)).tiles] == [video(1), video(2)]
    assert house.scene_of(house.route(2)).tiles[0].is_content
    assert house.conference.encoder_count == 2
    house.conference.release_floor(1)
    await asyncio.sleep(0)
    assert house.route(1) == house.route(2)
    assert house.conference.encoder_count == 1


async def test_a_lecturer_with_slides_of_its_own_sees_the_audience_alone():
    house = Meeting(layout=LayoutMode.LECTURE)
    await house.enter(FakeLeg(1, media(content=SLIDES), "h323"))
    await house.enter(FakeLeg(2))
    house.conference.speaker = 1
    house.conference.request_floor(1)
    await house.flow(1)
    assert [tile.stream for tile in house.scene_of(house.route(1)).tiles] == [video(2)]
    assert [tile.is_content for tile in house.scene_of(house.route(2)).tiles] == [True, False]


async def test_a_browser_sees_within_the_picture_what_it_shares():
    house = Meeting()
    await house.enter(browser(1))
    await house.enter(browser(2))
    house.conference.request_floor(1)
    await house.flow(1)
    assert house.route(1) == house.route(2)
    assert house.scene_of(house.route(1)).tiles[0].is_content


async def test_legs_that_leave_free_both_outputs():
    house = Meeting()
    await house.enter(browser(1))
    await house.enter(room_system(2))
    house.conference.request_floor(1)
    await house.flow(1)
    assert house.conference.encoder_count == 3
    await house.conference.leave(2)
    assert house.conference.encoder_count == 1


async def test_in_a_lecture_the_lecturer_sees_the_audience_and_the_screen_apart():
    house = Meeting(layout=LayoutMode.LECTURE)
    await house.enter(room_system(1))
    await house.enter(FakeLeg(2, media(content=SLIDES)))
    house.conference.speaker = 1
    house.conference.request_floor(2)
    await house.flow(2)
    assert [tile.stream for tile in house.scene_of(house.route(1)).tiles] == [video(2)]
    assert house.scene_of(house.content_route(1)).tiles[0].is_content


async def test_everybody_is_told_who_has_the_floor():
    house = Meeting()
    one, two = await house.enter(room_system(1)), await house.enter(room_system(2))
    assert house.conference.request_floor(1)
    assert house.conference.request_floor(2)
    late = await house.enter(room_system(3))
    house.conference.take_floor()
    house.conference.take_floor()
    assert (one.floor, two.floor, late.floor) == ([1, 2, 0], [1, 2, 0], [2, 0])
    assert house.conference.snapshot()["presenter"] == 0
    assert not house.conference.request_floor(99)
    house.conference.request_floor(1)
    await house.conference.leave(1)
    assert two.floor[-2:] == [1, 0]
    assert house.conference.presenter == 0


async def test_who_lost_the_floor_and_goes_on_sending_does_not_get_it_back():
    house = Meeting()
    await house.enter(FakeLeg(1, media(content=SLIDES)))
    await house.enter(FakeLeg(2, media(content=SLIDES)))
    for leg in (1, 2, 1, 2):
        await house.flow(leg)
    assert house.conference.presenter == 2
    assert house.scene().tiles[0].stream == stream_id(2, Kind.CONTENT)


async def test_a_terminal_that_asks_for_less_gets_a_smaller_picture():
    house = Meeting()
    await house.enter(room_system(1))
    await house.enter(room_system(2))
    before = house.route(1)
    for limit_bps, width in ((700_000, 640), (250_000, 320), (1, 176), (0, 1280)):
        house.worker.say_of(1, PeerLimit(1, Kind.VIDEO, limit_bps))
        await asyncio.sleep(0)
        opened = {each.rendition: each for each in house.worker.told(OpenRendition)}  # type: ignore[attr-defined]
        assert opened[house.route(1)].width == width
    assert house.route(2) == before, "others keep theirs"


def asked_of(house: Meeting, stream: int) -> list[LimitSource]:
    return [limit for limit in house.worker.told(LimitSource) if limit.stream == stream]  # type: ignore[attr-defined, misc]


async def test_sources_are_asked_for_the_size_of_their_largest_tile():
    house = Meeting()
    for leg in range(1, 10):
        await house.enter(room_system(leg))
    assert asked_of(house, video(1)) == [
        LimitSource(video(1), 1_500_000, 1280, 720), LimitSource(video(1), 570_000, 640, 360),
        LimitSource(video(1), 320_000, 427, 240),
    ]  # fmt: skip
    house.conference.set_layout(LayoutMode.LECTURE)
    house.conference.speaker = 1
    await asyncio.sleep(0)
    assert asked_of(house, video(1))[-1] == LimitSource(video(1), 1_500_000, 1280, 720)


async def test_what_no_open_rendition_shows_is_not_asked_for():
    house = Meeting()
    for leg in range(1, 41):
        await house.enter(FakeLeg(leg))
    house.conference.set_layout(LayoutMode.SPEAKER)
    await asyncio.sleep(0)
    seen = {tile.stream for tile in house.scene().tiles}
    hidden = [leg for leg in range(1, 41) if video(leg) not in seen]
    assert hidden
    assert all(asked_of(house, video(leg))[-1] == LimitSource(video(leg), 0) for leg in hidden)
    house.conference.speaker = hidden[0]
    house.conference.raise_hand(1, is_raised=True)
    await asyncio.sleep(0)
    assert asked_of(house, video(hidden[0]))[-1].width > 600


async def test_what_only_a_recording_shows_is_asked_for():
    house = Meeting()
    on = media()
    sends_only = tuple(replace(each, send=None) if each.kind is Kind.VIDEO else each for each in on.streams)
    await house.enter(FakeLeg(1, replace(on, streams=sends_only)))
    assert asked_of(house, video(1)) == [LimitSource(video(1), 0)]
    await house.conference.start_recording("somebody")
    await asyncio.sleep(0)
    assert asked_of(house, video(1))[-1] == LimitSource(video(1), 1_500_000, 1280, 720)


async def test_a_camera_that_is_switched_off_is_not_asked_for_and_one_switched_on_is():
    house = Meeting()
    leg = await house.enter(FakeLeg(1))
    await house.enter(FakeLeg(2))
    on = leg.media
    leg.media = replace(on, streams=tuple(replace(each, receive=()) for each in on.streams))
    house.conference.leg_changed(1)
    await asyncio.sleep(0)
    assert asked_of(house, video(1))[-1] == LimitSource(video(1), 0)
    leg.media = on
    house.conference.leg_changed(1)
    await asyncio.sleep(0)
    assert asked_of(house, video(1))[-1] == LimitSource(video(1), 570_000, 640, 360)


async def test_only_cameras_that_are_there_are_moved():
    class Camera:
        def __init__(self) -> None:
            self.moves: list[CameraMove] = []

        def move(self, move: CameraMove, hold_s: float = HOLD_S) -> None:
            self.moves.append(move)

    house = Meeting()
    leg = await house.enter(room_system(1))
    assert not house.conference.move_camera(1, CameraMove(pan=1))
    leg.camera = camera = Camera()
    assert house.conference.move_camera(1, CameraMove(pan=1))
    assert not house.conference.move_camera(1, CameraMove(tilt=9))
    assert camera.moves == [CameraMove(pan=1)]
    rows = house.conference.snapshot()["participants"]
    assert isinstance(rows, list)
    assert rows[0]["has_camera_control"]


async def test_held_content_is_no_second_picture():
    house = Meeting()
    await house.enter(FakeLeg(1, media(content=SLIDES)))
    leg = await house.enter(room_system(2))
    house.conference.request_floor(1)
    await house.flow(1)
    streams = tuple(replace(each, send=None) if each.kind is Kind.CONTENT else each for each in leg.media.streams)
    leg.media = replace(leg.media, streams=streams)
    house.conference.leg_changed(2)
    await asyncio.sleep(0)
    assert house.content_route(2) == 0
    assert house.scene_of(house.route(2)).tiles[0].is_content


async def test_people_who_are_seen_beside_a_screen_are_asked_for_more_than_those_within():
    for kinds, size in ((set(Kind), (640, 360)), ({Kind.AUDIO, Kind.VIDEO}, (256, 144))):
        house = Meeting()
        leg = room_system(1)
        leg.media = replace(leg.media, streams=tuple(each for each in leg.media.streams if each.kind in kinds))
        await house.enter(leg)
        await house.enter(FakeLeg(2))
        await house.enter(browser(3))
        assert asked_of(house, stream_id(3, Kind.CONTENT)) == [LimitSource(stream_id(3, Kind.CONTENT), 0)]
        house.conference.request_floor(3)
        await house.flow(3)
        assert (asked_of(house, video(1))[-1].width, asked_of(house, video(1))[-1].height) == size
        assert asked_of(house, stream_id(3, Kind.CONTENT))[-1].bitrate_bps == 2_500_000
