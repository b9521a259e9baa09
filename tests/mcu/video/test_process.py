"""The process over its channels: pictures out, 2 MB of junk in, its last words in shared memory, its end."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from mcu.media import Codec
from mcu.worker.channel import Channel, ChannelClosed, Frame, channel_pair
from mcu.worker.inflight import InFlight
from mcu.worker.messages import (
    AnyMessage,
    Message,
    OpenRendition,
    ProcessStats,
    RequestKeyframe,
    SetScene,
    Start,
    Stop,
    Tile,
)
from mcu.worker.messages import Channel as NewChannel
from tests.mcu.video.media import RED, Sender, Viewer, is_near

SOURCE = 5


class Worker:
    """A video process with a control channel and a net channel."""

    def __init__(self) -> None:
        self.in_flight = InFlight.create()
        ours, theirs = channel_pair()
        self.child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mcu.video.process",
                f"--fd={theirs.fileno()}",
                f"--inflight={self.in_flight.fileno()}",
            ],
            pass_fds=[theirs.fileno(), self.in_flight.fileno()],
        )
        theirs.close()
        self.control = Channel(ours)
        self.control.send(Start({}))
        self.net = self.connect()
        self.frames: list[Frame] = []
        self.messages: list[AnyMessage] = []

    def connect(self) -> Channel:
        ours, theirs = channel_pair()
        self.control.send(NewChannel("net"), [theirs.fileno()])
        theirs.close()
        return Channel(ours)

    def tell(self, *messages: Message) -> None:
        for message in messages:
            self.control.send(message)

    def until(self, condition: Callable[[], bool], timeout_s: float = 10) -> None:
        """Read both channels until `condition` holds."""
        deadline = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            for channel in (self.control, self.net):
                selector.register(channel, selectors.EVENT_READ)
            while not condition():
                assert time.monotonic() < deadline, (self.messages[-3:], len(self.frames))
                for key, _ in selector.select(0.05):
                    assert isinstance(key.fileobj, Channel)
                    for arrived in key.fileobj.receive():
                        self.frames.append(arrived) if isinstance(arrived, Frame) else self.messages.append(arrived)
                if self.net.wants_write:
                    self.net.flush()

    def counter(self, name: str) -> int:
        stats = [message for message in self.messages if isinstance(message, ProcessStats)]
        return stats[-1].counters.get(name, 0) if stats else 0

    def show_source(self) -> None:
        self.tell(
            SetScene("1001", "all", (Tile(0, 0, 1, 1, SOURCE, "A"),)),
            OpenRendition(9, "1001", "all", Codec.H264, 320, 180, 25, 500_000),
        )
        self.until(lambda: RequestKeyframe(SOURCE) in self.messages)


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.child.kill()
    worker.child.wait()
    worker.control.close()
    worker.net.close()
    worker.in_flight.close()


def test_serves_a_scene_and_survives_junk_of_2_mb(worker: Worker) -> None:
    worker.show_source()
    worker.net.send_frame(Frame(SOURCE, Codec.H264, os.urandom(2_000_000), is_keyframe=True))
    worker.until(lambda: worker.counter("decode_errors") + worker.counter("frames_dropped_bad_header") > 0)
    sender, viewer = Sender(SOURCE, RED), Viewer()
    seen = sent = 0

    def shows_red() -> bool:
        nonlocal seen, sent
        # The sender goes on, as senders do: a source that junk has slowed down may skip to its next keyframe.
        worker.net.send_frame(sender.frame(is_key=sent % 10 == 0))
        sent += 1
        for frame in worker.frames[seen:]:
            assert frame.stream == 9
            assert frame.rtp_timestamp == frame.capture_us * 9 // 100 & 0xFFFFFFFF
            viewer.take(frame)
        seen = len(worker.frames)
        return is_near(viewer.at(0.5, 0.3), RED)

    worker.until(shows_red)
    worker.until(lambda: shows_red() and worker.counter("frames_decoded") >= 6)
    stats = next(m for m in reversed(worker.messages) if isinstance(m, ProcessStats))
    assert stats.process == "video"
    assert stats.gauges["encoders"] == 1
    assert {"frame_rate", "sources", "tick_lateness_p99_ms", "encode_ms", "compose_ms"} <= stats.gauges.keys()

    worker.tell(
        SetScene(
            "1001", "all", (Tile(0, 0, 0.5, 1, SOURCE, "张伟", is_muted=True), Tile(0.5, 0, 0.5, 1)), True, "会诊"
        ),
        OpenRendition(10, "1001", "all", Codec.VP8, 640, 360, 25, 500_000),
        OpenRendition(11, "1001", "all", Codec.H264, 320, 180, 25, 500_000, "64001f", 1200),
    )
    worker.until(lambda: {frame.stream for frame in worker.frames[-6:]} == {9, 10, 11})

    worker.net.close()
    worker.net = worker.connect()
    worker.messages.clear()
    worker.until(lambda: RequestKeyframe(SOURCE) in worker.messages)
    count = len(worker.frames)
    worker.net.send(RequestKeyframe(9))
    worker.until(lambda: any(frame.is_keyframe for frame in worker.frames[count:]))

    worker.tell(Stop())
    assert worker.child.wait(5) == 0


def test_ends_with_control(worker: Worker) -> None:
    worker.show_source()
    worker.control.close()
    assert worker.child.wait(5) == 0


def test_the_source_in_flight_is_known_after_a_kill(worker: Worker) -> None:
    worker.show_source()
    sender = Sender(SOURCE, RED, size=(1920, 1080))
    frame = sender.frame(is_key=True)
    deadline = time.monotonic() + 20
    taken: tuple[int, ...] = ()
    os.set_blocking(worker.net.fileno(), False)
    while not taken and time.monotonic() < deadline:
        worker.net.send_frame(frame)
        os.kill(worker.child.pid, signal.SIGSTOP)
        if any(worker.in_flight._words):
            worker.child.kill()
            worker.child.wait()
            taken = worker.in_flight.take()
        else:
            os.kill(worker.child.pid, signal.SIGCONT)
            try:
                worker.until(lambda: True)
            except ChannelClosed:
                break
    assert taken == (SOURCE,)
    assert worker.in_flight.take() == ()
