"""How good the composed picture is beside ffmpeg's with the same settings and rate, and the mixed voice."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from bench import ffmpeg_grid, media
from bench.report import Pair, Result
from bench.video_process import access_units
from config.media import VideoSettings
from mcu.media import Codec
from mcu.video.plane import VideoPlane
from mcu.worker.channel import Frame
from mcu.worker.messages import OpenRendition, SetScene

_COUNTS = (4, 9)
_GATE = 0.005
_BITRATE_BPS = 1_500_000
_TICK_US = 40_000
_SETTLING = 50
"""Pictures at the beginning that do not count: both start with a keyframe under a full buffer."""
_EVERY = 5
_BLOCK, _EDGE = 8, 8
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_NOTES = (
    "x264 superfast 1280x720@25 1.5 Mbit/s VBV 0.5 s; SSIM of luma, 8x8 windows, every fifth picture after 2 s, inside "
    "of every tile, against the same clips scaled by Lanczos and not coded. ours: the video plane. baseline: one "
    "ffmpeg command. deficit: baseline - ours. One run a case: nothing in it depends on time"
)
Luma = NDArray[np.float32]


def run(seconds: float, runs: int) -> Iterator[Result]:
    """Pictures of 4 and of 9, then sound."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [media.clip(folder / f"{n}.mp4", n, is_talker=False) for n in range(max(_COUNTS))]
        for count in _COUNTS:
            yield _picture(folder, clips[:count], min(seconds, float(media.LENGTH_S)))
    if importlib.util.find_spec("bench.quality_sound"):
        yield from importlib.import_module("bench.quality_sound").run(seconds, runs)


def _picture(folder: Path, clips: Sequence[Path], seconds: float) -> Result:
    reference = folder / "reference.yuv"
    raw = ["-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-f", "rawvideo", str(reference)]
    coded = folder / "coded.h264"
    x264 = [*ffmpeg_grid.x264(VideoSettings().x264_preset, _BITRATE_BPS, VideoSettings().vbv_s), str(coded)]
    subprocess.run(ffmpeg_grid.command(clips, seconds, raw, scaler="lanczos"), check=True)
    subprocess.run(ffmpeg_grid.command(clips, seconds, x264), check=True)
    with av.open(str(coded)) as container:
        theirs = [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]
    ours = [frame.payload for frame in _composed(clips, round(seconds * ffmpeg_grid.RATE))]
    values = [_ssim(ours, reference, len(clips), 1), _ssim(theirs, reference, len(clips), 0)]
    rates = [sum(map(len, units[_SETTLING:])) * 8 / (len(units) - _SETTLING) * 25 / 1000 for units in (ours, theirs)]
    figures = {"deficit": values[1] - values[0], "ours_kbit_s": rates[0], "baseline_kbit_s": rates[1]}
    void = "ours took more bits" if rates[0] > 1.02 * rates[1] else ""
    pairs = [Pair(values[0], values[1], figures)]
    return Result("quality", f"picture of {len(clips)}", "SSIM", pairs, _GATE, _NOTES, void, "deficit")


def _composed(clips: Sequence[Path], count: int) -> list[Frame]:
    """What the video plane makes of the clips, picture for picture after a first one without them."""
    now_us = _TICK_US
    plane = VideoPlane(VideoSettings(decode_threads=0), clock_us=lambda: now_us)
    plane.apply(SetScene("9000", "all", tuple(ffmpeg_grid.seats(len(clips), has_names=False))))
    plane.apply(OpenRendition(1, "9000", "all", Codec.H264, 1280, 720, ffmpeg_grid.RATE, _BITRATE_BPS))
    found, sources = plane.tick(now_us), [access_units(clip) for clip in clips]
    for index in range(count):
        for number, units in enumerate(sources):
            unit = units[index % len(units)]
            plane.feed(Frame(number + 1, unit.codec, unit.payload, is_keyframe=unit.is_keyframe), now_us)
        now_us += _TICK_US
        found += plane.tick(now_us)
    plane.close()
    return found


def _ssim(units: Sequence[bytes], reference: Path, count: int, first: int) -> float:
    """Mean over pictures and tiles; unit number `first` is the first picture of the reference."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.flags |= 1 << 19  # low delay: one picture for each access unit
    lines, width = ffmpeg_grid.HEIGHT * 3 // 2, ffmpeg_grid.WIDTH
    planes = np.memmap(reference, np.uint8, "r").reshape(-1, lines, width)
    values = []
    for index, unit in enumerate(units, -first):
        pictures = decoder.decode(av.Packet(unit))
        if index < _SETTLING or index % _EVERY or index >= len(planes) or not pictures:
            continue
        seen = pictures[0].to_ndarray()[: ffmpeg_grid.HEIGHT].astype(np.float32)
        true = planes[index, : ffmpeg_grid.HEIGHT].astype(np.float32)
        for box in ffmpeg_grid.boxes(count):
            rows = slice(box.y + _EDGE, box.y + box.height - _EDGE)
            columns = slice(box.x + _EDGE, box.x + box.width - _EDGE)
            values.append(ssim(seen[rows, columns], true[rows, columns]))
    return float(np.mean(values))


def ssim(one: Luma, other: Luma) -> float:
    """Structural similarity over blocks of 8x8 that do not overlap (Wang, Bovik, Sheikh, Simoncelli 2004)."""
    first, second = _blocks(one), _blocks(other)
    mean_1, mean_2 = first.mean(1), second.mean(1)
    covariance = (first * second).mean(1) - mean_1 * mean_2
    likeness = (2 * mean_1 * mean_2 + _C1) * (2 * covariance + _C2)
    size = (mean_1**2 + mean_2**2 + _C1) * (first.var(1) + second.var(1) + _C2)
    return float((likeness / size).mean())


def _blocks(luma: Luma) -> Luma:
    height, width = luma.shape[0] // _BLOCK, luma.shape[1] // _BLOCK
    cut = luma[: height * _BLOCK, : width * _BLOCK].reshape(height, _BLOCK, width, _BLOCK)
    return cut.transpose(0, 2, 1, 3).reshape(-1, _BLOCK * _BLOCK)
