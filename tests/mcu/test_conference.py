"""A running room, with a worker that only notes what it is told."""

import asyncio
from dataclasses import replace as replace_policy

import pytest
from msgspec.structs import replace

from mcu.conferences import Conferences
from mcu.leg import HangUp
from mcu.media import Codec, Format, Kind, stream_id
from mcu.participant import Role
from mcu.policy import LayoutMode, RecordPolicy, RoomPolicy
from mcu.worker.messages import (
    AddAudioLeg,
    AttachLeg,
    BanSource,
    CloseRendition,
    CloseRoom,
    KeyframeWanted,
    LegStats,
    Levels,
    MuteLeg,
    OpenRecorderLeg,
    OpenRendition,
    Panel,
    PlayPrompt,
    RecordingEnded,
    RemoveAudioLeg,
    RouteVideo,
    SetGain,
    SetScene,
    StartRecording,
    StopPrompts,
    StopRecording,
    StreamStats,
)
from tests.mcu.fakes import H264, H264_MODE_0, VP8, FakeFleet, FakeLeg, FakeRegister, media


class House:
    def __init__(self, **policy: object) -> None:
        self.fleet = FakeFleet()
        self.worker = self.fleet.worker
        self.register = FakeRegister()
        self.conferences = Conferences(self.fleet, self.register)
        self.policy = RoomPolicy("1001", "Ward 3", **policy)  # type: ignore[arg-type]
        self.events: list[str] = []
        self.conferences.observe(lambda event: self.events.append(event.kind))

    async def join(self, leg: int, role: Role = Role.GUEST, **how: object):
        self.conference = await self.conferences.open(self.policy)
        fake = FakeLeg(leg, media(**how))  # type: ignore[arg-type]
        await self.conference.join(fake, f"P{leg}", role)
        return fake

    def scene(self, name: str = "main") -> SetScene:
        return [s for s in self.worker.told(SetScene) if s.scene == name][-1]  # type: ignore[attr-defined, return-value]

    def streams(self, name: str = "main") -> list[int]:
        return [tile.stream for tile in self.scene(name).tiles]

    def route(self, leg: int) -> int:
        return [r.rendition for r in self.worker.told(RouteVideo) if r.leg == leg][-1]  # type: ignore[attr-defined]


def video(leg: int) -> int:
    return stream_id(leg, Kind.VIDEO)


async def test_legs_with_equal_wishes_share_one_encoder():
    house = House()
    for leg in range(1, 6):
        await house.join(leg)
    assert len(house.worker.told(OpenRendition)) == 1
    assert {house.route(leg) for leg in range(1, 6)} == {house.route(1)}
    assert house.streams() == [video(leg) for leg in range(1, 6)]
    assert [m.leg for m in house.worker.told(AttachLeg)] == [1, 2, 3, 4, 5]
    assert [m.leg for m in house.worker.told(AddAudioLeg)] == [1, 2, 3, 4, 5]


async def test_other_codecs_get_their_own_and_free_it_again():
    house = House()
    await house.join(1)
    await house.join(2, video=VP8)
    await house.join(3, video=H264_MODE_0)
    await house.join(4, video=None)
    assert len({house.route(leg) for leg in (1, 2, 3)}) == 3
    assert house.conference.encoder_count == 3
    mine = house.route(2)
    await house.conference.leave(2)
    assert [m.rendition for m in house.worker.told(CloseRendition)] == [mine]
    assert house.streams()[-1] == 0, "who has no camera gets a card"


async def test_the_room_closes_behind_the_last():
    house = House()
    await house.join(1)
    await house.join(2)
    await house.conference.leave(1)
    assert house.conferences.get("1001")
    await house.conference.leave(2)
    await house.conference.leave(2)
    assert house.conferences.get("1001") is None
    assert house.fleet.released == ["1001"]
    assert house.worker.closed == [1, 2]
    assert [process for process, message in house.worker.sent if isinstance(message, CloseRoom)] == ["video", "audio"]
    assert house.events.count("closed") == 1


async def test_who_speaks_gets_the_border_and_in_speaker_layout_the_big_tile():
    house = House(layout=LayoutMode.SPEAKER)
    for leg in (1, 2, 3):
        await house.join(leg)
    house.worker.say(Levels("1001", {2: 20, 3: 90}, (2, 3), speaker=2))
    assert house.streams()[0] == video(2)
    assert [tile.is_speaking for tile in house.scene().tiles] == [True, False, False]


async def test_a_lecture_shows_the_audience_to_the_speaker():
    house = House(layout=LayoutMode.LECTURE)
    for leg in (1, 2, 3):
        await house.join(leg)
    house.worker.say(Levels("1001", {2: 20}, (2,), speaker=2))
    assert house.streams() == [video(2)]
    assert house.streams("audience") == [video(1), video(3)]
    assert house.route(1) == house.route(3) != house.route(2)
    house.conference.set_layout(LayoutMode.GRID)
    await asyncio.sleep(0)
    assert len({house.route(leg) for leg in (1, 2, 3)}) == 1


async def test_mute_holds_in_sound_and_picture():
    house = House()
    await house.join(1, Role.HOST)
    await house.join(2)
    house.conference.mute_all()
    await asyncio.sleep(0)
    assert house.worker.told(MuteLeg) == [MuteLeg(2, is_muted=True)]
    assert [tile.is_muted for tile in house.scene().tiles] == [False, True]
    with pytest.raises(KeyError):
        house.conference.mute(99, is_muted=True)


async def test_remove_hangs_up_and_lock_is_told():
    house = House()
    await house.join(1, Role.HOST)
    guest = await house.join(2)
    house.conference.lock(is_locked=True)
    assert house.conferences.is_locked("1001")
    await house.conference.remove(2)
    assert guest.hung_up is HangUp.REMOVED
    assert list(house.conference.participants) == [1]


async def test_hold_takes_the_leg_out_of_the_mix_and_resume_brings_it_back():
    house = House()
    leg = await house.join(1)
    await house.join(2)
    leg.media = media(video=None, audio=None)
    house.conference.leg_changed(1)
    await asyncio.sleep(0)
    assert house.worker.told(RemoveAudioLeg) == [RemoveAudioLeg(1)]
    assert house.route(1) == 0
    leg.media = media()
    house.conference.leg_changed(1)
    await asyncio.sleep(0)
    assert house.worker.told(AddAudioLeg)[-1] == AddAudioLeg("1001", 1, Codec.OPUS)
    assert house.route(1) == house.route(2)


async def test_a_shared_screen_is_the_big_tile_while_it_flows():
    house = House()
    await house.join(1, content=VP8)
    await house.join(2)

    def report(bitrate_bps: int) -> None:
        content = StreamStats(Kind.CONTENT, received_bitrate_bps=bitrate_bps)
        house.worker.say_of(1, LegStats(1, (content,)))

    report(500_000)
    await asyncio.sleep(0)
    assert house.scene().tiles[0].is_content
    assert house.streams() == [stream_id(1, Kind.CONTENT), video(1), video(2)]
    report(0)
    report(0)
    await asyncio.sleep(0)
    assert house.streams() == [video(1), video(2)]


async def test_recording_is_one_more_receiver_of_the_main_picture():
    house = House()
    await house.join(1)
    await house.conference.start_recording("admin")
    await house.conference.start_recording("admin")
    assert len(house.worker.told(OpenRendition)) == 1, "no second encode"
    (opened,) = house.worker.told(OpenRecorderLeg)
    assert opened.rendition == house.route(1)
    assert AddAudioLeg("1001", opened.leg, Codec.OPUS, is_recorder=True) in house.worker.told(AddAudioLeg)
    assert house.scene().is_recording
    stopping = asyncio.create_task(house.conference.stop_recording())
    await asyncio.sleep(0)
    assert house.worker.told(StopRecording) == [StopRecording(opened.leg)]
    house.worker.say(RecordingEnded("recording-0", 10, 1.0, "ab"))
    await stopping
    assert not house.conference.is_recording
    assert not house.scene().is_recording
    assert house.register.ended[0][1] == ("P1",)
    assert house.events.count("recording-started") == house.events.count("recording-ended") == 1


async def test_policy_always_records_from_the_first_and_off_never():
    always = House(record=RecordPolicy.ALWAYS)
    await always.join(1, video=VP8)
    await asyncio.sleep(0.01)
    assert always.conference.is_recording
    assert [m.codec for m in always.worker.told(OpenRendition)] == [Codec.VP8, Codec.H264]
    off = House(record=RecordPolicy.OFF)
    await off.join(1)
    await off.conference.start_recording("admin")
    assert not off.conference.is_recording


async def test_a_room_full_of_different_terminals_can_be_recorded_and_everybody_sees():
    house = House()
    wishes = [H264_MODE_0, VP8, replace(H264, profile_level_id="42e01e"), replace(VP8, max_fs=1200),
              replace(H264_MODE_0, profile_level_id="42e00c")]  # fmt: skip
    for leg, wish in enumerate(wishes, 1):
        await house.join(leg, video=wish)
    assert house.conference.encoder_count == 4
    assert all(house.route(leg) for leg in range(1, 6))
    await house.conference.start_recording("admin")
    (opened,) = house.worker.told(OpenRecorderLeg)
    recorded = next(m for m in house.worker.told(OpenRendition) if m.rendition == opened.rendition)
    assert (recorded.codec, recorded.width, recorded.max_slice_bytes) == (Codec.H264, 1280, 0)
    assert house.conference.encoder_count <= 4
    assert all(house.route(leg) for leg in range(1, 6))
    closed = {m.rendition for m in house.worker.told(CloseRendition)}
    assert not closed & {opened.rendition, *(house.route(leg) for leg in range(1, 6))}


async def test_a_lost_recorder_is_followed_by_a_new_file(monkeypatch):
    monkeypatch.setattr("mcu.room_recording._AGAIN_AFTER_S", 0)
    house = House()
    await house.join(1)
    await house.conference.start_recording("admin")
    house.worker.say(RecordingEnded("", 0, 0, "", error="recorder process ended"))
    await asyncio.sleep(0.01)
    assert [order.recording for order in house.worker.told(StartRecording)] == ["recording-0", "recording-1"]
    assert house.register.ended[0][0].recording == "recording-0"
    assert house.conference.is_recording


async def test_a_running_room_follows_what_another_program_stored_but_nothing_older():
    house = House(changed_at=10.0)
    await house.join(1)
    house.conferences.follow(replace_policy(house.policy, is_locked=True, changed_at=20.0))
    assert house.conferences.is_locked("1001")
    house.conferences.follow(replace_policy(house.policy, changed_at=15.0))
    assert house.conferences.is_locked("1001")
    house.conference.lock(is_locked=False)
    house.conferences.follow(replace_policy(house.policy, is_locked=True, changed_at=20.0))
    assert not house.conferences.is_locked("1001"), "what the host decided since then holds"
    house.conferences.follow(replace_policy(house.policy, number="4711", changed_at=30.0))


async def test_keyframes_and_bans_find_their_leg():
    house = House()
    leg = await house.join(1)
    house.worker.say_of(1, KeyframeWanted(1, Kind.VIDEO))
    assert leg.keyframes == [Kind.VIDEO]
    house.worker.say(BanSource(video(1), is_banned=True))
    assert house.conference.snapshot()["participants"][0]["is_video_banned"]  # type: ignore[index]
    house.conference.allow_video(1)
    assert house.worker.told(BanSource) == [BanSource(video(1), is_banned=False)]


async def test_waiting_ends_when_the_host_comes():
    house = House()
    await house.join(1)
    waiting = asyncio.create_task(house.conferences.wait("1001"))
    await asyncio.sleep(0)
    house.worker.say(Levels("1001", {1: 20}, (1,), 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    await house.join(2, Role.HOST)
    await asyncio.wait_for(waiting, 1)
    assert house.conferences.host_is_in("1001")
    assert house.conferences.count("1001") == 2


async def test_digits_are_looked_for_in_sound_that_alone_can_carry_them():
    house = House()
    await house.join(1)
    await house.join(2, audio=Format(Codec.PCMA, 8, 8_000))
    assert [order.listens_for_digits for order in house.worker.told(AddAudioLeg)] == [False, True]


async def test_rights_hands_and_layouts():
    house = House()
    await house.join(1)
    conference = house.conference
    for _ in LayoutMode:
        conference.next_layout()
    assert conference.layout is house.policy.layout
    conference.next_layout()
    assert conference.layout is LayoutMode.GRID
    assert not conference.host_is_in
    conference.set_role(1, Role.HOST)
    conference.raise_hand(1, is_raised=True)
    row = conference.snapshot()["participants"][0]  # type: ignore[index]
    assert (row["role"], row["has_hand_raised"], conference.host_is_in) == ("host", True, True)
    await asyncio.sleep(0)
    assert house.scene().tiles[0].label == "\u261d P1"
    conference.raise_hand(1, is_raised=False)
    assert not conference.participants[1].has_hand_raised
    assert "role" in house.events
    for verb in (
        lambda leg: conference.set_role(leg, Role.HOST),
        lambda leg: conference.raise_hand(leg, is_raised=True),
        lambda leg: conference.set_gain(leg, 3),
        conference.set_spotlight,
    ):
        with pytest.raises(KeyError):
            verb(9)
    conference.set_role(1, Role.GUEST)
    assert not conference.host_is_in


async def test_the_spotlight_gives_the_big_tile_whoever_speaks_until_its_owner_leaves():
    house = House()
    for leg in (1, 2, 3):
        await house.join(leg)
    conference = house.conference
    conference.set_layout(LayoutMode.GRID)
    conference.set_spotlight(3)
    house.worker.say(Levels("1001", {1: 20}, (1,), 1))
    await asyncio.sleep(0)
    first, second = house.scene().tiles[:2]
    assert first.label == "P3"
    assert first.width * first.height > 2 * second.width * second.height
    assert conference.snapshot()["spotlight"] == 3
    await conference.leave(3)
    assert conference.spotlight == 0
    assert len({(tile.width, tile.height) for tile in house.scene().tiles}) == 1, "the grid is back"


async def test_own_layouts_are_as_many_as_the_room_can_bear_and_the_key_goes_round_them():
    house = House()
    for leg in (1, 2, 3):
        await house.join(leg)
    conference = house.conference
    conference.set_layout(LayoutMode.GRID)
    assert conference.set_own_layout(1, LayoutMode.SPEAKER)
    assert conference.set_own_layout(2, LayoutMode.LECTURE)
    assert not conference.set_own_layout(3, LayoutMode.AUTO)
    assert conference.set_own_layout(3, LayoutMode.SPEAKER)
    seen = []
    for _ in range(4):
        conference.next_own_layout(3)
        seen.append(conference.participants[3].layout)
    assert seen == [LayoutMode.LECTURE, None, LayoutMode.SPEAKER, LayoutMode.LECTURE], "AUTO would be one too many"
    assert conference.snapshot()["participants"][2]["layout"] == "lecture"  # type: ignore[index]


async def test_a_volume_is_bounded_and_told_again_after_another_codec():
    house = House()
    leg = await house.join(1)
    house.conference.set_gain(1, -90)
    assert house.conference.snapshot()["participants"][0]["gain_db"] == -24  # type: ignore[index]
    leg.media = media(audio=Format(Codec.PCMA, 8, 8_000))
    house.conference.leg_changed(1)
    assert [(order.leg, order.gain_db) for order in house.worker.told(SetGain)] == [(1, -24), (1, -24)]


async def test_a_message_is_read_by_all_and_goes_by_itself(monkeypatch):
    monkeypatch.setattr("mcu.notice.SHOWN_S", (0, 600))
    house = House()
    await house.join(1)
    house.conference.show_message("Please wait", 600)
    await asyncio.sleep(0)
    assert house.scene().caption == "Please wait"
    house.conference.show_message("x" * 500, 0.0)
    assert len(house.conference.message) == 80
    await asyncio.sleep(0.01)
    assert (house.scene().caption, house.conference.snapshot()["message"]) == ("", "")


async def test_a_panel_and_prompts_are_for_one_alone():
    house = House()
    await house.join(1)
    await house.join(2)
    shared = house.route(1)
    house.conference.show_panel(1, Panel("Menu"))
    await asyncio.sleep(0)
    private = [scene for scene in house.worker.told(SetScene) if scene.panel is not None]  # type: ignore[attr-defined]
    assert [scene.panel for scene in private] == [Panel("Menu")]  # type: ignore[attr-defined]
    assert (house.route(1) != shared, house.route(2)) == (True, shared)
    house.conference.speak_to(1, "menu", interrupt=True)
    assert house.worker.told(StopPrompts) == [StopPrompts("1001", 1)]
    assert house.worker.told(PlayPrompt) == [PlayPrompt("1001", "menu", 1)]
    house.conference.show_panel(1, None)
    await asyncio.sleep(0)
    assert house.route(1) == shared
    house.conference.show_panel(9, Panel("nobody"))


async def test_who_proved_to_be_whom_is_in_the_roster():
    house = House()
    conference = await house.conferences.open(house.policy)
    await conference.join(FakeLeg(1), "Ward 3", Role.GUEST, "ward3")
    assert conference.snapshot()["participants"][0]["identity"] == "ward3"  # type: ignore[index]
