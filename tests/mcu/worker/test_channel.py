"""Frames and messages between processes: whole, in order, bounded, never blocking."""

import os
import socket

import msgspec
import pytest

from mcu.media import Codec
from mcu.worker.channel import MAX_FRAME_BYTES, MAX_OUTBOX_BYTES, Channel, ChannelClosed, Frame, channel_pair
from mcu.worker.messages import Channel as ChannelMessage
from mcu.worker.messages import Levels, MuteLeg, SetScene, Tile, decode, encode


@pytest.fixture
def ends():
    one, other = (Channel(sock) for sock in channel_pair())
    yield one, other
    one.close()
    other.close()


def pump(sender: Channel, receiver: Channel) -> list[object]:
    arrived: list[object] = []
    while True:
        sender.flush()
        got = list(receiver.receive())
        arrived += got
        if not got and not sender.wants_write:
            return arrived


def video(size: int, *, stream: int = 5, is_keyframe: bool = False) -> Frame:
    return Frame(stream, Codec.H264, os.urandom(size), 90_000, 7, 1_000_001, 1_000_002, is_keyframe, 33)


def test_a_frame_of_two_megabytes_arrives_whole_behind_a_message(ends):
    one, other = ends
    frame = video(2 << 20, is_keyframe=True)
    one.send(MuteLeg(1, is_muted=True))
    assert one.send_frame(frame)
    assert one.wants_write, "two megabytes cannot fit the socket at once"
    assert pump(one, other) == [MuteLeg(1, is_muted=True), frame]


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 3 * 65_536])
def test_frames_of_all_sizes(ends, size):
    one, other = ends
    frame = video(size)
    assert one.send_frame(frame)
    assert pump(one, other) == [frame]


def test_a_reader_that_stalls_costs_the_source_up_to_its_next_keyframe(ends):
    one, other = ends
    size = 1 << 20
    sent = 0
    while one.send_frame(video(size)):
        sent += 1
        assert sent * size <= MAX_OUTBOX_BYTES + (4 << 20), "the outbox is bounded"
    assert not one.send_frame(video(100)), "small frames of the source that lost one are useless"
    assert one.drops == {"channel-full": 1, "waiting-for-keyframe": 1}
    assert len(pump(one, other)) == sent
    assert not one.send_frame(video(100))
    assert one.send_frame(video(100, stream=9)), "other sources go on"
    assert one.send_frame(video(100, is_keyframe=True))
    assert one.send_frame(video(100))
    assert len(pump(one, other)) == 3


def test_frames_that_wait_go_out_in_one_datagram_and_arrive_apart(ends):
    one, other = ends
    frames = [video(size, stream=size) for size in (100, 0, 7_000, 65_000, 90_000, 3)]
    for frame in frames[:3]:
        assert one.queue_frame(frame)
    assert list(other.receive()) == [], "nothing goes out before flush()"
    one.flush()
    assert list(other.receive(1)) == frames[:3], "one datagram held them"
    for frame in frames[3:]:
        assert one.queue_frame(frame)
    one.send(MuteLeg(1, is_muted=True))
    assert pump(one, other) == [*frames[3:], MuteLeg(1, is_muted=True)], "large ones go alone, in order"


def test_a_reader_may_stop_between_the_frames_of_a_datagram(ends):
    one, other = ends
    frames = [video(10, stream=n) for n in range(3)]
    for frame in frames:
        one.queue_frame(frame)
    one.flush()
    assert [next(other.receive()) for _ in frames] == frames


def test_rubbish_behind_a_frame_is_counted_and_the_frame_arrives(ends):
    one, other = ends
    one.queue_frame(video(10))
    data = one._outbox[0].data
    os.write(one.fileno(), data + b"\x01rubbish")
    assert len(list(other.receive())) == 1
    assert other.drops == {"bad-piece": 1}


def test_too_large_a_frame_is_refused(ends):
    one, _ = ends
    assert not one.send_frame(video(MAX_FRAME_BYTES + 1))
    assert one.drops == {"frame-too-large": 1}


@pytest.mark.parametrize(
    "data", [b"", b"\x01", b"\x02", b"\x02\xc1", b"\x09abc", b"\x01" + bytes(39), bytes(range(80))]
)
def test_rubbish_is_counted_and_what_follows_arrives(data):
    raw, sock = channel_pair()
    with raw:
        other = Channel(sock)
        if data:
            raw.send(data)
        one = Channel(raw)
        one.send(MuteLeg(4, is_muted=False))
        assert list(other.receive())[-1] == MuteLeg(4, is_muted=False)
        other.close()


def test_a_missing_piece_loses_one_frame_only(ends):
    one, other = ends
    one.send_frame(video(100_000))
    pieces = [other._socket.recv(1 << 17) for _ in range(2)]
    one._socket.send(pieces[0])
    frame = video(70_000)
    one.send_frame(frame)
    assert pump(one, other) == [frame]


def test_the_end_is_told(ends):
    one, other = ends
    other.close()
    with pytest.raises(ChannelClosed):
        one.send(MuteLeg(1, is_muted=True))
    with pytest.raises(ChannelClosed):
        list(one.receive())


def test_a_descriptor_travels(ends):
    one, other = ends
    near, far = socket.socketpair()
    with near, far:
        one.send(ChannelMessage("net"), [far.fileno()])
    ((message, descriptors),) = list(other.receive_with_descriptors())
    assert message == ChannelMessage("net")
    with socket.socket(fileno=descriptors[0]) as arrived:
        assert arrived.recv(1) == b"", "its peer is closed, and it is ours now"


def test_messages_survive_the_wire():
    for message in (
        SetScene("1001", "main", (Tile(0, 0, 0.5, 0.5, 9, "内科 Ward", is_speaking=True),), caption="x"),
        Levels("1001", {3: 25}, (3,), 3),
    ):
        assert decode(encode(message)) == message


def test_descriptors_that_come_with_junk_are_closed() -> None:
    before = len(os.listdir("/proc/self/fd"))
    ours, theirs = channel_pair()
    with ours, theirs:
        reader = Channel(theirs)
        for _ in range(20):
            socket.send_fds(ours, [b"\x02junk"], [ours.fileno()])
        assert list(reader.receive_with_descriptors()) == []
        assert reader.drops["bad-message"] == 20
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "data",
    [
        b"\x82\xa4type\xa5Start\xa8settings\x81\xa1a" + b"\x91" * 5000 + b"\xc0",
        b"\x82\xa4type\xa4Dtmf\xa5digit\xa1\xf4",
    ],
)
def test_what_cannot_be_decoded_is_one_error(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(data)
