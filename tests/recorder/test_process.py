"""The recorder process as the fleet starts it: over its channels, stopped, orphaned and killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crypto.sealing import Head, SealReader, verify
from mcu.worker import messages
from mcu.worker.channel import Channel, Frame, channel_pair
from recorder.mp4 import IndexedFile
from tests.recorder.media import LEG, frames

KEY = bytes(range(32))


@contextmanager
def recorder_process() -> Iterator[tuple[subprocess.Popen[bytes], Channel, Channel]]:
    ours, theirs = channel_pair()
    net_ours, net_theirs = channel_pair()
    process = subprocess.Popen(
        [sys.executable, "-m", "recorder.process", "--fd", str(theirs.fileno())], pass_fds=[theirs.fileno()]
    )
    theirs.close()
    control, net = Channel(ours), Channel(net_ours)
    control.send(messages.Start({"min_free_bytes": 0}))
    control.send(messages.Channel("net"), [net_theirs.fileno()])
    net_theirs.close()
    try:
        yield process, control, net
    finally:
        control.close()
        net.close()
        process.wait(5)


def start(control: Channel, path: Path) -> None:
    head = Head("one", b"").serialize()
    control.send(messages.StartRecording(LEG, "one", str(path), KEY, head, 320, 180, 25))
    wait(control, lambda message: isinstance(message, messages.ProcessStats) and message.gauges["recordings"] == 1)


def wait(control: Channel, is_wanted: Callable[[object], bool]) -> object:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for message in control.receive():
            if is_wanted(message):
                return message
        time.sleep(0.01)
    raise AssertionError("nothing came")


def send(net: Channel, given: list[Frame]) -> None:
    for frame in given:
        assert net.send_frame(frame)
        while net.wants_write:
            time.sleep(0.001)
            net.flush()


def played_s(path: Path) -> float:
    data = path.read_bytes()
    reader = SealReader(lambda offset, length: data[offset : offset + length], len(data), KEY)
    return IndexedFile(reader.read, reader.size).duration_s


def is_complete(path: Path) -> bool:
    data = path.read_bytes()
    return verify(lambda offset, length: data[offset : offset + length], len(data), KEY).is_complete


def test_a_recording_from_start_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "one.dtr"
    with recorder_process() as (process, control, net):
        start(control, path)
        send(net, frames(3))
        wait(control, lambda message: isinstance(message, messages.RecordingProgress) and message.duration_s > 1.5)
        control.send(messages.StopRecording(LEG))
        end = wait(control, lambda message: isinstance(message, messages.RecordingEnded))
        assert isinstance(end, messages.RecordingEnded)
        assert end.error == ""
        assert is_complete(path)
        control.send(messages.Stop())
        assert process.wait(5) == 0


def test_what_net_still_has_when_a_recording_is_stopped_belongs_to_it(tmp_path: Path) -> None:
    path, given = tmp_path / "one.dtr", frames(3)
    with recorder_process() as (_, control, net):
        start(control, path)
        send(net, given[:100])
        control.send(messages.StopRecording(LEG))
        send(net, given[100:])
        net.send(messages.StopRecording(LEG))
        end = wait(control, lambda message: isinstance(message, messages.RecordingEnded))
    assert isinstance(end, messages.RecordingEnded)
    assert end.error == ""
    assert played_s(path) > 2.9


def test_a_killed_process_leaves_a_file_that_plays(tmp_path: Path) -> None:
    path = tmp_path / "one.dtr"
    with recorder_process() as (process, control, net):
        start(control, path)
        send(net, frames(9))
        wait(control, lambda message: isinstance(message, messages.RecordingProgress) and message.duration_s > 6)
        process.send_signal(signal.SIGKILL)
        process.wait(5)
    assert played_s(path) >= 6.0
    assert not is_complete(path)


def test_an_orphan_finishes_its_files(tmp_path: Path) -> None:
    path = tmp_path / "one.dtr"
    with recorder_process() as (process, control, net):
        start(control, path)
        send(net, frames(3))
        wait(control, lambda message: isinstance(message, messages.RecordingProgress) and message.duration_s > 1)
        control.close()
        process.wait(5)
    assert is_complete(path)
    assert played_s(path) > 2.9
