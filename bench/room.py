"""A room over real sockets beside the C floor: ffmpeg for its pictures, one C loop for its sound and packets."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import cpu, media, packets, programs, witness
from bench.load import ADDRESS, Load, Part, calling, trouble
from bench.report import Pair, Result
from bench.server import serve
from config.media import AudioSettings
from mcu.media import Codec, Format, Kind, SdesKeys, StreamSpec

_COUNTS = (4, 9)
_TALKERS = 4
_WARM_UP_S = 6.0
_GATE = 1.25
_SUITE, _KEY_BYTES = "AEAD_AES_256_GCM", 44
_NOTES = (
    "H.264 Baseline 640x360@25 600 kbit/s up, one 1280x720@25 superfast 1.5 Mbit/s rendition down, Opus 32 kbit/s, "
    "4 talkers, SRTP AEAD_AES_256_GCM on every stream, UDP on loopback. ours: all server processes. baseline: ffmpeg "
    "decode + scale + xstack + x264, every thread count 1 (floor_pictures), and bench/native/floor.c: "
    "opus_decode of every caller, N-1 mixes, opus_encode (floor_sound); recvfrom, srtp_unprotect, srtp_protect and "
    "sendto of each caller's sound and of the very rendition that ours sent (floor_packets)"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """A room of 4 and a room of 9."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [media.clip(folder / f"{n}.mp4", n, is_talker=n < _TALKERS) for n in range(max(_COUNTS))]
        parts = [Part(*packets.of_clip(clip)) for clip in clips]
        for count in _COUNTS:
            pairs: list[Pair] = []
            void = ""
            for number in range(runs):
                place = folder / f"run-{count}-{number}"
                pair, why = asyncio.run(_measure(place, clips[:count], parts[:count], seconds))
                pairs.append(pair)
                void = void or why
            yield Result("room", f"{count} participants", "CPU-s/s", pairs, _GATE, _NOTES, void)


async def _measure(folder: Path, clips: Sequence[Path], parts: Sequence[Part], seconds: float) -> tuple[Pair, str]:
    folder.mkdir()
    sound, picture = folder / "sound.seen", folder / "picture.seen"
    with serve(folder) as server:
        dumps = {2 * len(parts) - 2: sound, 2 * len(parts) - 1: picture}
        async with calling(folder, server.uri(), parts, dumps) as load:
            await asyncio.sleep(_WARM_UP_S)
            load.count()
            began_s = time.monotonic()
            watch = cpu.Watch(server.processes() | {"load_generator": [load.pid]})
            await asyncio.sleep(seconds)
            used = watch.used()
            figures = used | {
                "video_encoders": server.metric("encoders", 'process="video"'),
                "audio_encoders": server.metric("audio_encoders"),
                "tick_lateness_p99_ms": server.metric("tick_lateness_p99_ms", 'process="video"'),
            }
            counted = load.stop()
    ours = sum(cost for name, cost in used.items() if name != "load_generator")
    talkers = [number for number in range(_TALKERS) if number != len(parts) - 1]
    void = trouble(counted) or witness.unseen(picture, len(parts)) or witness.unheard(sound, talkers)
    floor = await _floor(folder, parts, [each for each in packets.received(picture) if each.at_s > began_s], seconds)
    figures |= {
        "floor_pictures": ffmpeg(clips, seconds),
        "floor_sound": floor["opus"],
        "floor_packets": floor["cpu"] - floor["opus"],
    }
    void = void or _floor_trouble(floor)
    return Pair(ours, figures["floor_pictures"] + floor["cpu"], figures), void


# ---- the baseline


def ffmpeg(clips: Sequence[Path], seconds: float) -> float:
    """CPU seconds per second of media for decoding, composing and encoding the clips."""
    columns, rows = witness.grid(len(clips))
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


async def _floor(folder: Path, parts: Sequence[Part], seen: list[packets.Arrived], seconds: float) -> dict[str, Any]:
    """What floor.c reports after serving the same callers with the rendition that ours sent."""
    payloads, loop = packets.rendition(seen, media.RATE)
    rendition = packets.write(folder / "rendition", payloads, loop)
    settings = AudioSettings()
    load, far = Load(folder, parts), Load.sockets_of(parts)
    lines = [
        f"rendition {rendition}",
        f"opus {settings.opus_bitrate_bps} {settings.opus_complexity} {settings.expected_loss_percent}",
    ]
    for index, sockets in enumerate(far):
        lines.append(_connect(load, index, sockets, talks=index < _TALKERS))
    lines.append(f"run 1 {seconds}")
    program = programs.build("floor", folder)
    try:
        floor = await asyncio.create_subprocess_exec(
            str(program), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=programs.environment(folder),
            pass_fds=[pair[0].fileno() for sockets in far for pair in sockets.values()],
        )  # fmt: skip
        output, _ = await floor.communicate(("\n".join(lines) + "\n").encode())
    finally:
        counted = load.stop()
        load.close()
    report: dict[str, Any] = json.loads(output)
    return report | {"load": counted}


def _connect(load: Load, index: int, sockets: Any, *, talks: bool) -> str:
    """Start the streams of a caller towards the floor; the line that tells the floor about it."""
    ours, theirs = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_KEY_BYTES)
    near = load.sockets(index)
    part = load.parts[index]
    for kind, codec, clock_hz, file in (
        (Kind.AUDIO, Codec.OPUS, packets.OPUS_CLOCK_HZ, part.sound),
        (Kind.VIDEO, Codec.H264, packets.VIDEO_CLOCK_HZ, part.picture),
    ):
        remote = (ADDRESS, sockets[kind][0].getsockname()[1])
        send = Format(codec, 96 if kind is Kind.AUDIO else 99, clock_hz)
        keys = SdesKeys(_SUITE, theirs, ours)
        load.stream(2 * index + (kind is Kind.VIDEO), StreamSpec("", kind, send=send, remote=remote, sdes=keys),
                    near[kind], file)  # fmt: skip
    fds = [sockets[kind][0].fileno() for kind in (Kind.AUDIO, Kind.VIDEO)]
    ports = [near[kind][0].getsockname()[1] for kind in (Kind.AUDIO, Kind.VIDEO)]
    return " ".join(map(str, ("leg", *fds, ADDRESS, *ports, _SUITE, ours.hex(), theirs.hex(), int(talks))))


def _floor_trouble(floor: dict[str, Any]) -> str:
    if floor["bad"]:
        return f"the floor failed on {floor['bad']} packets"
    if floor["late_ms"] > 20:
        return f"the floor was {floor['late_ms']:.0f} ms late"
    least = 50 * floor["seconds"] * 0.98
    lazy = [stream for stream in floor["load"]["streams"] if stream["received"] < least]
    return "the floor did not serve everybody" if lazy else ""
