"""The video process with 4 and 9 senders beside one ffmpeg command that decodes, composes and encodes the same."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from bench import cpu, ffmpeg_grid, media, witness
from bench.report import Pair, Result
from bench.video_process import VideoProcess, access_units
from config.media import VideoSettings
from mcu.media import Codec
from mcu.worker.channel import Frame
from mcu.worker.messages import OpenRendition, SetScene

_COUNTS = (4, 9)
_GATE = 1.10
_WARM_UP_S = 3.0
_LEAST_FRAMES_PER_S = 24.5
_BITRATE_BPS = 1_500_000
_NOTES = (
    "H.264 Baseline 640x360@25 600 kbit/s in, x264 superfast 1280x720@25 1.5 Mbit/s out, one thread for each codec, no "
    "SRTP. ours: the video process, fed over its channel in real time, names in the tiles. baseline: one ffmpeg "
    "command (decode, scale bilinear, xstack, libx264), -threads 1, at the pace of the media (-re), as a conference "
    "is; hurried: the same command as fast as it can, on warm caches"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """A picture of 4 and a picture of 9."""
    with tempfile.TemporaryDirectory() as name:
        clips = [media.clip(Path(name) / f"{n}.mp4", n, is_talker=False) for n in range(max(_COUNTS))]
        for count in _COUNTS:
            pairs, void = [], ""
            for _ in range(runs):
                ours, figures, trouble = compose(clips[:count], seconds)
                output = [*ffmpeg_grid.x264(VideoSettings().x264_preset, _BITRATE_BPS, VideoSettings().vbv_s)]
                output += ["-f", "null", "-"]
                live, hurried = (
                    cpu.cost(ffmpeg_grid.command(clips[:count], seconds, output, is_live=is_live)) / seconds
                    for is_live in (True, False)
                )
                figures |= {"hurried": hurried, "ratio_to_hurried": ours / hurried}
                pairs.append(Pair(ours, live, figures))
                void = void or trouble
            yield Result("pixels", f"{count} senders", "CPU-s/s", pairs, _GATE, _NOTES, void)


def compose(clips: Sequence[Path], seconds: float) -> tuple[float, dict[str, float], str]:
    """CPU seconds per second of the video process, figures, and why the run is void."""
    process = VideoProcess()
    try:
        process.tell(
            SetScene("9000", "all", tuple(ffmpeg_grid.seats(len(clips)))),
            OpenRendition(1000, "9000", "all", Codec.H264, 1280, 720, 25, _BITRATE_BPS),
        )
        sources = [access_units(clip) for clip in clips]
        following = process.feed(sources, _WARM_UP_S)
        already = len(process.frames)
        watch = cpu.Watch({"video": [process.pid], "load_generator": [os.getpid()]})
        process.feed(sources, seconds, following)
        used = watch.used()
    finally:
        process.close()
    assert process.stats is not None
    figures = {"load_generator": used["load_generator"]} | {
        name: process.stats.gauges[name] for name in ("compose_ms", "encode_ms", "tick_lateness_p99_ms")
    }
    frame_rate = (len(process.frames) - already) / seconds
    void = f"{frame_rate:.1f} frames/s" if frame_rate < _LEAST_FRAMES_PER_S else unseen(process.frames, len(clips))
    return used["video"], figures, void


def unseen(frames: Sequence[Frame], count: int) -> str:
    """Why not every clip is in a tile of its own in the last picture; "" when each is."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    pictures = [picture for frame in frames for picture in decoder.decode(av.Packet(frame.payload))]
    found = set(witness.tiles(pictures[-1].to_ndarray(format="rgb24").astype(np.uint8), count))
    return "" if len(found) == count else f"only {len(found)} of {count} tiles were seen"
