"""The net process as a process: it starts, answers, and leaves when it should."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from mcu.media import Kind
from mcu.worker.channel import Channel as Wire
from mcu.worker.channel import channel_pair
from mcu.worker.messages import LegOpened, Message, OpenLeg, Start, Stop, Transport


class _Child:
    """`python -m mcu.net.process` with a control channel."""

    def __init__(self) -> None:
        ours, theirs = channel_pair()
        command = [sys.executable, "-m", "mcu.net.process", f"--fd={theirs.fileno()}"]
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()
        self.control = Wire(ours)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.control.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def children() -> Iterator[list[_Child]]:
    """Three at once, since each takes a second to start."""
    started = [_Child() for _ in range(3)]
    yield started
    for child in started:
        child.end()


def _answer(control: Wire, kind: type, timeout_s: float = 20.0) -> Message:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for item in control.receive():
            if isinstance(item, kind):
                return item  # type: ignore[return-value]
        time.sleep(0.01)
    raise AssertionError(f"no {kind.__name__}")


def test_it_serves_and_leaves_when_it_should(children: list[_Child]) -> None:
    serving, deserted, unlucky = children
    deserted.control.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        unlucky.control.send(Start({"webrtc_port": taken.getsockname()[1]}))
        assert unlucky.process.wait(20) == 1
    assert deserted.process.wait(20) == 0

    serving.control.send(Start({"webrtc_port": 0}))
    serving.control.send(OpenLeg(1, "1001", Transport.ICE, (Kind.AUDIO,)))
    opened = _answer(serving.control, LegOpened)
    assert isinstance(opened, LegOpened)
    assert len(opened.fingerprint) == 95
    assert len(opened.ice_ufrag) >= 4
    assert len(opened.ice_pwd) >= 22
    serving.control.send(Stop())
    assert serving.process.wait(10) == 0
