"""A room of N SIP terminals over real sockets beside one ffmpeg command that decodes, composes and encodes the same."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from bench import cpu, media
from bench.report import Pair, Result
from bench.server import callers, serve, trouble

_TALKERS = 4
_WARM_UP_S = 10.0
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
    duration, seen = _WARM_UP_S + seconds + 2, folder / "seen.mp4"
    with serve(folder) as server, callers(server, clips, duration, seen) as load:
        time.sleep(_WARM_UP_S)
        watch = cpu.Watch(server.processes() | {"load_generator": [caller.pid for caller in load]})
        time.sleep(seconds)
        used = watch.used()
        figures = used | {
            "video_encoders": server.metric("encoders", 'process="video"'),
            "audio_encoders": server.metric("audio_encoders"),
            "tick_lateness_p99_ms": server.metric("tick_lateness_p99_ms", 'process="video"'),
        }
        troubles = [trouble(caller.report()) for caller in load]
    ours = sum(cost for name, cost in used.items() if name != "load_generator")
    return ours, figures, next(filter(None, troubles), "") or _unseen(seen, len(clips))


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
    return cpu.cost(command) / seconds
