"""A room of N SIP terminals over real sockets beside one ffmpeg command that decodes, composes and encodes the same."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from bench import media
from bench.report import Pair, Result

_HTTP_PORT, _SIP_PORT, _WEBRTC_PORT = 18_080, 15_060, 41_000
_ROOM = "9000"
_TALKERS = 4
_WARM_UP_S = 10.0
_LEAST_FRAMES_PER_S = 24.5
_LEAST_PACKETS_PER_S = 49.5
_SETTINGS = f"""[server]
data = "{{folder}}/data"
http_port = {_HTTP_PORT}
[sip]
port = {_SIP_PORT}
[net]
webrtc_port = {_WEBRTC_PORT}
first_rtp_port = 42000
last_rtp_port = 42999
[secrets]
master_key_file = "{{folder}}/master.key"
"""
_GRID = {4: (2, 2), 9: (3, 3)}
_NOTES = (
    "H.264 640x360@25 600 kbit/s up, one 1280x720@25 superfast 1.5 Mbit/s rendition down, Opus, SDES-SRTP; ours: all "
    "server processes with sockets, SRTP and sound; baseline: ffmpeg -threads 1, pictures only"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """A room of 4 and a room of 9."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [media.clip(folder / f"{n}.mp4", n, is_talker=n < _TALKERS) for n in range(max(_GRID))]
        for count in _GRID:
            yield _case(folder, clips[:count], seconds, runs)


def _case(folder: Path, clips: list[Path], seconds: float, runs: int) -> Result:
    pairs: list[Pair] = []
    void = ""
    for number in range(runs):
        ours, figures, trouble = _ours(folder / f"run-{len(clips)}-{number}", clips, seconds)
        pairs.append(Pair(ours, _ffmpeg(clips, seconds), figures))
        void = void or trouble
    return Result("room", f"{len(clips)} participants", "CPU-s/s", pairs, None, _NOTES, void)


# ---- ours


def _ours(folder: Path, clips: list[Path], seconds: float) -> tuple[float, dict[str, float], str]:
    folder.mkdir()
    with _server(folder) as server:
        callers = [_caller(clip, folder, seconds) for clip in clips]
        try:
            time.sleep(_WARM_UP_S)
            watched = {_name(pid): [pid] for pid in _tree(server.pid)}
            watched["load_generator"] = [caller.pid for caller in callers]
            before, began = {name: _cpu(pids) for name, pids in watched.items()}, time.monotonic()
            time.sleep(seconds)
            elapsed = time.monotonic() - began
            used = {name: (_cpu(pids) - before[name]) / elapsed for name, pids in watched.items()}
            ours = sum(cost for name, cost in used.items() if name != "load_generator")
            figures = _figures() | used
            reports = [json.loads(caller.communicate(timeout=60)[0]) for caller in callers]
        finally:
            for caller in callers:
                if caller.poll() is None:
                    caller.kill()
                    caller.wait()
    return ours, figures, _trouble(reports, folder / "seen.mp4", len(clips))


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    settings = folder / "drumtower.toml"
    settings.write_text(_SETTINGS.format(folder=folder))
    environment = dict(os.environ, DRUMTOWER_CONFIG=str(settings))
    command = [sys.executable, "-m", "drumtower"]
    subprocess.run(
        [*command, "room", "create", _ROOM, "--no-guest-passcode", "--no-host-passcode"],
        env=environment,
        check=True,
        capture_output=True,
    )
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*command, "serve"], env=environment, stdout=log, stderr=log)
    try:
        _wait_until_up(server)
        yield server
    finally:
        server.terminate()
        server.wait(20)


def _wait_until_up(server: subprocess.Popen[bytes]) -> None:
    for _ in range(150):
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with status {server.returncode}")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{_HTTP_PORT}/healthz", timeout=1).close()
            return
        time.sleep(0.2)
    raise RuntimeError("the server does not answer")


def _caller(clip: Path, folder: Path, seconds: float) -> subprocess.Popen[bytes]:
    duration = _WARM_UP_S + seconds + 2
    command = [sys.executable, "-m", "drumtower", "call", f"sip:{_ROOM}@127.0.0.1:{_SIP_PORT}"]
    options = ["--play", str(clip), "--name", clip.stem, "--seconds", str(duration), "--no-decode", "--json"]
    if clip.stem == "0":
        options += ["--record", str(folder / "seen.mp4")]
    environment = dict(os.environ, DRUMTOWER_CONFIG=str(folder / "drumtower.toml"))
    return subprocess.Popen([*command, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _figures() -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{_HTTP_PORT}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()

    def value(name: str, *labels: str) -> float:
        found = [line for line in lines if line.startswith(f"drumtower_{name}{{") and all(x in line for x in labels)]
        return float(found[0].rsplit(" ", 1)[1]) if found else -1.0

    return {
        "video_encoders": value("encoders", 'process="video"'),
        "audio_encoders": value("audio_encoders"),
        "tick_lateness_p99_ms": value("tick_lateness_p99_ms", 'process="video"'),
    }


def _trouble(reports: list[dict[str, Any]], seen: Path, count: int) -> str:
    """Why the run is void, "" where it is not."""
    for report in reports:
        call = report["calls"][0]
        if call["outcome"] != "ok":
            return f"a call was not ok: {call['outcome']} {call['reason']}"
        streams, seconds = call["streams"], call["duration_s"]
        if streams["video"]["frames_received"] / seconds < _LEAST_FRAMES_PER_S:
            return f"{streams['video']['frames_received'] / seconds:.1f} frames/s"
        if streams["audio"]["received_packets"] / seconds < _LEAST_PACKETS_PER_S:
            return f"{streams['audio']['received_packets'] / seconds:.1f} audio packets/s"
        if lost := streams["video"]["lost_packets"] + streams["audio"]["lost_packets"]:
            return f"{lost} packets lost"
    return _unseen(seen, count)


def _unseen(seen: Path, count: int) -> str:
    """Whether every tile of a picture from the middle has the colour of a clip, each clip once; "" when so."""
    columns, rows = _GRID[count]
    with av.open(str(seen)) as container:
        frames = list(container.decode(video=0))
    picture = frames[len(frames) // 2].to_ndarray(format="rgb24").astype(np.float32)
    height, width = picture.shape[0] // rows, picture.shape[1] // columns
    found = set()
    for tile in range(count):
        top, left = tile // columns * height, tile % columns * width
        corner = np.median(
            picture[top + height // 8 : top + height // 3, left + width // 20 : left + width // 6], (0, 1)
        )
        distances = [np.linalg.norm(corner - media.colour(number)) for number in range(count)]
        found.add(int(np.argmin(distances)))
    return "" if len(found) == count else f"only {len(found)} of {count} tiles were seen"


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(grandchild for child in children for grandchild in _tree(int(child)))]


def _name(pid: int) -> str:
    """net, video, audio, or control for the process that started them."""
    command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    module = next((word for word in command if word.endswith(".process")), "control")
    return module.removesuffix(".process").removeprefix("mcu.")


def _cpu(pids: Iterable[int]) -> float:
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


# ---- the baseline


def _ffmpeg(clips: list[Path], seconds: float) -> float:
    columns, rows = _GRID[len(clips)]
    width, height = 1280 // columns // 2 * 2, 720 // rows // 2 * 2
    inputs: list[str] = []
    for clip in clips:
        inputs += ["-threads", "1", "-stream_loop", "-1", "-i", str(clip)]
    scaled = "".join(f"[{n}:v]scale={width}:{height}:flags=fast_bilinear[s{n}];" for n in range(len(clips)))
    places = "|".join(f"{n % columns * width}_{n // columns * height}" for n in range(len(clips)))
    joined = "".join(f"[s{n}]" for n in range(len(clips)))
    graph = f"{scaled}{joined}xstack=inputs={len(clips)}:layout={places}:fill=black,pad=1280:720[out]"
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-filter_complex_threads", "1", *inputs, "-filter_complex", graph,
        "-map", "[out]", "-r", "25", "-t", str(seconds), "-c:v", "libx264", "-preset", "superfast",
        "-tune", "zerolatency", "-profile:v", "baseline", "-b:v", "1500k", "-maxrate", "1500k", "-bufsize", "750k",
        "-g", "1000", "-threads", "1", "-f", "null", "-",
    ]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used / seconds
