"""What a caller's place tells its worker."""

from __future__ import annotations

import pytest

from mcu.media import Codec, Format, Kind, needs_tone_detection, stream_id
from mcu.place import MAX_ECHO_S, Place
from mcu.worker.messages import (
    AddAudioLeg,
    AttachLeg,
    CloseRendition,
    CloseRoom,
    MoveLeg,
    OpenRendition,
    Panel,
    PlayPrompt,
    RemoveAudioLeg,
    RouteVideo,
    SetScene,
    StopPrompts,
)
from tests.mcu.fakes import H264, H264_MODE_0, VP8, FakeWorker, media

PCMA = Format(Codec.PCMA, 8, 8_000)
EVENTS = Format(Codec.TELEPHONE_EVENT, 101, 8_000)
QUESTION = Panel("请输入会议号码", ("Enter the room number, then #",), entry="12")


def entered(*chosen, **changes) -> tuple[FakeWorker, Place]:
    worker = FakeWorker()
    place = Place(worker, 7)
    place.enter(media(*chosen, **changes))
    return worker, place


def test_who_enters_gets_a_small_still_picture_and_a_sound_of_its_own():
    worker, place = entered()
    (picture,) = worker.told(OpenRendition)
    assert (picture.room, picture.width, picture.height, picture.frame_rate) == ("~7", 640, 360, 5)
    assert worker.told(RouteVideo) == [RouteVideo(7, picture.rendition)]
    assert worker.told(AddAudioLeg) == [AddAudioLeg("~7", 7, Codec.OPUS)]
    assert place.has_picture


def test_the_gate_opens_last_and_lets_nothing_in_that_nobody_needs():
    worker, _ = entered()
    to_net = [message for process, message in worker.sent if process == "net"]
    assert to_net[0] == MoveLeg(7, "~7")
    assert to_net[-1] == AttachLeg(7, ())


def test_sound_is_let_in_where_digits_may_be_in_it():
    worker, _ = entered(audio=PCMA)
    assert worker.told(AddAudioLeg)[0].listens_for_digits
    assert worker.told(AttachLeg) == [AttachLeg(7, (Kind.AUDIO,))]


@pytest.mark.parametrize(
    ("formats", "is_needed"),
    [
        ((PCMA,), True),
        ((Format(Codec.G722, 9, 8_000),), True),
        ((Format(Codec.OPUS, 111, 48_000),), False),
        ((PCMA, EVENTS), False),
        ((), False),
    ],
)
def test_tones_are_looked_for_only_where_there_are_no_telephone_events(formats, is_needed):
    stream = media().stream(Kind.AUDIO)
    assert needs_tone_detection(type(stream)("a", Kind.AUDIO, formats, PCMA)) is is_needed


def test_only_news_are_shown():
    worker, place = entered()
    before = len(worker.sent)
    place.show(QUESTION)
    place.show(QUESTION)
    assert worker.sent[before:] == [("video", SetScene("~7", "place", (), panel=QUESTION))]


def test_words_shown_before_entering_are_there_at_once():
    worker = FakeWorker()
    place = Place(worker, 7)
    place.show(QUESTION)
    place.say("attendant-welcome-room")
    assert not worker.sent
    place.enter(media())
    assert worker.told(SetScene)[0].panel == QUESTION


def test_prompts_wait_for_each_other_unless_a_digit_was_pressed():
    worker, place = entered()
    place.say("attendant-wrong-passcode", "attendant-passcode")
    place.say("muted", interrupt=True)
    place.say(interrupt=True)
    told = [message for process, message in worker.sent if process == "audio"][1:]
    assert told == [
        PlayPrompt("~7", "attendant-wrong-passcode", 7),
        PlayPrompt("~7", "attendant-passcode", 7),
        StopPrompts("~7", 7),
        PlayPrompt("~7", "muted", 7),
        StopPrompts("~7", 7),
    ]


def test_the_echo_shows_the_own_picture_fluently_and_lets_everything_in():
    worker, place = entered()
    still = worker.told(OpenRendition)[0]
    place.show(QUESTION)
    place.echo(3.0)
    scene = worker.told(SetScene)[-1]
    assert (scene.tiles[0].stream, scene.delay_ms, scene.panel) == (stream_id(7, Kind.VIDEO), 3000, QUESTION)
    assert worker.told(OpenRendition)[-1].frame_rate == 25
    assert worker.told(CloseRendition) == [CloseRendition(still.rendition)]
    assert worker.told(AddAudioLeg)[-1].echo_ms == 3000
    assert worker.told(AttachLeg)[-1] == AttachLeg(7, (Kind.AUDIO, Kind.VIDEO))
    place.echo(0)
    assert worker.told(SetScene)[-1].tiles == ()
    assert worker.told(AttachLeg)[-1] == AttachLeg(7, ())


def test_the_echo_is_bounded():
    worker, place = entered()
    place.echo(1e9)
    assert worker.told(AddAudioLeg)[-1].echo_ms == MAX_ECHO_S * 1000


def test_who_leaves_leaves_nothing_behind():
    worker, place = entered()
    place.show(QUESTION)
    place.leave("1001")
    assert worker.told(MoveLeg)[-1] == MoveLeg(7, "1001")
    assert worker.told(RemoveAudioLeg) == [RemoveAudioLeg(7)]
    assert worker.told(CloseRoom) == [CloseRoom("~7")]
    before = len(worker.sent)
    place.leave()
    place.say("menu")
    place.show(Panel("x"))
    assert len(worker.sent) == before
    assert not worker.closed, "the leg lives on"


def test_it_can_be_entered_again():
    worker, place = entered()
    place.leave()
    place.enter(media())
    first, second = worker.told(OpenRendition)
    assert first.rendition != second.rendition
    assert worker.told(AttachLeg) == [AttachLeg(7, ())] * 2


def test_a_renegotiation_changes_what_it_concerns():
    worker, place = entered()
    place.enter(media())
    assert len(worker.told(OpenRendition)) == len(worker.told(AddAudioLeg)) == len(worker.told(AttachLeg)) == 1
    place.enter(media(video=VP8))
    assert worker.told(OpenRendition)[-1].codec is Codec.VP8
    assert worker.told(CloseRendition)
    place.enter(media(video=None, audio=None))
    assert worker.told(RouteVideo)[-1] == RouteVideo(7, 0)
    assert worker.told(RemoveAudioLeg)
    assert not place.has_picture


def test_terminals_get_what_they_can_decode():
    worker, _ = entered(video=H264_MODE_0)
    assert worker.told(OpenRendition)[0].max_slice_bytes
    small = Format(Codec.H264, 96, 90_000, "42e00a", 1)
    worker, _ = entered(video=small)
    picture = worker.told(OpenRendition)[0]
    assert (picture.width, picture.height) == (176, 96)
    assert entered(video=H264)[0].told(OpenRendition)[0].width == 640
