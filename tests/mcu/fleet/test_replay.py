"""What a restarted process is told again."""

from mcu.fleet.replay import Replay
from mcu.media import Codec
from mcu.worker.messages import (
    AddAudioLeg,
    BanSource,
    CloseRendition,
    CloseRoom,
    MuteLeg,
    OpenRendition,
    PlayPrompt,
    RemoveAudioLeg,
    SetScene,
    UpdateRendition,
)


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
    assert told(AddAudioLeg("1", 7, Codec.OPUS), MuteLeg(7, is_muted=True), RemoveAudioLeg(7)) == []


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


def test_passing_messages_leave_no_trace():
    assert told(PlayPrompt("1", "recording-started")) == []


def test_a_ban_outlives_everything_but_its_end():
    assert told(BanSource(9, is_banned=True), CloseRoom("1")) == [BanSource(9, is_banned=True)]
