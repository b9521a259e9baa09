"""kill -9 of the recorder at 20 moments by chance, in real time: each file plays, verifies, lacks 3 s at most."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.recording import RecordingSettings
from crypto.keys import MasterKey
from mcu.policy import RoomPolicy
from mcu.worker.channel import Channel, Frame
from recorder.library import Library
from tests.peers import needs_programs
from tests.recorder.media import LEG, START_US, frames
from tests.recorder.rows import Rows
from tests.recorder.test_process import recorder_process

pytestmark = pytest.mark.interop
_ROUNDS, _AT_ONCE = 4, 5
_SECONDS = 8
_MOST_LOST_S = 3.0


class Victim:
    """A recorder that is fed until it is killed."""

    def __init__(self, process: subprocess.Popen[bytes], net: Channel, given: list[Frame], dies_s: float) -> None:
        self.process = process
        self.dies_s = dies_s
        self.fed_s = 0.0
        self._net = net
        self._waiting = list(reversed(given))

    def feed(self, now_s: float) -> None:
        """What has been captured by now."""
        while self._waiting and self._waiting[-1].capture_us <= START_US + now_s * 1e6:
            frame = self._waiting.pop()
            assert self._net.send_frame(frame)
            self.fed_s = (frame.capture_us - START_US) / 1e6
        self._net.flush()

    def kill(self) -> None:
        """At once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(5)


async def test_every_file_plays_and_verifies(tmp_path: Path) -> None:
    needs_programs("ffmpeg", "ffprobe")
    chance = random.Random(20)
    for number in range(_ROUNDS):
        rows = Rows()
        library = Library(rows, tmp_path / str(number), MasterKey(bytes(32)), RecordingSettings(min_free_bytes=0))
        fed = await _killed(library, [chance.uniform(1.0, _SECONDS - 0.5) for _ in range(_AT_ONCE)])
        assert sorted(await library.recover()) == sorted(fed)
        for name, fed_s in fed.items():
            row = rows.rows[name]
            assert row.state == ("interrupted" if row.size_bytes else "failed")
            assert row.duration_s >= fed_s - _MOST_LOST_S
            if not row.duration_s:
                continue
            assert library.verify(row).is_intact
            reader = library.open(row)
            path = tmp_path / f"{name}.mp4"
            path.write_bytes(reader.read(0, reader.size))
            reader.close()
            assert abs(_probed_s(path) - row.duration_s) < 0.1
            assert _decoded(path) == pytest.approx(row.duration_s * 25, abs=1)
    assert await library.recover() == []


async def _killed(library: Library, moments_s: list[float]) -> dict[str, float]:
    """By recording: how much the recorder was fed before it died."""
    given, fed = frames(_SECONDS), {}
    with ExitStack() as running:
        victims: dict[str, Victim] = {}
        for dies_s in moments_s:
            process, control, net = running.enter_context(recorder_process())
            order = await library.begin(RoomPolicy("1001", "Demo"), LEG, "admin", (320, 180, 25))
            control.send(order)
            _until_it_records(control)
            victims[order.recording] = Victim(process, net, given, dies_s)
        began_s = time.monotonic()
        while victims:
            now_s = time.monotonic() - began_s
            for name, victim in list(victims.items()):
                victim.feed(min(now_s, victim.dies_s))
                if now_s >= victim.dies_s:
                    victim.kill()
                    fed[name] = victim.fed_s
                    del victims[name]
            time.sleep(0.01)
    return fed


def _until_it_records(control: Channel) -> None:
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        if any(getattr(message, "gauges", {}).get("recordings") for message in control.receive()):
            return
        time.sleep(0.01)
    raise AssertionError("the recorder does not begin")


def _probed_s(path: Path) -> float:
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _decoded(path: Path) -> int:
    """Pictures that FFmpeg decodes; whatever it complains of fails."""
    command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "framemd5", "-"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return sum(line.startswith("0,") for line in done.stdout.splitlines())
