"""Renditions and mixes for many receivers, with lists for legs and numbers for time."""

from __future__ import annotations

from collections import Counter

import pytest

from mcu.media import Codec, Format
from mcu.net.fanout import Fanout
from mcu.net.recorder_leg import RecorderLeg
from mcu.rtp import h263, h263_old
from mcu.rtp.history import RingFrame
from mcu.worker.channel import Frame
from mcu.worker.messages import Message, StopRecording
from tests.mcu.net.harness import H264, VP8

MS = 1000
KEY = b"\x00\x00\x00\x01\x65" + bytes(range(1, 200)) * 20
DELTA = b"\x00\x00\x00\x01\x41" + bytes(range(1, 100))


class Viewer:
    def __init__(self, form: Format | None = H264) -> None:
        self.form = form
        self.pictures: list[RingFrame] = []
        self.sound: list[Frame] = []
        self.is_stuck = False

    def picture_format(self) -> Format | None:
        return self.form

    def put_rendition(self, picture: Frame, pieces: RingFrame, rate_bps: int, now_us: int) -> bool:
        if not self.is_stuck:
            self.pictures.append(pieces)
        return not self.is_stuck

    def put_sound(self, frame: Frame) -> None:
        self.sound.append(frame)

    @property
    def numbers(self) -> list[int]:
        return [pieces.number for pieces in self.pictures]


class Room:
    """One rendition at 25/s and its encoder."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.counters: Counter[str] = Counter()
        self.fanout = Fanout(self.asked.append, self.counters)
        self.now_us = 10_000_000
        self.tick = 0

    def show(self, count: int = 1, *, key: bool = False, rendition: int = 5) -> None:
        for n in range(count):
            is_key = key and n == 0
            payload = KEY if is_key else DELTA
            frame = Frame(rendition, Codec.H264, payload, self.tick * 3600, is_keyframe=is_key)
            self.fanout.receive_picture(frame, self.now_us)
            self.now_us += 40 * MS
            self.tick += 1


def test_first_viewer_asks_and_begins_at_the_keyframe() -> None:
    room, viewer = Room(), Viewer()
    room.fanout.route(1, viewer, 5, room.now_us)
    assert room.asked == [5]
    room.show(3)
    assert not viewer.pictures
    room.show(3, key=True)
    assert viewer.numbers == [3, 4, 5]


def test_joiner_within_a_second_gets_the_frames_since_the_keyframe_and_no_new_one_is_asked_for() -> None:
    room, first, second = Room(), Viewer(), Viewer()
    room.fanout.route(1, first, 5, room.now_us)
    room.show(10, key=True)
    room.fanout.route(2, second, 5, room.now_us)
    assert second.numbers == list(range(10))
    room.show(2)
    assert second.numbers == list(range(12))
    assert room.asked == [5]
    assert first.pictures[0] is second.pictures[0]  # cut once


def test_joiner_later_waits_for_a_new_keyframe() -> None:
    room, first, second = Room(), Viewer(), Viewer()
    room.fanout.route(1, first, 5, room.now_us)
    room.show(50, key=True)
    room.fanout.route(2, second, 5, room.now_us)
    assert room.asked == [5, 5]
    room.show(3)
    assert not second.pictures
    room.show(2, key=True)
    assert second.numbers == [53, 54]
    assert first.numbers == list(range(55))


def test_requests_are_spaced_and_repeated_until_a_keyframe_comes() -> None:
    room = Room()
    room.fanout.route(1, Viewer(), 5, room.now_us)
    for leg in range(2, 50):
        room.fanout.route(leg, Viewer(), 5, room.now_us)
        room.fanout.want_keyframe(leg, room.now_us)
    assert room.asked == [5]
    room.fanout.handle_timeout(room.now_us + 300 * MS)
    assert room.asked == [5, 5]
    room.now_us += 400 * MS
    room.show(key=True)
    room.fanout.handle_timeout(room.now_us + 5000 * MS)
    assert room.asked == [5, 5]


def test_one_stuck_viewer_waits_alone() -> None:
    room, good, stuck = Room(), Viewer(), Viewer()
    room.fanout.route(1, good, 5, room.now_us)
    room.fanout.route(2, stuck, 5, room.now_us)
    room.show(2, key=True)
    stuck.is_stuck = True
    room.show()
    stuck.is_stuck = False
    room.show()
    assert len(stuck.pictures) == 2
    room.show(key=True)
    assert len(stuck.pictures) == 3
    assert len(good.pictures) == 5


def test_switch_goes_on_with_one_until_the_keyframe_of_the_other() -> None:
    room, viewer = Room(), Viewer()
    room.fanout.route(1, viewer, 5, room.now_us)
    room.show(2, key=True)
    room.fanout.route(1, viewer, 6, room.now_us)
    assert room.asked == [5, 6]
    room.show(1)
    room.show(1, rendition=6)
    assert len(viewer.pictures) == 3
    room.show(2, key=True, rendition=6)
    assert len(viewer.pictures) == 5
    room.show(1)
    assert room.counters["rendition-unwatched"] == 1
    room.fanout.route(1, viewer, 6, room.now_us)  # said again: nothing is sent twice
    assert len(viewer.pictures) == 5
    room.fanout.route(1, viewer, 0, room.now_us)
    room.show(1, key=True, rendition=6)
    assert len(viewer.pictures) == 5


def test_who_thinks_better_of_a_switch_goes_on_as_if_nothing_was_said() -> None:
    room, viewer = Room(), Viewer()
    room.fanout.route(1, viewer, 5, room.now_us)
    room.show(2, key=True)
    for rendition in (6, 7, 5):
        room.fanout.route(1, viewer, rendition, room.now_us)
    room.show(2)
    assert viewer.numbers == [0, 1, 2, 3]
    for rendition in (6, 7):
        room.show(1, key=True, rendition=rendition)
    assert room.counters["rendition-unwatched"] == 2
    assert len(viewer.pictures) == 4


def test_who_leaves_during_a_switch_is_sent_neither() -> None:
    room, viewer = Room(), Viewer()
    room.fanout.route(1, viewer, 5, room.now_us)
    room.show(1, key=True)
    room.fanout.route(1, viewer, 6, room.now_us)
    room.fanout.route(1, viewer, 0, room.now_us)
    room.show(1)
    room.show(1, key=True, rendition=6)
    assert len(viewer.pictures) == 1
    assert room.counters["rendition-unwatched"] == 2


def test_small_slices_for_packetization_mode_0() -> None:
    room, viewer = Room(), Viewer(Format(Codec.H264, 97, 90000, packetization_mode=0))
    room.fanout.route(1, viewer, 5, room.now_us)
    unit = b"\x00\x00\x00\x01\x65" + bytes(range(1, 200)) * 4
    room.fanout.receive_picture(Frame(5, Codec.H264, unit * 3, is_keyframe=True), room.now_us)
    assert [piece.payload[0] for piece in viewer.pictures[0].pieces] == [0x65] * 3  # single NAL units, no FU-A


def test_wrong_codec_is_not_sent() -> None:
    room, viewer = Room(), Viewer(VP8)
    room.fanout.route(1, viewer, 5, room.now_us)
    room.show(2, key=True)
    assert not viewer.pictures


def test_new_video_process_is_asked_at_once_and_old_frames_are_not_replayed() -> None:
    room, first, second = Room(), Viewer(), Viewer()
    room.fanout.route(1, first, 5, room.now_us)
    room.show(10, key=True)
    room.fanout.restart_pictures(room.now_us)
    room.fanout.handle_timeout(room.now_us)
    assert room.asked == [5, 5]
    room.fanout.route(2, second, 5, room.now_us)
    room.show(2)
    assert len(first.pictures) == 10
    assert not second.pictures
    room.show(1, key=True)
    assert len(first.pictures) == 11
    assert len(second.pictures) == 1


def test_sound_goes_to_those_assigned_and_to_nobody_after_a_restart() -> None:
    room, one, two = Room(), Viewer(), Viewer()
    room.fanout.assign(1, one, 7)
    room.fanout.assign(2, two, 7)
    room.fanout.receive_sound(Frame(7, Codec.OPUS, b"a"))
    room.fanout.assign(2, two, 8)
    room.fanout.receive_sound(Frame(7, Codec.OPUS, b"b"))
    room.fanout.receive_sound(Frame(8, Codec.OPUS, b"c"))
    assert [frame.payload for frame in one.sound] == [b"a", b"b"]
    assert [frame.payload for frame in two.sound] == [b"a", b"c"]
    room.fanout.forget_outputs()
    room.fanout.receive_sound(Frame(7, Codec.OPUS, b"d"))
    assert len(one.sound) == 2
    assert room.counters["mix-unheard"] == 1
    room.fanout.assign(1, one, 1)
    room.fanout.remove(1, one, room.now_us)
    room.fanout.receive_sound(Frame(1, Codec.OPUS, b"e"))
    assert len(one.sound) == 2


def test_a_mix_may_be_assigned_before_the_leg_is_open() -> None:
    room, one = Room(), Viewer()
    for leg in range(1000):
        room.fanout.assign(leg, None, 7)  # bounded: the last ones are kept
    room.fanout.admit(999, one)
    room.fanout.admit(3, one)
    room.fanout.receive_sound(Frame(7, Codec.OPUS, b"a"))
    assert len(one.sound) == 1


@pytest.mark.parametrize("is_full", [False, True])
def test_recorder_gets_whole_pictures_from_a_keyframe_on(is_full: bool) -> None:
    room = Room()
    taken: list[Frame] = []
    told: list[Message] = []

    class Recorder:
        def send_frame(self, frame: Frame) -> bool:
            taken.append(frame)
            return not is_full

        def send(self, message: Message) -> None:
            told.append(message)

    recorder = RecorderLeg(9, Recorder())
    room.fanout.route(9, recorder, 5, room.now_us)
    room.fanout.assign(9, recorder, 3)
    assert room.asked == [5]
    room.show(1)
    room.show(3, key=True)
    room.fanout.receive_sound(Frame(3, Codec.OPUS, b"sound", rtp_timestamp=960))
    pictures = [frame for frame in taken if frame.codec is Codec.H264]
    assert [frame.payload for frame in pictures] == ([KEY] if is_full else [KEY, DELTA, DELTA])
    assert {frame.stream for frame in pictures} == {37}
    assert (taken[-1].stream, taken[-1].payload, taken[-1].rtp_timestamp) == (36, b"sound", 960)
    recorder.close()
    assert told == [StopRecording(9)]


def test_one_encoder_of_h263_serves_both_payload_formats() -> None:
    room = Room()
    newer, older, other = (Viewer(Format(codec, 96, 90_000)) for codec in (Codec.H263, Codec.H263_1996, Codec.VP8))
    picture = b"\0\0\x80\x02\x0c" + bytes(range(1, 100))
    room.fanout.route(1, newer, 5, room.now_us)
    room.fanout.receive_picture(Frame(5, Codec.H263, picture, 0, is_keyframe=True), room.now_us)
    for leg, viewer in ((2, older), (3, other)):
        room.fanout.route(leg, viewer, 5, room.now_us)
    room.fanout.receive_picture(Frame(5, Codec.H263, picture, 6000), room.now_us)
    assert [viewer.numbers for viewer in (newer, older, other)] == [[0, 1], [0, 1], []]
    for viewer, depacketizer in ((newer, h263.Depacketizer()), (older, h263_old.Depacketizer())):
        for seen in viewer.pictures:
            joined = depacketizer.join([piece.payload for piece in seen.pieces])
            assert joined is not None
            assert joined.payload == picture
