"""What a restarted process is told again."""

from mcu.fleet.replay import Replay
from mcu.media import Codec
from mcu.place import Place
from mcu.worker.messages import (
    AddAudioLeg,
    BanSource,
    CloseRendition,
    CloseRoom,
    CloseScene,
    MuteLeg,
    OpenRendition,
    Panel,
    PlayPrompt,
    RemoveAudioLeg,
    SetGain,
    SetScene,
    UpdateRendition,
)
from tests.mcu.fakes import FakeWorker, media


def rendition(number: int, room: str = "1") -> OpenRendition:
    return OpenRendition(number, room, "main", Codec.H264, 1280, 720, 25, 1_500_000)


def told(*messages):
    replay = Replay()
    for message in messages:
        replay.note(message)
    return replay.messages()


def test_standing_orders_are_kept_in_order_and_the_newest_counts():
    first, second = SetScene("1", "main", ()), SetScene("1", "main", (), is_recording=True)
    assert told(first, rendition(1), second, UpdateRendition(1, 4.0)) == [
        second,
        rendition(1),
        UpdateRendition(1, 4.0),
    ]


def test_what_ended_is_forgotten():
    assert told(rendition(1), UpdateRendition(1, 4.0), CloseRendition(1)) == []
    orders = MuteLeg(7, is_muted=True), SetGain(7, 6)
    assert told(AddAudioLeg("1", 7, Codec.OPUS), *orders, RemoveAudioLeg(7)) == []
    assert told(AddAudioLeg("1", 7, Codec.OPUS), *orders) == [AddAudioLeg("1", 7, Codec.OPUS), *orders]


def test_a_closed_room_takes_everything_of_its_own_with_it():
    kept = [rendition(2, "2"), AddAudioLeg("2", 8, Codec.PCMA), MuteLeg(8, is_muted=True)]
    mine = [
        SetScene("1", "main", ()),
        rendition(1),
        UpdateRendition(1, 4.0),
        AddAudioLeg("1", 7, Codec.OPUS),
        MuteLeg(7, is_muted=True),
    ]
    assert told(*mine, *kept, CloseRoom("1")) == kept


def test_a_caller_outside_rooms_finds_everything_again():
    worker = FakeWorker()
    place = Place(worker, 7)
    place.enter(media())
    place.show(Panel("请输入会议号码"))
    place.say("attendant-welcome-room")
    place.echo(3)
    video, audio = (
        told(*(message for process, message in worker.sent if process == name)) for name in ("video", "audio")
    )
    scene, picture = video
    assert (scene.panel.title, scene.delay_ms, picture.frame_rate) == ("请输入会议号码", 3000, 25)
    assert audio == [AddAudioLeg("~7", 7, Codec.OPUS, echo_ms=3000)]
    place.leave()
    assert not told(*(message for process, message in worker.sent if process in ("video", "audio")))


def test_closed_scenes_are_forgotten():
    assert told(SetScene("1", "panel-7", ()), CloseScene("1", "panel-7")) == []


def test_passing_messages_leave_no_trace():
    assert told(PlayPrompt("1", "recording-started")) == []


def test_a_ban_outlives_everything_but_its_end():
    assert told(BanSource(9, is_banned=True), CloseRoom("1")) == [BanSource(9, is_banned=True)]
