"""One ffmpeg command that does what the video process does: decode clips, scale, put side by side, encode."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.witness import grid
from mcu.video.box import Box
from mcu.video.fit import tile_box
from mcu.worker.messages import Tile

WIDTH, HEIGHT, RATE = 1280, 720, 25


def seats(count: int, *, has_names: bool = True) -> list[Tile]:
    """Equal tiles; source n + 1 in tile n."""
    columns, rows = grid(count)
    return [
        Tile(n % columns / columns, n // columns / rows, 1 / columns, 1 / rows, n + 1, f"Clinic {n + 1}" * has_names)
        for n in range(count)
    ]


def boxes(count: int) -> list[Box]:
    """Their pixels."""
    return [tile_box(tile, WIDTH, HEIGHT) for tile in seats(count)]


def command(
    clips: Sequence[Path], seconds: float, output: Sequence[str], *, is_live: bool = False, scaler: str = "bilinear"
) -> list[str]:
    """`output` are the options of the encoder and the file; `is_live` reads the clips at their own pace."""
    inputs: list[str] = []
    for clip in clips:
        inputs += [*(["-re"] if is_live else []), "-threads", "1", "-stream_loop", "-1", "-i", str(clip)]
    places = boxes(len(clips))
    scaled = "".join(
        f"[{n}:v]scale={box.width}:{box.height}:flags={scaler}[s{n}];" for n, box in enumerate(places)
    )  # fmt: skip
    layout = "|".join(f"{box.x}_{box.y}" for box in places)
    joined = "".join(f"[s{n}]" for n in range(len(clips)))
    graph = f"{scaled}{joined}xstack=inputs={len(clips)}:layout={layout}:fill=black,pad={WIDTH}:{HEIGHT}[out]"
    head = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-filter_complex_threads", "1"]
    return [*head, *inputs, "-filter_complex", graph, "-map", "[out]", "-r", str(RATE), "-t", str(seconds), *output]


def x264(preset: str, bitrate_bps: int, vbv_s: float) -> list[str]:
    """The options with which the video process opens libx264, in ffmpeg's words."""
    rate, buffer = str(bitrate_bps), str(round(bitrate_bps * vbv_s))
    return [
        "-c:v", "libx264", "-preset", preset, "-tune", "zerolatency", "-profile:v", "baseline", "-level", "3.1",
        "-b:v", rate, "-maxrate", rate, "-bufsize", buffer, "-g", "100000", "-sc_threshold", "0", "-threads", "1",
        "-pix_fmt", "yuv420p",
    ]  # fmt: skip
