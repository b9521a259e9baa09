"""What waits for the recorder: when it is handed over, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from mcu.media import Codec
from mcu.net import links
from mcu.net.links import PatientLink
from mcu.worker import channel
from mcu.worker.channel import Channel, Frame, channel_pair
from mcu.worker.messages import AnyMessage, StopRecording


class Ends:
    """A link and what comes out at its other end."""

    def __init__(self) -> None:
        ours, theirs = channel_pair()
        self.counters: Counter[str] = Counter()
        self.link = PatientLink("recorder", lambda _: None, self.counters)
        self.link.connect(ours.detach())
        self.other = Channel(theirs)
        self.link.handle_timeout(1_000_000)

    def came(self) -> list[bytes | AnyMessage]:
        try:
            return [item.payload if isinstance(item, Frame) else item for item in self.other.receive()]
        except channel.ChannelClosed:
            return []


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    made = Ends()
    yield made
    made.link.close()
    made.other.close()


def sound(payload: bytes) -> Frame:
    return Frame(36, Codec.OPUS, payload)


async def test_frames_go_out_together_when_it_is_time(ends: Ends) -> None:
    for payload in (b"a", b"b", b"c"):
        assert ends.link.send_frame(sound(payload))
        ends.link.handle_timeout(1_190_000)
    assert ends.came() == []
    ends.link.handle_timeout(1_200_000)
    assert ends.came() == [b"a", b"b", b"c"]


async def test_the_end_of_a_recording_comes_at_once_and_behind_its_frames(ends: Ends) -> None:
    ends.link.send_frame(sound(b"a"))
    ends.link.send(StopRecording(9))
    assert ends.came() == [b"a", StopRecording(9)]


async def test_what_is_held_is_bounded(ends: Ends) -> None:
    for _ in range(links.MAX_HELD_BYTES // 50_000 + 1):
        assert ends.came() == []
        ends.link.send_frame(sound(bytes(50_000)))
    assert len(ends.came()) == links.MAX_HELD_BYTES // 50_000 + 1


async def test_hanging_up_loses_nothing(ends: Ends) -> None:
    ends.link.send_frame(sound(b"a"))
    ends.link.close()
    received = ends.other.receive()
    frame = next(received)
    assert isinstance(frame, Frame)
    assert frame.payload == b"a"
    with pytest.raises(channel.ChannelClosed):
        next(received)
    assert not ends.link.send_frame(sound(b"b"))
    assert ends.counters["recorder-absent"] == 1


async def test_who_missed_a_picture_is_told_so_until_a_keyframe(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "MAX_OUTBOX_BYTES", 100)
    ends.link.send_frame(Frame(37, Codec.H264, bytes(200)))
    ends.link.handle_timeout(1_200_000)
    assert not ends.link.send_frame(Frame(37, Codec.H264, b"delta"))
    assert ends.link.send_frame(Frame(37, Codec.H264, b"key", is_keyframe=True))
    assert ends.link.send_frame(sound(b"a"))
    ends.link.handle_timeout(1_400_000)
    assert ends.came() == [b"key", b"a"]
