"""Our whole server for a benchmark: `drumtower serve` with a folder, ports and rooms of its own, and its callers."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import cpu

ROOM = "9000"
_HTTP_PORT, _SIP_PORT, _WEBRTC_PORT = 18_080, 15_060, 41_000
JOIN = f"http://127.0.0.1:{_HTTP_PORT}/api/v1/join"
"""The WebSocket of the join page."""
_SETTINGS = f"""[server]
data = "{{folder}}/data"
http_port = {_HTTP_PORT}
[sip]
port = {_SIP_PORT}
unlimited_networks = ["127.0.0.0/8"]
max_calls = 1000
max_calls_per_source = 1000
[h323]
enabled = false
[net]
webrtc_port = {_WEBRTC_PORT}
first_rtp_port = 42000
last_rtp_port = 44999
max_legs = 1000
[capacity]
enabled = false
[secrets]
master_key_file = "{{folder}}/master.key"
{{more}}
"""
_LEAST_FRAMES_PER_S, _LEAST_PACKETS_PER_S = 24.5, 49.5


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    pid: int
    folder: Path
    environment: dict[str, str]

    http: str = f"http://127.0.0.1:{_HTTP_PORT}"
    sip_port: int = _SIP_PORT

    def uri(self, room: str = ROOM) -> str:
        """The SIP address of a room."""
        return f"sip:{room}@127.0.0.1:{self.sip_port}"

    def processes(self) -> dict[str, list[int]]:
        """Process ids by what they do: control, net, video, audio, recorder."""
        found: dict[str, list[int]] = {}
        for pid in cpu.tree(self.pid):
            with contextlib.suppress(OSError):
                found.setdefault(cpu.role(pid), []).append(pid)
        return found

    def metric(self, name: str, *labels: str) -> float:
        """A value of /metrics whose labels hold all of `labels`; -1 where there is none."""
        with urllib.request.urlopen(f"{self.http}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        for line in lines:
            head, _, value = line.rpartition(" ")
            if head.partition("{")[0] == f"drumtower_{name}" and all(label in head for label in labels):
                return float(value)
        return -1.0

    def command(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run `drumtower` with its settings."""
        command = [sys.executable, "-m", "drumtower", *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True)


@contextlib.contextmanager
def serve(
    folder: Path, rooms: Sequence[str] = (ROOM,), settings: str = "", room: Sequence[str] = (),
    preparation: Sequence[Sequence[str]] = (),
) -> Iterator[Server]:  # fmt: skip
    """Start it in a folder of its own with rooms that ask for nothing.

    `settings` are further lines of TOML, `room` further arguments of `drumtower room create`, `preparation`
    further commands before it serves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "drumtower.toml"
    file.write_text(_SETTINGS.format(folder=folder, more=settings))
    # Nobody may get less while it is measured what everybody costs.
    environment = {"DRUMTOWER_CAPACITY_ENABLED": "false"} | dict(os.environ, DRUMTOWER_CONFIG=str(file))
    options = ("--no-guest-passcode", "--no-host-passcode", *room)
    for number in rooms:
        Server(0, folder, environment).command("room", "create", number, *options)
    for command in preparation:
        Server(0, folder, environment).command(*command)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "drumtower", "serve"], env=environment, stdout=log, stderr=log
        )  # fmt: skip
    server = Server(process.pid, folder, environment)
    try:
        _wait_until_up(process, server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def callers(server: Server, clips: Sequence[Path], seconds: float, record: Path) -> Iterator[list[Caller]]:
    """One `drumtower call` a clip into the room; the first records what it sees and hears. Ended at the end."""
    made = [Caller(server, clip, seconds, record if index == 0 else None) for index, clip in enumerate(clips)]
    try:
        yield made
    finally:
        for caller in made:
            caller.end()


class Caller:
    """A process of `drumtower call` that plays a clip and only counts what it gets."""

    def __init__(self, server: Server, clip: Path, seconds: float, record: Path | None, *more: str) -> None:
        """`more` are further arguments of the command."""
        command = [sys.executable, "-m", "drumtower", "call", server.uri(), "--play", str(clip), "--name", clip.stem]
        command += [
            "--seconds",
            str(seconds),
            "--no-decode",
            "--json",
            *(("--record", str(record)) if record else ()),
            *more,
        ]
        self._process = subprocess.Popen(
            command, env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )  # fmt: skip
        self.pid = self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the call is not over yet."""
        return self._process.poll() is None

    def report(self) -> dict[str, Any]:
        """Of the call, when it is over."""
        report: dict[str, Any] = json.loads(self._process.communicate(timeout=60)[0])["calls"][0]
        return report

    def end(self) -> None:
        """Do not wait for it."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def trouble(report: dict[str, Any]) -> str:
    """Why what a caller reports makes a run void, "" where it does not."""
    if report["outcome"] != "ok":
        return f"a call was not ok: {report['outcome']} {report['reason']}"
    streams, seconds = report["streams"], report["duration_s"]
    if (rate := streams["video"]["frames_received"] / seconds) < _LEAST_FRAMES_PER_S:
        return f"{rate:.1f} frames/s"
    if (rate := streams["audio"]["received_packets"] / seconds) < _LEAST_PACKETS_PER_S:
        return f"{rate:.1f} audio packets/s"
    if lost := streams["video"]["lost_packets"] + streams["audio"]["lost_packets"]:
        return f"{lost} packets lost"
    return ""


def _wait_until_up(process: subprocess.Popen[bytes], server: Server) -> None:
    for _ in range(150):
        if process.poll() is not None:
            last = (server.folder / "log").read_text(errors="replace").strip().rpartition("\n")[2]
            raise RuntimeError(f"the server ended with status {process.returncode}: {last}")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{server.http}/healthz", timeout=1).close()
            return
        time.sleep(0.2)
    raise RuntimeError("the server does not answer")
