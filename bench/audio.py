"""A large room that hears a few: the real audio process, fed by the real net process, beside libopus alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from bench import audio_plane, voices
from bench.audio_load import Clip, Heard, Report, Spec, Terminal
from bench.opus_floor import Work
from bench.report import Pair, Result
from config.media import AudioSettings
from mcu.audio.opus import OpusDecoder
from mcu.media import Codec, Format

_PARTICIPANTS, _TALKERS = 200, 4
_GATE = 1.5
_LOCAL_PORT = 43_998
_OPUS = Format(Codec.OPUS, 111, 48_000)
_WARM_UP_S = 5.0
_MARGIN_S = 2.0
"""The load goes on for so long around what is measured."""
_LEAST_PACKETS_PER_S = 49.5
_SETTINGS = AudioSettings()
_NOTES = (
    f"{_PARTICIPANTS} legs send Opus with RFC 6464 levels, {_TALKERS} talk, the rest send room noise of -66 dBov; mono "
    f"{_SETTINGS.opus_bitrate_bps // 1000} kbit/s, complexity {_SETTINGS.opus_complexity}, 20 ms, no FEC on either "
    f"side, no SRTP; ours: the audio process; baseline: decode of {_TALKERS} + encode of {_TALKERS + 1} by the same "
    "libopus, every 20 ms"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """One case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sounds = [voices.voice(number) for number in range(_TALKERS)]
        clips = [_clip(sound) for sound in (*sounds, voices.room_noise(_TALKERS))]
        _write_floor(folder / "floor", clips, sounds, seconds)
        pairs: list[Pair] = []
        void = ""
        for _ in range(runs):
            figures, report = asyncio.run(_ours(folder / "load", clips, seconds))
            pairs.append(Pair(figures.pop("audio"), _floor(folder / "floor"), figures))
            void = void or _trouble(report, seconds)
        case = f"{_PARTICIPANTS} participants, {_TALKERS} talk"
        yield Result("audio", case, "CPU-s/s", pairs, _GATE, _NOTES, void)


def _clip(sound: np.ndarray) -> Clip:
    packets = voices.opus_packets(sound, _SETTINGS.opus_bitrate_bps, _SETTINGS.opus_complexity)
    return Clip(packets, voices.levels(sound))


async def _ours(file: Path, clips: list[Clip], seconds: float) -> tuple[dict[str, float], Report]:
    async with audio_plane.running({}) as plane:
        forms = [_OPUS] * _PARTICIPANTS
        await audio_plane.open_legs(plane, forms, _LOCAL_PORT, has_levels=True)
        terminals = [
            Terminal("127.0.0.1", port, min(index, _TALKERS), keeps=index <= _TALKERS)
            for index, port in enumerate(plane.ports)
        ]
        spec = Spec(_LOCAL_PORT, 111, 48_000, clips, terminals, _WARM_UP_S, seconds + _MARGIN_S)
        file.write_bytes(msgspec.msgpack.encode(spec))
        load = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.audio_load", str(file), stdout=subprocess.PIPE
        )
        try:
            figures = await audio_plane.cost(plane, _WARM_UP_S + _MARGIN_S / 2, seconds)
            output, _ = await load.communicate()
        finally:
            if load.returncode is None:
                load.kill()
        report = msgspec.json.decode(output, type=Report)
        figures["load_generator"] = report.cpu
        statistics = plane.statistics("audio")
        if statistics is not None:
            figures["audio_encoders"] = statistics.gauges["audio_encoders"]
            figures["tick_lateness_p99_ms"] = statistics.gauges["tick_lateness_p99_ms"]
    figures.pop("video", None)
    return figures, report


def _write_floor(file: Path, clips: list[Clip], sounds: list[np.ndarray], seconds: float) -> None:
    total = np.sum(sounds, axis=0)
    mixes = [(total - sound).astype(np.float32) for sound in sounds] + [total.astype(np.float32)]
    work = Work(
        [clip.packets for clip in clips[:_TALKERS]],
        [mix.tobytes() for mix in mixes],
        _SETTINGS.opus_bitrate_bps,
        _SETTINGS.opus_complexity,
        seconds,
    )
    file.write_bytes(msgspec.msgpack.encode(work))


def _floor(file: Path) -> float:
    done = subprocess.run([sys.executable, "-m", "bench.opus_floor", str(file)], capture_output=True, check=True)
    return float(done.stdout)


def _trouble(report: Report, seconds: float) -> str:
    """Why the run is void, "" where it is not."""
    least = _LEAST_PACKETS_PER_S * (seconds + _MARGIN_S)
    for number, heard in enumerate(report.heard):
        if heard.packets < least:
            return f"leg {number + 1} got {heard.packets / (seconds + _MARGIN_S):.1f} packets/s"
        if heard.lost:
            return f"leg {number + 1} lost {heard.lost} packets"
    for number in range(_TALKERS + 1):
        others = set(range(_TALKERS)) - {number}
        if unheard := voices.missing(_decoded(report.heard[number]), others):
            return f"leg {number + 1} does not hear talkers {unheard}"
    return ""


def _decoded(heard: Heard) -> np.ndarray:
    decoder = OpusDecoder()
    return np.concatenate([decoder.decode(payload) for payload in heard.payloads])
