"""Nine pictures in, one out: the video process beside a GStreamer compositor graph with the same x264 settings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import av

from bench import cpu, ffmpeg_grid, media, pixels
from bench.report import Pair, Result
from config.media import VideoSettings
from mcu.media import Codec
from mcu.worker.channel import Frame

_COUNT = 9
_GATE = 0.8
_LEAST_FRAMES_PER_S = 24.5
_BITRATE_BPS = 1_500_000
_NOTES = (
    "9 x H.264 Baseline 640x360@25 600 kbit/s in, x264 superfast zerolatency Baseline 1280x720@25 1.5 Mbit/s VBV 0.5 s "
    "out, one thread for each codec, live pace, no RTP on either side. ours: the video process over its channel, names "
    "in the tiles. baseline: gst-launch-1.0 avdec_h264 ! compositor ! x264enc from Debian packages, its start included"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """A picture of nine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [media.clip(folder / f"{n}.mp4", n, is_talker=False) for n in range(_COUNT)]
        repeated = [_repeated(clip, folder / f"{n}.long.mp4", seconds) for n, clip in enumerate(clips)]
        pairs, void = [], ""
        for _ in range(runs):
            ours, figures, trouble = pixels.compose(clips, seconds)
            theirs = cpu.cost(_graph(repeated, folder / "seen.h264")) / seconds
            pairs.append(Pair(ours, theirs, figures))
            void = void or trouble or _unseen(folder / "seen.h264", seconds)
        yield Result("peers-video", "9 senders, GStreamer", "CPU-s/s", pairs, _GATE, _NOTES, void)


def _repeated(clip: Path, path: Path, seconds: float) -> Path:
    cpu.cost(
        [
            "ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i", str(clip), "-t", str(seconds), "-an",
            "-c", "copy", str(path),
        ]
    )  # fmt: skip
    return path


def _graph(clips: Sequence[Path], out: Path) -> list[str]:
    boxes = ffmpeg_grid.boxes(len(clips))
    pads = [
        f"sink_{n}::{name}={value}"
        for n, box in enumerate(boxes)
        for name, value in (("xpos", box.x), ("ypos", box.y), ("width", box.width), ("height", box.height))
    ]
    size = f"video/x-raw,format=I420,width={ffmpeg_grid.WIDTH},height={ffmpeg_grid.HEIGHT},framerate=25/1"
    encoder = [
        "x264enc", f"speed-preset={VideoSettings().x264_preset}", "tune=zerolatency", "threads=1",
        f"bitrate={_BITRATE_BPS // 1000}", f"vbv-buf-capacity={round(VideoSettings().vbv_s * 1000)}",
        "key-int-max=100000", "option-string=scenecut=0:force-cfr=1",
    ]  # fmt: skip
    tail = ["video/x-h264,profile=constrained-baseline,stream-format=byte-stream", "!", "filesink", f"location={out}"]
    command = ["gst-launch-1.0", "-q", "compositor", "name=mix", "max-threads=1", "background=black", *pads]
    command += ["!", size, "!", *encoder, "!", *tail, "sync=true"]
    for number, clip in enumerate(clips):
        command += ["filesrc", f"location={clip}", "!", "qtdemux", "!", "h264parse", "!", "avdec_h264", "max-threads=1"]
        command += ["!", "queue", "!", f"mix.sink_{number}"]
    return command


def _unseen(path: Path, seconds: float) -> str:
    """Why what GStreamer made does not count, "" where all tiles are there and no picture is missing."""
    with av.open(str(path)) as container:
        units = [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]
    if len(units) < seconds * _LEAST_FRAMES_PER_S:
        return f"GStreamer: {len(units) / seconds:.1f} frames/s"
    return pixels.unseen([Frame(0, Codec.H264, unit) for unit in units], _COUNT)
